"""skeletons, actions -> vision_msgs: people and what they do as Detection2DArray."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from bharnet_ros import msg
from bharnet_ros.errors import BharnetError
from bharnet_ros.interop.vision import MESSAGES, actions, people
from bharnet_ros.nodes.base import ManagedNode, run
from bharnet_ros.nodes.conversions import msg_to_actions, msg_to_skeletons
from bharnet_ros.nodes.findings import summary
from bharnet_ros.nodes.input_watch import INPUT_PARAMS, WatchedSubscription
from bharnet_ros.nodes.optional_messages import message_classes
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import RESULTS, overridable
from bharnet_ros.nodes.statistics import Period

PARAMS = (
    Param(
        "input_timeout_s", 2.0, "Silence on the skeletons topic after which the node warns.",
        0.1, 3600.0,
    ),
    *INPUT_PARAMS,
)  # fmt: skip


class VisionMsgsBridgeNode(ManagedNode):
    """Publishes person_detections and action_detections. Needs vision_msgs 4.x."""

    def __init__(self, **options: Any) -> None:
        self._vision = SimpleNamespace()
        self._input: WatchedSubscription | None = None
        self._actions: Any = None
        self._out: dict[str, Any] = {}
        super().__init__("vision_msgs_bridge", PARAMS, **options)

    def configure(self) -> None:
        """Look for vision_msgs."""
        self._vision = message_classes("vision_msgs", MESSAGES)
        self._out = {
            topic: self.create_publisher(
                self._vision.Detection2DArray, topic, RESULTS, qos_overriding_options=overridable()
            )
            for topic in ("person_detections", "action_detections")
        }

    def activate(self) -> None:
        """Subscribe."""
        self._input = WatchedSubscription(
            self, msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS,
            what="skeletons", timeout_s=self.params["input_timeout_s"],
        )  # fmt: skip
        self._actions = self.create_subscription(
            msg.RecognizedActionArray, "actions", self._on_actions, RESULTS,
            qos_overriding_options=overridable(),
        )  # fmt: skip

    def deactivate(self) -> None:
        """Stop listening."""
        if self._input is not None:
            self._input.destroy()
            self._input = None
        if self._actions is not None:
            self.destroy_subscription(self._actions)
            self._actions = None

    def cleanup(self) -> None:
        """Stop offering the topics."""
        for publisher in self._out.values():
            self.destroy_publisher(publisher)
        self._out = {}

    def _on_skeletons(self, message: Any) -> None:
        try:
            frame = msg_to_skeletons(message)
        except BharnetError as error:
            self.stats.drop("invalid skeleton")
            self.get_logger().warning(f"Skeletons dropped: {error}", throttle_duration_sec=10.0)
            return
        self._out["person_detections"].publish(people(self._vision, message.header, frame))

    def _on_actions(self, message: Any) -> None:
        try:
            frame = msg_to_actions(message)
        except ValueError:
            self.stats.drop("invalid actions")
            return
        self._out["action_detections"].publish(actions(self._vision, message.header, frame))

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Silence of the input."""
        found = [] if self._input is None else self._input.findings(period)
        level, message = summary(found)
        return level, message, {}


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros vision_msgs_bridge"""
    return run([VisionMsgsBridgeNode], args)
