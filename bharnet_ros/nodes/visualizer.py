"""image_annotated and markers: what was recognised, to look at. Free while nobody looks."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from visualization_msgs.msg import MarkerArray

from bharnet_ros import msg
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.image_encodings import compressed_to_bgr
from bharnet_ros.nodes.base import ManagedNode, run
from bharnet_ros.nodes.conversions import msg_to_actions, msg_to_skeletons, stamp_to_ns
from bharnet_ros.nodes.endpoints import deaf_subscribers
from bharnet_ros.nodes.findings import Finding, Level, summary
from bharnet_ros.nodes.images import bgr_to_image, image_to_bgr
from bharnet_ros.nodes.input_watch import INPUT_PARAMS, STAMP_AGE, WatchedSubscription
from bharnet_ros.nodes.markers import PeopleMarkers
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, IMAGE_SUBSCRIBER, RESULTS, overridable
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.overlay import draw, scaled_to
from bharnet_ros.placing import Pinhole
from bharnet_ros.types import ActionFrame, SkeletonFrame

PARAMS = (
    Param(
        "keep_images", 6, "Newest images kept while their skeletons are being estimated.", 1, 60
    ),
    Param(
        "max_rate_hz", 0.0, "Annotated images per second at most; 0 = every one.", 0.0, 240.0,
        dynamic=True,
    ),
    Param(
        "image_transport", "raw",
        "How images come: raw, or compressed (JPEG, PNG) on the topic image_raw/compressed.",
        choices=("raw", "compressed"),
    ),
    Param(
        "markers_frame", "",
        "Frame of the markers: one at the camera with x forward and z up; empty = the optical "
        "frame of the images.", dynamic=True,
    ),
    Param(
        "assumed_fov_deg", 60.0,
        "Horizontal field of view of the camera, for markers while camera_info is silent.",
        5.0, 170.0, dynamic=True,
    ),
    Param(
        "person_height_m", 1.7, "Body height of people, from which markers get their distance.",
        0.5, 2.5, dynamic=True,
    ),
    Param(
        "input_timeout_s", 2.0,
        "Silence on the skeletons topic after which the node warns while somebody looks.",
        0.1, 3600.0, dynamic=True,
    ),
    *INPUT_PARAMS,
)  # fmt: skip

_LOOK_S = 0.25
_MAX_LATENCY_MS = 3_600_000.0
_UNMATCHED = "skeletons without their image"


class VisualizerNode(ManagedNode):
    """Subscribes to images, skeletons and actions only while somebody looks at what it makes."""

    def __init__(self, **options: Any) -> None:
        self._skeletons: WatchedSubscription | None = None
        self._others: dict[str, Any] = {}
        self._timer: Any = None
        self._images: OrderedDict[int, Any] = OrderedDict()
        self._actions: ActionFrame | None = None
        self._camera_info: CameraInfo | None = None
        self._calibrated = False
        self._markers = PeopleMarkers()
        self._drawn_ns: int | None = None
        self._moments: deque[float] = deque(maxlen=30)
        super().__init__("visualizer", PARAMS, **options)
        self._annotated = self.create_publisher(
            ImageMessage, "image_annotated", IMAGE_PUBLISHER, qos_overriding_options=overridable()
        )
        self._marker_arrays = self.create_publisher(
            MarkerArray, "markers", RESULTS, qos_overriding_options=overridable()
        )

    def activate(self) -> None:
        """Look four times a second whether somebody looks."""
        self._timer = self.create_timer(_LOOK_S, self._follow_demand, clock=self._steady)

    def deactivate(self) -> None:
        """Stop listening."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        self._listen(pictures=False, markers=False)

    def parameters_changed(self, names: frozenset[str]) -> None:
        """The others are read where they are used."""
        if "input_timeout_s" in names and self._skeletons is not None:
            self._skeletons.timeout_s = self.params["input_timeout_s"]

    # who listens to what

    def _follow_demand(self) -> None:
        self._listen(
            pictures=self._annotated.get_subscription_count() > 0,
            markers=self._marker_arrays.get_subscription_count() > 0,
        )

    def _listen(self, *, pictures: bool, markers: bool) -> None:
        """Subscribe to just what these need."""
        compressed = self.params["image_transport"] == "compressed"
        image_kind = CompressedImage if compressed else ImageMessage
        image_topic = "image_raw"
        if compressed:  # relative to the remapped topic, as image_transport names it
            image_topic = f"{self.resolve_topic_name('image_raw')}/compressed"
        info_topic, info_callback = self._camera_info_topic(), self._on_camera_info
        self._subscribe(pictures, image_kind, image_topic, self._on_image, IMAGE_SUBSCRIBER)
        self._subscribe(markers, CameraInfo, info_topic, info_callback, IMAGE_SUBSCRIBER)
        self._subscribe(
            pictures or markers, msg.RecognizedActionArray, "actions", self._on_actions, RESULTS
        )
        if (pictures or markers) and self._skeletons is None:
            self._skeletons = WatchedSubscription(
                self, msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS,
                what="skeletons", timeout_s=self.params["input_timeout_s"],
            )  # fmt: skip
        elif not (pictures or markers) and self._skeletons is not None:
            self._skeletons.destroy()
            self._skeletons = None
            self._actions = None
        if not pictures:
            self._images.clear()
            self._moments.clear()
        if not markers:
            self._markers.clear()

    def _camera_info_topic(self) -> str:
        """Beside the images, as image_transport has it, unless it was remapped itself."""
        chosen = self.resolve_topic_name("camera_info")
        if chosen != f"{self.get_namespace().rstrip('/')}/camera_info":
            return str(chosen)
        return f"{self.resolve_topic_name('image_raw').rsplit('/', 1)[0]}/camera_info"

    def _subscribe(self, wanted: bool, kind: Any, topic: str, callback: Any, qos: Any) -> None:
        known = self._others.get(topic)
        if wanted and known is None:
            self._others[topic] = self.create_subscription(
                kind, topic, callback, qos, qos_overriding_options=overridable()
            )
        elif not wanted and known is not None:
            self.destroy_subscription(self._others.pop(topic))

    # what comes in

    def _on_image(self, message: Any) -> None:
        self._images[stamp_to_ns(message.header.stamp)] = message
        while len(self._images) > self.params["keep_images"]:
            self._images.popitem(last=False)

    def _on_actions(self, message: Any) -> None:
        try:
            self._actions = msg_to_actions(message)
        except (BharnetError, ValueError) as error:  # ValueError: a state that does not exist
            self._refuse("actions that cannot be read", error)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._camera_info = message

    def _on_skeletons(self, message: Any) -> None:
        """Of all that waits the newest, as a picture the newest whose image is there: one by one
        they would show the past wherever drawing takes longer than finding people."""
        waiting = [message, *(self._skeletons.backlog() if self._skeletons is not None else ())]
        newest = waiting[-1]
        has_image = (m for m in reversed(waiting) if stamp_to_ns(m.header.stamp) in self._images)
        pictured = next(has_image, newest)
        try:
            marked = msg_to_skeletons(newest)
            drawn = marked if pictured is newest else msg_to_skeletons(pictured)
        except BharnetError as error:
            self._refuse("cannot be drawn", error)
            return
        for publisher, show, skeletons in (
            (self._marker_arrays, self._show_markers, marked),
            (self._annotated, self._show_picture, drawn),
        ):
            if publisher.get_subscription_count() > 0:
                try:  # what there are no markers of may still be a picture
                    show(skeletons, newest.header.frame_id)
                except BharnetError as error:
                    self._refuse("cannot be drawn", error)

    # what goes out

    def _show_picture(self, skeletons: SkeletonFrame, frame_id: str) -> None:
        if self._is_too_soon(skeletons.stamp_ns):
            return
        image = self._images.pop(skeletons.stamp_ns, None)
        if image is None:
            self.stats.drop(_UNMATCHED)
            return
        begin = time.perf_counter()
        compressed = isinstance(image, CompressedImage)
        plain = compressed_to_bgr(image) if compressed else image_to_bgr(image)
        shown = scaled_to(skeletons, (plain.shape[0], plain.shape[1]))
        self._moments.append(time.monotonic())
        picture = draw(plain, shown, self._actions, self._status(skeletons))
        drawn = time.perf_counter()
        self._annotated.publish(bgr_to_image(picture, skeletons.stamp_ns, frame_id))
        self._drawn_ns = skeletons.stamp_ns
        self.stats.event("annotated images out")
        self.stats.durations(
            {
                "draw": 1e3 * (drawn - begin),
                "publish": 1e3 * (time.perf_counter() - drawn),
                STAMP_AGE: self._age_ms(skeletons.stamp_ns),
            }
        )

    def _show_markers(self, skeletons: SkeletonFrame, frame_id: str) -> None:
        begin = time.perf_counter()
        self._marker_arrays.publish(
            self._markers.update(
                skeletons, self._actions, self._camera_of(skeletons.image_size),
                image_frame=frame_id,
                body_frame=self.params["markers_frame"],
                height_m=self.params["person_height_m"],
            )
        )  # fmt: skip
        self.stats.event("markers out")
        self.stats.duration("markers", 1e3 * (time.perf_counter() - begin))

    def _camera_of(self, image_size: tuple[int, int]) -> Pinhole:
        """That of camera_info if it is one of such images; else one of the assumed view."""
        self._calibrated = False
        if self._camera_info is not None:
            try:
                camera = Pinhole.from_camera_info(self._camera_info, image_size)
                self._calibrated = True
                return camera
            except ConfigurationError as error:
                self._refuse("a camera_info that is of no use", error)
        return Pinhole.from_field_of_view(image_size, self.params["assumed_fov_deg"])

    def _is_too_soon(self, stamp_ns: int) -> bool:
        """Whether the last drawn image is too close for another one; stamps may jump back."""
        rate_hz = self.params["max_rate_hz"]
        if rate_hz <= 0.0 or self._drawn_ns is None:
            return False
        return 0 <= stamp_ns - self._drawn_ns < 0.95e9 / rate_hz

    def _status(self, skeletons: SkeletonFrame) -> str:
        """How late the picture is (where its stamp is of this clock), and how many come."""
        parts = []
        latency_ms = self._age_ms(skeletons.stamp_ns)
        if abs(latency_ms) < _MAX_LATENCY_MS:
            parts.append(f"latency {latency_ms:.0f} ms")
        if len(self._moments) > 1:
            span_s = max(self._moments[-1] - self._moments[0], 1e-3)
            parts.append(f"{(len(self._moments) - 1) / span_s:.1f} images/s")
        count = len(skeletons.skeletons)
        parts.append("nobody in view" if count == 0 else f"{count} in view")
        return "   ".join(parts)

    def _age_ms(self, stamp_ns: int) -> float:
        return float(self.get_clock().now().nanoseconds - stamp_ns) * 1e-6

    def _refuse(self, reason: str, error: Exception) -> None:
        self.stats.drop(reason)
        self.get_logger().warning(f"Not drawn: {error}", throttle_duration_sec=10.0)

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Whether it draws, and what keeps it from drawing."""
        findings = deaf_subscribers(self, [self._annotated, self._marker_arrays])
        if self._skeletons is None:
            return *summary(findings, "nobody looks"), {}
        findings += self._skeletons.findings(period)
        unmatched = period.drops.get(_UNMATCHED, 0)
        if unmatched and not period.rates_hz.get("annotated images out"):
            findings.append(
                Finding(
                    Level.WARN,
                    f"no image fits any of {unmatched} skeletons: check that "
                    f"{self.resolve_topic_name('image_raw')} is the estimator's topic, or raise "
                    "keep_images",
                )
            )
        for reason, count in period.drops.items():
            if reason != _UNMATCHED:
                findings.append(Finding(Level.WARN, f"{count} times {reason}"))
        level, message = summary(findings, "drawing")
        return level, message, {"camera": "calibrated" if self._calibrated else "assumed"}


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros visualizer"""
    return run([VisualizerNode], args)
