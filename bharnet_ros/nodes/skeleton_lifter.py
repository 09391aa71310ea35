"""skeletons and a depth image -> skeletons_3d: everybody's keypoints in space."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from visualization_msgs.msg import MarkerArray

from bharnet_ros import msg
from bharnet_ros.camera_model import CameraModel
from bharnet_ros.depth_images import compressed_depth_to_metres, depth_to_metres
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.lifting import LiftingOptions, lift
from bharnet_ros.nodes.base import ManagedNode, run
from bharnet_ros.nodes.conversions import msg_to_skeletons, stamp_to_ns
from bharnet_ros.nodes.conversions_3d import skeletons3d_to_msg
from bharnet_ros.nodes.endpoints import deaf_subscribers
from bharnet_ros.nodes.findings import Failures, Finding, Level, summary
from bharnet_ros.nodes.input_watch import INPUT_PARAMS, STAMP_AGE, WatchedSubscription
from bharnet_ros.nodes.markers_3d import SpaceMarkers
from bharnet_ros.nodes.names import sibling_topic
from bharnet_ros.nodes.pairing import Pair, StampPairs
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import DEPTH_SUBSCRIBER, IMAGE_SUBSCRIBER, RESULTS, overridable
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.types import FloatArray, Skeleton3DFrame, SkeletonFrame

PARAMS = (
    Param(
        "depth_transport", "raw",
        "How depth images come: raw, or compressedDepth (PNG) on the topic "
        "depth/image_raw/compressedDepth.",
        choices=("raw", "compressedDepth"),
    ),
    Param(
        "rectified", False,
        "The images that people are found in are rectified (image_rect): the camera_info's P "
        "counts, not its K and D.", dynamic=True,
    ),
    Param(
        "assume_registered", False,
        "Take the depth images as registered to the colour images even though their frame_ids "
        "differ.", dynamic=True,
    ),
    Param(
        "pair_within_s", 0.05,
        "How far apart the stamps of an image and its depth image may be.", 0.0, 1.0, dynamic=True,
    ),
    Param(
        "keep_depth", 20, "Newest depth images kept while their skeletons are being estimated.",
        1, 120,
    ),
    Param(
        "joints", "inside",
        "Where keypoints lie: inside the body where the joint is, or on the surface that the "
        "camera sees.", choices=("inside", "surface"), dynamic=True,
    ),
    Param(
        "min_score", 0.3, "2D keypoints with a lower score are unknown in space.", 0.0, 1.0,
        dynamic=True,
    ),
    Param(
        "min_depth_m", 0.15, "Depths below it are taken for holes.", 0.0, 20.0, dynamic=True,
    ),
    Param(
        "max_depth_m", 10.0, "Depths beyond it are taken for holes.", 0.1, 100.0, dynamic=True,
    ),
    Param(
        "input_timeout_s", 2.0,
        "Silence on the skeletons or depth topic after which the node warns.", 0.1, 3600.0,
        dynamic=True,
    ),
    *INPUT_PARAMS,
)  # fmt: skip

_DEPTH_TOPIC = "depth/image_raw"
_UNPAIRED = "skeletons without their depth image"
_NO_CAMERA = "skeletons before camera_info"
_KNOWN = "keypoints in space"
_FEW = 0.3
"""Of the keypoints seen in the image: with a smaller share in space something is wrong."""


class SkeletonLifterNode(ManagedNode):
    """Publishes skeletons_3d for every skeletons message that has its depth image, and markers_3d
    while somebody looks at them."""

    def __init__(self, **options: Any) -> None:
        self._skeletons: WatchedSubscription | None = None
        self._depth: WatchedSubscription | None = None
        self._info: Any = None
        self._out: Any = None
        self._shown: Any = None
        self._markers = SpaceMarkers()
        self._pairs: StampPairs[Any, Any] = StampPairs(0, 1)
        self._camera_info: CameraInfo | None = None
        self._failures = Failures()
        self._counts = [0, 0]  # keypoints seen in the image, and of those placed
        super().__init__("skeleton_lifter", PARAMS, **options)

    def check_parameters(self, values: Mapping[str, Any]) -> None:
        """The range of depths must be one."""
        _options(values)

    def parameters_changed(self, names: frozenset[str]) -> None:
        """The others are read where they are used."""
        self._pairs.within_ns = round(self.params["pair_within_s"] * 1e9)
        for subscription in (self._skeletons, self._depth):
            if subscription is not None:
                subscription.timeout_s = self.params["input_timeout_s"]

    def configure(self) -> None:
        """Offer the topics."""
        self._out = self.create_publisher(
            msg.Skeleton3DArray, "skeletons_3d", RESULTS, qos_overriding_options=overridable()
        )
        self._shown = self.create_publisher(
            MarkerArray, "markers_3d", RESULTS, qos_overriding_options=overridable()
        )

    def activate(self) -> None:
        """Subscribe."""
        self._pairs = StampPairs(
            round(self.params["pair_within_s"] * 1e9), self.params["keep_depth"]
        )
        self._camera_info = None
        self._failures.clear()
        timeout_s = self.params["input_timeout_s"]
        compressed = self.params["depth_transport"] == "compressedDepth"
        topic = _DEPTH_TOPIC
        if compressed:  # relative to the remapped topic, as image_transport names it
            topic = f"{self.resolve_topic_name(_DEPTH_TOPIC)}/compressedDepth"
        self._info = self.create_subscription(
            CameraInfo, self._camera_info_topic(), self._on_camera_info, IMAGE_SUBSCRIBER,
            qos_overriding_options=overridable(),
        )  # fmt: skip
        self._depth = WatchedSubscription(
            self, CompressedImage if compressed else ImageMessage, topic, self._on_depth,
            DEPTH_SUBSCRIBER, what="depth images", timeout_s=timeout_s,
        )  # fmt: skip
        self._skeletons = WatchedSubscription(
            self, msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS,
            what="skeletons", timeout_s=timeout_s,
        )  # fmt: skip

    def deactivate(self) -> None:
        """Stop listening; the depth images kept are given back."""
        for subscription in (self._skeletons, self._depth):
            if subscription is not None:
                subscription.destroy()
        self._skeletons = self._depth = None
        if self._info is not None:
            self.destroy_subscription(self._info)
            self._info = None
        self._pairs.clear()

    def cleanup(self) -> None:
        """Stop offering the topics."""
        for publisher in (self._out, self._shown):
            if publisher is not None:
                self.destroy_publisher(publisher)
        self._out = self._shown = None

    def _camera_info_topic(self) -> str:
        """Beside the depth images, as drivers have it, unless it was remapped itself."""
        chosen = str(self.resolve_topic_name("depth/camera_info"))
        if chosen != f"{self.get_namespace().rstrip('/')}/depth/camera_info":
            return chosen
        return sibling_topic(self.resolve_topic_name(_DEPTH_TOPIC), "camera_info")

    # what comes in

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._camera_info = message

    def _on_depth(self, message: Any) -> None:
        self._lift_all(self._pairs.add_depth(stamp_to_ns(message.header.stamp), message))

    def _on_skeletons(self, message: Any) -> None:
        self._lift_all(self._pairs.add_result(stamp_to_ns(message.header.stamp), message))

    # what goes out

    def _lift_all(self, pairs: Sequence[Pair[Any, Any]]) -> None:
        if self._pairs.unpaired:
            self.stats.drop(_UNPAIRED, self._pairs.unpaired)
            self._pairs.unpaired = 0
        for pair in pairs:
            if self._camera_info is None:
                self.stats.drop(_NO_CAMERA)
                continue
            try:
                self._lift(pair.result, pair.depth, self._camera_info)
                self._failures.worked("lifting")
            except BharnetError as error:
                self.stats.drop(getattr(error, "reason", "cannot be lifted"))
                self._failures.failed("lifting", error)
                self.get_logger().warning(f"Not lifted: {error}", throttle_duration_sec=10.0)

    def _lift(self, skeletons: Any, depth: Any, info: CameraInfo) -> None:
        begin = time.perf_counter()
        self._check_registered(skeletons.header.frame_id, depth.header.frame_id)
        frame = msg_to_skeletons(skeletons)
        metres = _metres(depth)
        converted = time.perf_counter()
        size = (metres.shape[0], metres.shape[1])
        camera = CameraModel.from_camera_info(info, size, self.params["rectified"])
        options = _options(self.params.all())
        lifted = lift(frame, metres, camera, options)
        self._out.publish(skeletons3d_to_msg(lifted, skeletons.header.frame_id))
        if self._shown.get_subscription_count() > 0:
            self._shown.publish(self._markers.update(lifted, skeletons.header.frame_id))
        else:
            self._markers.clear()
        self._note(frame, lifted, options)
        self.stats.event("skeletons 3D out")
        now_ns = self.get_clock().now().nanoseconds
        self.stats.durations(
            {
                "depth": 1e3 * (converted - begin),
                "lift": 1e3 * (time.perf_counter() - converted),
                STAMP_AGE: float(now_ns - frame.stamp_ns) * 1e-6,
            }
        )

    def _check_registered(self, image_frame: str, depth_frame: str) -> None:
        if image_frame != depth_frame and not self.params["assume_registered"]:
            raise ConfigurationError(
                f"The depth images are in the frame {depth_frame!r} and the images in "
                f"{image_frame!r}: they are not registered, and keypoints would get the depth of "
                "something beside them. Use the depth aligned to the colour image (align_depth, "
                "depth_image_proc/register); if it is that, set assume_registered."
            )

    def _note(
        self, frame: SkeletonFrame, lifted: Skeleton3DFrame, options: LiftingOptions
    ) -> None:
        self.stats.gauge("people", float(len(lifted.skeletons)))
        for flat, placed in zip(frame.skeletons, lifted.skeletons, strict=True):
            self._counts[0] += int((flat.scores >= max(options.min_score, 1e-6)).sum())
            self._counts[1] += int((placed.scores > 0.0).sum())

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Silence, what does not fit together, and how much of the people has a depth."""
        found = deaf_subscribers(self, [self._out, self._shown])
        for subscription in (self._skeletons, self._depth):
            if subscription is not None:
                found += subscription.findings(period)
        found += self._failures.findings()
        if period.drops.get(_NO_CAMERA):
            text = (
                f"no camera_info on {self._camera_info_topic()}: without it nothing can be put "
                "into space; let the driver publish it, or remap depth/camera_info"
            )
            found.append(Finding(Level.ERROR, text))
        unpaired = period.drops.get(_UNPAIRED, 0)
        if unpaired:
            text = (
                f"{unpaired} skeletons without a depth image within "
                f"{self.params['pair_within_s']:g} s of their stamp: synchronise the cameras, or "
                "raise pair_within_s (keep_depth, if skeletons come late)"
            )
            found.append(Finding(Level.WARN, text))
        values: dict[str, str] = {}
        (seen, placed), self._counts = self._counts, [0, 0]
        if seen:
            values[f"{_KNOWN} [%]"] = f"{100 * placed / seen:.0f}"
            if placed < _FEW * seen:
                text = (
                    f"only {100 * placed / seen:.0f} % of the keypoints have a depth: people are "
                    "out of the camera's range, in sunlight, or the depth is not registered"
                )
                found.append(Finding(Level.WARN, text))
        # Both inputs tell of the same results.
        level, message = summary(list(dict.fromkeys(found)))
        return level, message, values


def _options(values: Mapping[str, Any]) -> LiftingOptions:
    return LiftingOptions(
        values["min_score"], (values["min_depth_m"], values["max_depth_m"]),
        values["joints"] == "inside",
    )  # fmt: skip


def _metres(message: Any) -> FloatArray:
    if isinstance(message, CompressedImage):
        return compressed_depth_to_metres(message)
    return depth_to_metres(message)


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros skeleton_lifter"""
    return run([SkeletonLifterNode], args)
