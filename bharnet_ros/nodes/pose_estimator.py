"""image_raw -> skeletons: finds people, their keypoints and their track ids."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros import msg
from bharnet_ros.errors import InvalidImageError
from bharnet_ros.node_parameters import parse_options
from bharnet_ros.nodes.base import OK, WARN, ManagedNode, run
from bharnet_ros.nodes.conversions import layout_to_msg, skeletons_to_msg, stamp_to_ns
from bharnet_ros.nodes.images import BadImage, image_to_bgr
from bharnet_ros.nodes.input_watch import InputWatch
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import IMAGE_SUBSCRIBER, LATCHED, RESULTS, overridable
from bharnet_ros.nodes.stamps import Order, StampGuard
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.pose import PoseEstimator, available_backends, create_pose_estimator
from bharnet_ros.skeleton import get_layout
from bharnet_ros.tracking import Tracker

PARAMS = (
    Param(
        "pose_backend", "mediapipe", "What estimates keypoints.",
        choices=tuple(sorted(available_backends())),
    ),
    Param(
        "pose_options", [""],
        "Options of the backend, each as name=value, for example num_threads=2.",
    ),
    Param(
        "input_timeout_s", 2.0, "Silence on the image topic after which the node warns.",
        0.1, 3600.0,
    ),
)  # fmt: skip


class PoseEstimatorNode(ManagedNode):
    """Subscribes image_raw; publishes skeletons and, latched, skeleton_layout."""

    def __init__(self, **options: Any) -> None:
        self._estimator: PoseEstimator | None = None
        self._subscription: Any = None
        self._watch: InputWatch | None = None
        super().__init__("pose_estimator", PARAMS, **options)
        self._skeletons = self.create_publisher(
            msg.SkeletonArray, "skeletons", RESULTS, qos_overriding_options=overridable()
        )
        self._layout = self.create_publisher(msg.SkeletonLayout, "skeleton_layout", LATCHED)
        self._guard = StampGuard()
        self._people = 0
        self._last_refusal = ""

    def configure(self) -> None:
        """Load the networks; publish what the keypoints are."""
        self._estimator = create_pose_estimator(
            self.params["pose_backend"], **parse_options(self.params["pose_options"])
        )
        self._tracker = Tracker()
        self._layout.publish(layout_to_msg(get_layout(self._estimator.layout)))

    def activate(self) -> None:
        """Subscribe to images."""
        self._restart()
        self._subscription = self.create_subscription(
            ImageMessage, "image_raw", self._on_image, IMAGE_SUBSCRIBER,
            qos_overriding_options=overridable(),
        )  # fmt: skip
        self._watch = InputWatch(
            self, self._subscription, "image", self.params["input_timeout_s"]
        )

    def deactivate(self) -> None:
        """Stop listening."""
        if self._subscription is not None:
            self.destroy_subscription(self._subscription)
            self._subscription = self._watch = None

    def cleanup(self) -> None:
        """Free the networks."""
        if self._estimator is not None:
            self._estimator.close()
            self._estimator = None

    def _restart(self) -> None:
        if self._estimator is not None:
            self._estimator.reset()
        self._tracker = Tracker()
        self._guard.reset()

    def _on_image(self, message: ImageMessage) -> None:
        begin = time.perf_counter()
        if self._watch is None or self._estimator is None:
            return
        self._watch.seen()
        self.stats.event("images in")
        stamp_ns = stamp_to_ns(message.header.stamp)
        try:
            image = image_to_bgr(message)
            order = self._guard.judge(stamp_ns)
            if order is Order.OLD:
                self.stats.drop(order.value)
                return
            if order is Order.RESTART:
                self.get_logger().info("Stamps jumped back: time began anew, starting afresh.")
                self._restart()
                self._guard.judge(stamp_ns)
            converted = time.perf_counter()
            frame = self._estimator.estimate(image, stamp_ns)
        except InvalidImageError as error:
            self._refuse(error)
            return
        estimated = time.perf_counter()
        frame = self._tracker.update(frame)
        tracked = time.perf_counter()
        self._skeletons.publish(skeletons_to_msg(frame, message.header.frame_id))
        self._people = len(frame.skeletons)
        self.stats.event("skeletons out")
        self.stats.durations(
            {
                "convert image": 1e3 * (converted - begin),
                "estimate": 1e3 * (estimated - converted),
                "track": 1e3 * (tracked - estimated),
                "publish": 1e3 * (time.perf_counter() - tracked),
                "stamp age": (self.get_clock().now().nanoseconds - stamp_ns) * 1e-6,
            }
        )
        self.stats.durations(
            {f"estimate/{stage}": ms for stage, ms in self._estimator.timings_ms.items()}
        )

    def _refuse(self, error: InvalidImageError) -> None:
        self.stats.drop(error.reason if isinstance(error, BadImage) else "invalid image")
        if str(error) != self._last_refusal:
            self._last_refusal = str(error)
            self.get_logger().warning(f"Image dropped: {error}")

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Warn of silence and of refused images."""
        values = {"backend": self.params["pose_backend"], "people": str(self._people)}
        silence = self._watch.problem() if self._watch is not None else ""
        if silence:
            return WARN, silence, values
        if period.drops:
            reasons = ", ".join(f"{count} {reason}" for reason, count in period.drops.items())
            values["last refusal"] = self._last_refusal
            return WARN, f"images dropped: {reasons}", values
        return OK, f"{self._people} people", values


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros pose_estimator"""
    return run([PoseEstimatorNode], args)
