"""image_annotated: the picture with what was recognised. Costs nothing while nobody looks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros import msg
from bharnet_ros.errors import BharnetError
from bharnet_ros.nodes.base import OK, ManagedNode, run
from bharnet_ros.nodes.conversions import msg_to_actions, msg_to_skeletons, stamp_to_ns
from bharnet_ros.nodes.images import bgr_to_image, image_to_bgr
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, IMAGE_SUBSCRIBER, RESULTS, overridable
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.overlay import draw
from bharnet_ros.types import ActionFrame

PARAMS = (
    Param(
        "keep_images", 6, "Newest images kept while their skeletons are being estimated.", 1, 60
    ),
    Param(
        "max_rate_hz", 0.0, "Annotated images per second at most; 0 = every one.", 0.0, 240.0,
        dynamic=True,
    ),
)  # fmt: skip


class VisualizerNode(ManagedNode):
    """Subscribes image_raw, skeletons and actions while image_annotated has a subscriber."""

    def __init__(self, **options: Any) -> None:
        self._subscriptions_now: list[Any] = []
        self._timer: Any = None
        self._images: OrderedDict[int, ImageMessage] = OrderedDict()
        self._actions: ActionFrame | None = None
        self._drawn_ns: int | None = None
        super().__init__("visualizer", PARAMS, **options)
        self._annotated = self.create_publisher(
            ImageMessage, "image_annotated", IMAGE_PUBLISHER, qos_overriding_options=overridable()
        )

    def activate(self) -> None:
        """Look twice a second whether somebody looks."""
        self._timer = self.create_timer(0.5, self._follow_demand)

    def deactivate(self) -> None:
        """Stop listening."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        self._unsubscribe()

    def _follow_demand(self) -> None:
        wanted = self._annotated.get_subscription_count() > 0
        if wanted and not self._subscriptions_now:
            self._subscriptions_now = [
                self.create_subscription(
                    kind, topic, callback, quality, qos_overriding_options=overridable()
                )
                for kind, topic, callback, quality in (
                    (ImageMessage, "image_raw", self._on_image, IMAGE_SUBSCRIBER),
                    (msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS),
                    (msg.RecognizedActionArray, "actions", self._on_actions, RESULTS),
                )
            ]
        elif not wanted:
            self._unsubscribe()

    def _unsubscribe(self) -> None:
        for subscription in self._subscriptions_now:
            self.destroy_subscription(subscription)
        self._subscriptions_now = []
        self._images.clear()
        self._actions = None

    def _on_image(self, message: ImageMessage) -> None:
        self._images[stamp_to_ns(message.header.stamp)] = message
        while len(self._images) > self.params["keep_images"]:
            self._images.popitem(last=False)

    def _on_actions(self, message: Any) -> None:
        self._actions = msg_to_actions(message)

    def _is_too_soon(self, stamp_ns: int) -> bool:
        """Whether the last drawn image is too close for another one; stamps may jump back."""
        rate_hz = self.params["max_rate_hz"]
        if rate_hz <= 0.0 or self._drawn_ns is None:
            return False
        return 0 <= stamp_ns - self._drawn_ns < 0.95e9 / rate_hz

    def _on_skeletons(self, message: Any) -> None:
        if self._is_too_soon(stamp_to_ns(message.header.stamp)):
            return
        image = self._images.pop(stamp_to_ns(message.header.stamp), None)
        if image is None:
            self.stats.drop("skeletons without their image")
            return
        try:
            skeletons = msg_to_skeletons(message)
            picture = draw(image_to_bgr(image), skeletons, self._actions)
        except BharnetError as error:
            self.stats.drop("cannot be drawn")
            self.get_logger().warning(f"Not drawn: {error}", throttle_duration_sec=10.0)
            return
        self._drawn_ns = skeletons.stamp_ns
        self._annotated.publish(bgr_to_image(picture, skeletons.stamp_ns, image.header.frame_id))
        self.stats.event("annotated images out")

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Whether it is drawing."""
        return OK, "drawing" if self._subscriptions_now else "nobody looks", {}


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros visualizer"""
    return run([VisualizerNode], args)
