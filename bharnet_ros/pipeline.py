"""Image in, actions out: the whole way without ROS, for offline use and for tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bharnet_ros.errors import LayoutError
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.smoothing import Smoother
from bharnet_ros.types import ActionFrame, Image, SkeletonFrame


class FrameTracker(Protocol):
    """Gives the people of a frame stable track ids."""

    def update(self, frame: SkeletonFrame) -> SkeletonFrame:
        """The same people with their ids."""


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """What one image gave.

    actions: None if it was not yet time for the next judgement.
    timings_ms: by stage: pose, tracking, recognition and total, and smoothing if there is any.
    """

    skeletons: SkeletonFrame
    actions: ActionFrame | None
    timings_ms: Mapping[str, float]


class Pipeline:
    """Pose estimation, tracking and recognition in one thread.

    smoother: steadies the keypoints after tracking; None = as estimated, which is what the
    shipped bundles were trained on.
    Raises LayoutError if the estimator's keypoints are not those of the recogniser's bundles.
    """

    def __init__(
        self,
        estimator: PoseEstimator,
        tracker: FrameTracker,
        recognizer: Recognizer,
        smoother: Smoother | None = None,
    ) -> None:
        wanted = recognizer.layout
        if estimator.layout != wanted:
            names = ", ".join(f"'{manifest.name}'" for manifest in recognizer.manifests)
            raise LayoutError(
                f"The pose estimator gives the layout '{estimator.layout}', the bundle {names} "
                f"was trained on '{wanted}'; choose another of both."
            )
        self._estimator = estimator
        self._tracker = tracker
        self._recognizer = recognizer
        self._smoother = smoother

    def process(self, image_bgr: Image, stamp_ns: int) -> PipelineResult:
        """image_bgr: (H, W, 3) uint8; stamp_ns: its stamp. Raises InvalidImageError."""
        begin = time.perf_counter()
        found = self._estimator.estimate(image_bgr, stamp_ns)
        estimated = time.perf_counter()
        tracked = self._tracker.update(found)
        followed = time.perf_counter()
        steady = tracked if self._smoother is None else self._smoother.update(tracked)
        smoothed = time.perf_counter()
        self._recognizer.see(image_bgr, steady)
        actions = self._recognizer.push(steady)
        end = time.perf_counter()
        timings = {
            "pose": (estimated - begin) * 1e3,
            "tracking": (followed - estimated) * 1e3,
            "recognition": (end - smoothed) * 1e3,
            "total": (end - begin) * 1e3,
        }
        if self._smoother is not None:
            timings["smoothing"] = (smoothed - followed) * 1e3
        return PipelineResult(steady, actions, timings)

    def flush(self) -> ActionFrame | None:
        """End of the images: ends the actions still in progress."""
        return self._recognizer.flush()
