"""image_raw -> skeletons: finds people, their keypoints and their track ids."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros import msg
from bharnet_ros.errors import InvalidImageError
from bharnet_ros.image_encodings import compressed_to_bgr
from bharnet_ros.node_parameters import parse_options
from bharnet_ros.nodes.base import ManagedNode, run
from bharnet_ros.nodes.conversions import layout_to_msg, skeletons_to_msg, stamp_to_ns
from bharnet_ros.nodes.endpoints import deaf_subscribers
from bharnet_ros.nodes.findings import Failures, Finding, Level, summary
from bharnet_ros.nodes.freshness import STALLED_S, TOO_LATE_S, Work
from bharnet_ros.nodes.images import BadImage, image_to_bgr
from bharnet_ros.nodes.input_watch import INPUT_PARAMS, WatchedSubscription
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import IMAGE_SUBSCRIBER, LATCHED, RESULTS, overridable
from bharnet_ros.nodes.stamps import Order, StampGuard
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.pose import PoseEstimator, available_backends, create_pose_estimator
from bharnet_ros.skeleton import get_layout
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import Image, SkeletonFrame

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
        "image_transport", "raw",
        "How images come: raw, or compressed (JPEG, PNG) on the topic image_raw/compressed.",
        choices=("raw", "compressed"),
    ),
    Param(
        "max_rate_hz", 0.0, "Images estimated per second of stamp time at most; 0 = all.",
        0.0, 240.0, dynamic=True,
    ),
    Param(
        "idle_rate_hz", 5.0,
        "The same while nobody was in view for a second; 0 = all. Somebody who comes is seen up to "
        "1 / idle_rate_hz later, and a robot that waits keeps its processor.",
        0.0, 120.0, dynamic=True,
    ),
    Param(
        "input_timeout_s", 2.0, "Silence on the image topic after which the node warns.",
        0.1, 3600.0, dynamic=True,
    ),
    *INPUT_PARAMS,
)  # fmt: skip

_IDLE_AFTER_NS = 1_000_000_000
_BACKEND = "pose backend"
"""What fails, in diagnostics."""


class PoseEstimatorNode(ManagedNode):
    """Subscribes image_raw; publishes skeletons and, latched, skeleton_layout."""

    def __init__(self, **options: Any) -> None:
        self._estimator: PoseEstimator | None = None
        self._input: WatchedSubscription | None = None
        super().__init__("pose_estimator", PARAMS, **options)
        self._skeletons = self.create_publisher(
            msg.SkeletonArray, "skeletons", RESULTS, qos_overriding_options=overridable()
        )
        self._layout = self.create_publisher(msg.SkeletonLayout, "skeleton_layout", LATCHED)
        self._failures = Failures()
        self._guard = StampGuard()
        self._taken_ns: int | None = None
        self._seen_ns = 0
        self._people = 0
        self._last_refusal = ""

    def configure(self) -> None:
        """Load the networks; publish what the keypoints are."""
        self._load()
        if self._estimator is not None:
            self._layout.publish(layout_to_msg(get_layout(self._estimator.layout)))

    def _load(self) -> None:
        if self._estimator is None:
            self._estimator = create_pose_estimator(
                self.params["pose_backend"], **parse_options(self.params["pose_options"])
            )

    def activate(self) -> None:
        """Subscribe to images; load the networks again if deactivate has freed them."""
        self._load()
        self._restart()
        compressed = self.params["image_transport"] == "compressed"
        # Relative to the remapped image topic, as image_transport names it.
        topic = self.resolve_topic_name("image_raw")
        self._input = WatchedSubscription(
            self,
            CompressedImage if compressed else ImageMessage,
            f"{topic}/compressed" if compressed else "image_raw",
            self._on_image,
            IMAGE_SUBSCRIBER,
            what="images",
            timeout_s=self.params["input_timeout_s"],
        )

    def deactivate(self) -> None:
        """Stop listening; free the networks."""
        if self._input is not None:
            self._input.destroy()
            self._input = None
        self._people = 0
        self._failures.clear()
        self.cleanup()

    def cleanup(self) -> None:
        """Free the networks."""
        estimator, self._estimator = self._estimator, None
        if estimator is not None:
            estimator.close()

    def parameters_changed(self, names: frozenset[str]) -> None:
        """The others are read where they are used."""
        if "input_timeout_s" in names and self._input is not None:
            self._input.timeout_s = self.params["input_timeout_s"]

    def _restart(self) -> None:
        if self._estimator is not None:
            self._estimator.reset()
        self._tracker = Tracker()
        self._guard.reset()
        self._taken_ns = None
        self._seen_ns = 0
        self._was_past = False

    def _on_image(self, message: Any) -> None:
        begin = time.perf_counter()
        if self._input is None or self._estimator is None:
            return
        work = Work()
        if self._is_past(self._input.waited_s > TOO_LATE_S):
            return
        stamp_ns = stamp_to_ns(message.header.stamp)
        if self._is_too_soon(stamp_ns):
            self.stats.event("images passed by")
            return
        try:
            image = _picture(message)
            if not self._is_next(stamp_ns):
                return
            converted = time.perf_counter()
            frame = self._estimator.estimate(image, stamp_ns)
        except InvalidImageError as error:
            self._refuse(error)
            return
        except Exception as error:  # whatever a backend raises, the next image may be fine
            self.stats.drop("pose backend failed")
            self._failures.failed(_BACKEND, f"{type(error).__name__}: {error}")
            return
        self._failures.worked(_BACKEND)
        self._taken_ns = stamp_ns
        if frame.skeletons:
            self._seen_ns = stamp_ns
        if self._is_past(work.stalled_s > STALLED_S):
            return
        self._publish(frame, message.header.frame_id, (begin, converted, time.perf_counter()))
        self.stats.durations(
            {f"estimate/{stage}": ms for stage, ms in self._estimator.timings_ms.items()}
        )

    def _is_too_soon(self, stamp_ns: int) -> bool:
        """Whether the rates spare the node this image; stamps may jump back."""
        if self._taken_ns is None:
            return False
        rates_hz = [self.params["max_rate_hz"]]
        if stamp_ns - self._seen_ns > _IDLE_AFTER_NS:
            rates_hz.append(self.params["idle_rate_hz"])
        rate_hz = min((rate_hz for rate_hz in rates_hz if rate_hz > 0.0), default=0.0)
        # A little less than the period, for stamps that jitter around it.
        return rate_hz > 0.0 and 0 < stamp_ns - self._taken_ns < 0.95e9 / rate_hz

    def _is_past(self, too_late: bool) -> bool:
        """Whether the process hung so long that the image shows the past; never two in a row, so
        that a machine that is always late is not silent too."""
        self._was_past = too_late and not self._was_past
        if self._was_past:
            self.stats.drop("too old after the node hung")
        return self._was_past

    def _is_next(self, stamp_ns: int) -> bool:
        """Whether the stamp follows; everything begins anew when time does."""
        order = self._guard.judge(stamp_ns)
        if order in (Order.OLD, Order.UNSET):
            self.stats.drop(order.value)
            return False
        if order is Order.RESTART:
            self.get_logger().info("Stamps jumped back: time began anew, starting afresh.")
            self._restart()
            self._guard.judge(stamp_ns)
        return True

    def _publish(
        self, frame: SkeletonFrame, frame_id: str, moments: tuple[float, float, float]
    ) -> None:
        begin, converted, estimated = moments
        frame = self._tracker.update(frame)
        tracked = time.perf_counter()
        self._skeletons.publish(skeletons_to_msg(frame, frame_id))
        self._people = len(frame.skeletons)
        self.stats.event("skeletons out")
        self.stats.gauge("people", self._people)
        self.stats.durations(
            {
                "convert image": 1e3 * (converted - begin),
                "estimate": 1e3 * (estimated - converted),
                "track": 1e3 * (tracked - estimated),
                "publish": 1e3 * (time.perf_counter() - tracked),
                "stamp age": (self.get_clock().now().nanoseconds - frame.stamp_ns) * 1e-6,
            }
        )

    def _refuse(self, error: InvalidImageError) -> None:
        self.stats.drop(error.reason if isinstance(error, BadImage) else "invalid image")
        if str(error) != self._last_refusal:
            self._last_refusal = str(error)
            self.get_logger().warning(f"Image dropped: {error}")

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """What is wrong with the input, the output or the networks."""
        values = {"backend": self.params["pose_backend"], "people": str(self._people)}
        findings = self._failures.findings()
        if self._input is not None:
            findings += self._input.findings(period)
        findings += deaf_subscribers(self, [self._skeletons, self._layout])
        if period.drops:
            reasons = ", ".join(f"{count} {reason}" for reason, count in period.drops.items())
            findings.append(Finding(Level.WARN, f"images dropped: {reasons}"))
            values["last refusal"] = self._last_refusal
        level, message = summary(findings, f"{self._people} people")
        return level, message, values


def _picture(message: Any) -> Image:
    """The BGR array of a raw or compressed image. Raises InvalidImageError."""
    if isinstance(message, CompressedImage):
        return compressed_to_bgr(message)
    return image_to_bgr(message)


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros pose_estimator"""
    return run([PoseEstimatorNode], args)
