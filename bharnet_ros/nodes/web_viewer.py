"""A page in the browser with the annotated picture, people and node health, for robots without a
screen. Nothing is subscribed, drawn or encoded while no browser looks."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros import msg
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.base import OK, ManagedNode, run
from bharnet_ros.nodes.conversions import msg_to_actions, stamp_to_ns
from bharnet_ros.nodes.findings import summary
from bharnet_ros.nodes.images import image_to_bgr
from bharnet_ros.nodes.input_watch import INPUT_PARAMS, STAMP_AGE, WatchedSubscription
from bharnet_ros.nodes.names import concerns
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import IMAGE_SUBSCRIBER, RESULTS, overridable
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.viewer.api import ViewerApi
from bharnet_ros.viewer.pictures import Look, Pictures
from bharnet_ros.viewer.state import NodeHealth, ViewState
from bharnet_ros.web.guard import Guard, new_token
from bharnet_ros.web.server import Limits, WebServer, is_loopback

PARAMS = (
    Param(
        "host", "127.0.0.1",
        "Address to serve. The default is reachable from this machine only (and through ssh -L); "
        "0.0.0.0 from the whole network, without encryption.",
    ),
    Param("port", 8422, "Port to serve; 0 = any free one.", 0, 65535),
    Param(
        "token", "",
        "Secret that the page's address must end with; empty = a new one whenever the node is "
        "activated, which the log tells.",
    ),
    Param(
        "host_names", [""],
        "Further names by which browsers may ask for the page, e.g. robot.local; the machine's own "
        "name and addresses always may.",
    ),
    Param(
        "max_rate_hz", 10.0, "Pictures per second at most.", 0.2, 60.0, dynamic=True,
    ),
    Param(
        "max_width", 960, "Wider pictures are scaled down to this width in pixels.", 160, 3840,
        dynamic=True,
    ),
    Param("jpeg_quality", 80, "Quality of the pictures.", 10, 100, dynamic=True),
    Param(
        "max_connections", 32, "Connections at once; a browser uses two to six of them.", 4, 256
    ),
    Param(
        "input_timeout_s", 2.0, "Silence on image_annotated after which the page says why.",
        0.1, 3600.0,
    ),
    *INPUT_PARAMS,
)  # fmt: skip

_FOLLOW_S = 0.25
_HARDWARE = "bharnet_ros"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{12,200}")


class WebViewerNode(ManagedNode):
    """Subscribes image_annotated, actions and /diagnostics while a browser looks."""

    def __init__(self, **options: Any) -> None:
        self._others: list[Any] = []
        self._timer: Any = None
        self._server: WebServer | None = None
        self._pictures = Pictures(image_to_bgr)
        self._state = ViewState()
        self._input: WatchedSubscription | None = None
        super().__init__("web_viewer", PARAMS, **options)

    def configure(self) -> None:
        """Check what was given at the start."""
        self.check_parameters(self.params.all())

    def check_parameters(self, values: Mapping[str, Any]) -> None:
        """Refuse a token that could be guessed."""
        token = values["token"]
        if token and not _TOKEN.fullmatch(token):
            raise ConfigurationError(
                "The parameter token must have 12 to 200 letters, digits, '-' or '_'; set another "
                "one, or leave it empty."
            )

    def activate(self) -> None:
        """Open the port and tell the address."""
        host, token = self.params["host"], self.params["token"] or new_token()
        names = {socket.gethostname(), *(n.strip() for n in self.params["host_names"])} - {""}
        self._pictures, self._state = Pictures(image_to_bgr, self._look()), ViewState()
        api = ViewerApi(self._pictures, self._state, Guard(token, frozenset(names)))
        limits = Limits(self.params["max_connections"], request_s=30.0, answer_s=10.0)
        self._server = WebServer(
            api, host, [self.params["port"]], limits, "set the parameters host and port"
        )
        self._server.start()
        self._timer = self.create_timer(_FOLLOW_S, self._follow_demand, clock=self._steady)
        self.get_logger().info(f"Open in a browser: {self._server.address(token)}")
        if not is_loopback(host):
            self.get_logger().warning(
                f"{host} can be reached from the network, without encryption: whoever has the "
                "address above sees what the camera sees."
            )

    def deactivate(self) -> None:
        """Close the port and stop listening."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        self._pictures.close()
        self._state.close()
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._unsubscribe()

    def _follow_demand(self) -> None:
        self._pictures.look = self._look()
        if not (self._pictures.is_watched() or self._state.is_watched()):
            self._unsubscribe()
            return
        if self._input is None:
            self._subscribe()
        if self._pictures.problem:
            self._state.notice(self._pictures.problem)

    def _look(self) -> Look:
        return Look(
            self.params["max_width"], self.params["jpeg_quality"], self.params["max_rate_hz"]
        )

    def _subscribe(self) -> None:
        self._input = WatchedSubscription(
            self, ImageMessage, "image_annotated", self._on_image, IMAGE_SUBSCRIBER,
            what="pictures", timeout_s=self.params["input_timeout_s"],
        )  # fmt: skip
        self._others = [
            self.create_subscription(
                kind, topic, callback, quality, qos_overriding_options=overridable()
            )
            for kind, topic, callback, quality in (
                (msg.RecognizedActionArray, "actions", self._on_actions, RESULTS),
                (DiagnosticArray, "/diagnostics", self._on_diagnostics, QoSProfile(depth=10)),
            )
        ]

    def _unsubscribe(self) -> None:
        if self._input is None:
            return
        self._input.destroy()
        self._input = None
        for subscription in self._others:
            self.destroy_subscription(subscription)
        self._others = []
        self._pictures.forget()
        self._state.forget()

    def _on_image(self, message: ImageMessage) -> None:
        age_ms = (self.get_clock().now().nanoseconds - stamp_to_ns(message.header.stamp)) * 1e-6
        self.stats.duration(STAMP_AGE, age_ms)
        self._pictures.put(message, max(0.0, age_ms * 1e-3))

    def _on_actions(self, message: Any) -> None:
        try:
            self._state.put_actions(msg_to_actions(message))
        except ValueError:
            self.stats.drop("invalid actions")

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        """Entries of this package's nodes that concern this namespace; a robot has hundreds of
        others."""
        home = self.get_namespace().strip("/")
        self._state.put_nodes(
            NodeHealth(
                status.name, status.level[0], status.message,
                [(item.key, item.value) for item in status.values],
            )
            for status in message.status
            if status.hardware_id == _HARDWARE and concerns(status.name, home)
        )  # fmt: skip

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Who looks; the token is not told here."""
        server, picture_input = self._server, self._input
        if server is None:
            return OK, "closed", {}
        values = {
            "address": f"{self.params['host']}:{server.server_address[1]}",
            "connections": str(server.connections),
            "pictures made": str(self._pictures.made),
        }
        if picture_input is None:
            return OK, "nobody looks", values
        level, message = summary(picture_input.findings(period), "somebody looks")
        told = "" if level == OK else message
        if picture_input.is_silent and not self.count_publishers("image_annotated"):
            told += ". The node visualizer publishes annotated pictures; is it running?"
        self._state.notice(told or self._pictures.problem)
        return level, message, values


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros web_viewer"""
    return run([WebViewerNode], args)
