"""One camera of the pose estimator: its topics, its people, and how it fares."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros import msg
from bharnet_ros.errors import InvalidImageError
from bharnet_ros.image_encodings import compressed_to_bgr
from bharnet_ros.nodes.conversions import layout_to_msg, skeletons_to_msg, stamp_to_ns
from bharnet_ros.nodes.diagnostics import Status, describe
from bharnet_ros.nodes.endpoints import deaf_subscribers
from bharnet_ros.nodes.findings import Failures, Finding, Level, summary
from bharnet_ros.nodes.freshness import STALLED_S, TOO_LATE_S, Clearing, Work
from bharnet_ros.nodes.image_exchange import IMAGES
from bharnet_ros.nodes.images import BadImage, image_to_bgr
from bharnet_ros.nodes.input_watch import STAMP_AGE, WatchedSubscription
from bharnet_ros.nodes.pacing import Pacing
from bharnet_ros.nodes.qos import IMAGE_SUBSCRIBER, LATCHED, RESULTS, overridable
from bharnet_ros.nodes.stamps import Order, StampGuard
from bharnet_ros.nodes.statistics import Period, Statistics
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.pose.together import Job
from bharnet_ros.skeleton import get_layout
from bharnet_ros.smoothing import Smoother
from bharnet_ros.tracking import NOWHERE, Tracker
from bharnet_ros.types import Image, SkeletonFrame

_BACKEND = "pose backend"
"""What fails, in diagnostics."""


@dataclass(frozen=True, eq=False)
class Look:
    """An image of a camera that is worth estimating.

    convert_ms: how long it took to read it.
    """

    stream: CameraStream
    job: Job
    frame_id: str
    convert_ms: float


class CameraStream:
    """Subscribes image_raw of one camera; publishes its skeletons and, latched, skeleton_layout.

    node: a ManagedNode with the parameters of the pose estimator. name: of the camera, which its
    topics begin with; "" for the only one of a node.
    """

    def __init__(self, node: Any, name: str) -> None:
        self.name = name
        self.people = 0
        self.estimator: PoseEstimator | None = None
        self._node = node
        self._prefix = f"{name}/" if name else ""
        self._stats: Statistics = Statistics(node.stats) if name else node.stats
        self._input: WatchedSubscription | None = None
        self._skeletons = node.create_publisher(
            msg.SkeletonArray, f"{self._prefix}skeletons", RESULTS,
            qos_overriding_options=overridable(),
        )  # fmt: skip
        self._layout = node.create_publisher(
            msg.SkeletonLayout, f"{self._prefix}skeleton_layout", LATCHED
        )
        self._topic = self._skeletons.topic_name
        IMAGES.announce(self._topic)
        self._failures = Failures()
        self._guard = StampGuard()
        self._pacing = Pacing()
        self._tracker = Tracker()
        self._smoother = Smoother(node.params["smoothing"])
        self._clearing = Clearing()
        self._last_refusal = ""

    def destroy(self) -> None:
        """Remove the publishers."""
        self.ignore()
        self.withdraw()
        for publisher in (self._skeletons, self._layout):
            self._node.destroy_publisher(publisher)

    def withdraw(self) -> None:
        """No image of this camera will be offered any more."""
        topic, self._topic = self._topic, ""
        if topic:
            IMAGES.withdraw(topic)

    def publish_layout(self) -> None:
        """Say what the keypoints are."""
        if self.estimator is not None:
            self._layout.publish(layout_to_msg(get_layout(self.estimator.layout)))

    def close(self) -> None:
        """Let go of the estimator."""
        estimator, self.estimator = self.estimator, None
        if estimator is not None:
            estimator.close()

    def listen(self, callback: Callable[[CameraStream, Any], None]) -> None:
        """Subscribe; callback gets this stream and the message."""
        self._restart()
        compressed = self._node.params["image_transport"] == "compressed"
        topic = f"{self._prefix}image_raw"
        if compressed:  # relative to the remapped image topic, as image_transport names it
            topic = f"{self._node.resolve_topic_name(topic)}/compressed"
        self._input = WatchedSubscription(
            self._node,
            CompressedImage if compressed else ImageMessage,
            topic,
            lambda message: callback(self, message),
            IMAGE_SUBSCRIBER,
            what="images",
            timeout_s=self._node.params["input_timeout_s"],
            stats=self._stats,
        )

    def ignore(self) -> None:
        """Unsubscribe."""
        if self._input is not None:
            self._input.destroy()
            self._input = None
        self.people = 0
        self._failures.clear()

    def apply_parameters(self) -> None:
        """Those that may change at any time; the others are read where they are used."""
        if self._input is not None:
            self._input.timeout_s = self._node.params["input_timeout_s"]
        if self._smoother.strength != self._node.params["smoothing"]:
            self._smoother.strength = self._node.params["smoothing"]

    def take_waiting(self) -> Any | None:
        """The image message that waits already, if one does."""
        return None if self._input is None else self._input.take_waiting()

    def worked(self) -> None:
        """The node has just worked, whatever on."""
        if self._input is not None:
            self._input.worked()

    # an image in

    def look(self, message: Any) -> Look | None:
        """What to estimate of a message; None if nothing, which is counted."""
        begin = time.perf_counter()
        if self._input is None or self.estimator is None:
            return None
        if self._is_past(self._input.waited_s > TOO_LATE_S):
            return None
        stamp_ns = stamp_to_ns(message.header.stamp)
        params = self._node.params
        if self._pacing.is_too_soon(stamp_ns, params["max_rate_hz"], params["idle_rate_hz"]):
            self._stats.event("images passed by")
            return None
        try:
            image = _picture(message)
        except InvalidImageError as error:
            self._refuse(error)
            return None
        if not self._is_next(stamp_ns):
            return None
        convert_ms = 1e3 * (time.perf_counter() - begin)
        return Look(
            self, Job(self.estimator, image, stamp_ns), message.header.frame_id, convert_ms
        )

    def _is_past(self, too_late: bool) -> bool:
        """Whether the process hung so long that the image shows the past, see `Clearing`."""
        dropped = self._clearing.throws_away(too_late)
        if dropped:
            self._stats.drop("too old after the node hung")
        return dropped

    def _is_next(self, stamp_ns: int) -> bool:
        """Whether the stamp follows; everything of this camera begins anew when time does."""
        order = self._guard.judge(stamp_ns)
        if order in (Order.OLD, Order.UNSET):
            self._stats.drop(order.value)
            return False
        if order is Order.RESTART:
            which = f" of camera {self.name}" if self.name else ""
            self._node.get_logger().info(
                f"Stamps{which} jumped back: time began anew, starting afresh."
            )
            self._restart()
            self._guard.judge(stamp_ns)
        return True

    def _restart(self) -> None:
        if self.estimator is not None:
            self.estimator.reset()
        self._tracker = Tracker()
        self._smoother.reset()
        self._guard.reset()
        self._pacing.reset()
        self._clearing = Clearing()

    def _refuse(self, error: InvalidImageError) -> None:
        self._stats.drop(error.reason if isinstance(error, BadImage) else "invalid image")
        if str(error) != self._last_refusal:
            self._last_refusal = str(error)
            which = f" of camera {self.name}" if self.name else ""
            self._node.get_logger().warning(f"Image{which} dropped: {error}")

    # skeletons out

    def answer(
        self, look: Look, result: SkeletonFrame | Exception, estimate_ms: float, work: Work
    ) -> None:
        """Publish what an image gave, or count why it gave nothing.

        work: the piece that began with the image; not told if the process stood still meanwhile.
        """
        if isinstance(result, InvalidImageError):
            self._refuse(result)
            return
        if isinstance(result, Exception):  # whatever a backend raises, the next may be fine
            self._stats.drop("pose backend failed")
            self._failures.failed(_BACKEND, f"{type(result).__name__}: {result}")
            return
        self._failures.worked(_BACKEND)
        self._pacing.taken(result.stamp_ns, bool(result.skeletons))
        if self._is_past(work.stalled_s > STALLED_S):
            return
        begin = time.perf_counter()
        left_out = self._tracker.dropped
        frame = self._tracker.update(result)
        if left_out := self._tracker.dropped - left_out:
            self._stats.drop(NOWHERE, left_out)
        tracked = time.perf_counter()
        frame = self._smoother.update(frame)
        smoothed = time.perf_counter()
        # Whoever recognises in this process has the image before the skeletons come.
        offered = IMAGES.offer(self._topic, look.job.image_bgr, frame)
        seen = time.perf_counter()
        message = skeletons_to_msg(frame, look.frame_id)
        if self._is_past(work.stalled_s > STALLED_S):  # it may have stood still since
            return
        self._skeletons.publish(message)
        self._clearing.told()
        self.people = len(frame.skeletons)
        self._stats.event("skeletons out")
        stages = look.job.estimator.timings_ms
        self._stats.durations(
            {
                "convert image": look.convert_ms,
                "estimate": estimate_ms,
                "track": 1e3 * (tracked - begin),
                "smooth": 1e3 * (smoothed - tracked),
                **({"hand over image": 1e3 * (seen - smoothed)} if offered else {}),
                "publish": 1e3 * (time.perf_counter() - seen),
                STAMP_AGE: (self._node.get_clock().now().nanoseconds - frame.stamp_ns) * 1e-6,
                **{f"estimate/{stage}": ms for stage, ms in stages.items()},
            }
        )

    # how it fares

    def findings(self, whole: Period) -> tuple[list[Finding], Status]:
        """What is wrong with the input, the output or the networks, and all of it as a status.

        whole: the period of the node. Once per period.
        """
        period = whole
        if self.name:  # how busy the node is concerns every camera
            period = replace(self._stats.close_period(), busy_share=whole.busy_share)
        found = self._failures.findings()
        if self._input is not None:
            found += self._input.findings(period)
        found += deaf_subscribers(self._node, [self._skeletons, self._layout])
        values = {"people": str(self.people)}
        if left_out := period.drops.get(NOWHERE, 0):
            found.append(Finding(Level.WARN, f"left out: {left_out} {NOWHERE} (pose backend)"))
        drops = [f"{count} {why}" for why, count in period.drops.items() if why != NOWHERE]
        if drops:
            found.append(Finding(Level.WARN, f"images dropped: {', '.join(drops)}"))
            values["last refusal"] = self._last_refusal
        level, message = summary(found, f"{self.people} people")
        if self.name:
            values.update(describe(period))
        return found, (level, message, values)


def _picture(message: Any) -> Image:
    """The BGR array of a raw or compressed image. Raises InvalidImageError."""
    if isinstance(message, CompressedImage):
        return compressed_to_bgr(message)
    return image_to_bgr(message)
