"""What every pose estimator offers, and how one is made by name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bharnet_ros.errors import ConfigurationError, InvalidImageError
from bharnet_ros.types import Image, SkeletonFrame


@runtime_checkable
class PoseEstimator(Protocol):
    """Finds people and their keypoints in images of one camera, one image after another.

    An estimator may remember people between images (it then looks for them where they were);
    it gives no track ids: every skeleton has track_id -1.
    """

    @property
    def layout(self) -> str:
        """Name of the keypoint layout of every skeleton returned."""

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Milliseconds per stage of the last call of `estimate`; "total" is the whole call."""

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        """Everybody in one image.

        image_bgr: (H, W, 3) uint8, blue first. stamp_ns: the image's stamp; when it goes back
        in time the estimator starts afresh. Raises InvalidImageError.
        """

    def reset(self) -> None:
        """Forget everybody; the next image is looked at as the first."""

    def another(self) -> PoseEstimator:
        """For another camera: the same networks, a memory of its own.

        Each is closed by itself; the networks are freed with the last one.
        """

    def close(self) -> None:
        """Let go of the networks; `estimate` may not be called any more."""


_BACKENDS: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "mediapipe": (
            "bharnet_ros.pose.mediapipe.estimator",
            "MediaPipeEstimator",
            ("ai_edge_litert", "mediapipe"),
        ),
        "mmpose": (
            "bharnet_ros.pose.mmpose.estimator",
            "MMPoseEstimator",
            ("torch", "mmengine", "mmcv", "mmpose"),
        ),
        # Whichever inference engine there is will do.
        "rtmpose": ("bharnet_ros.pose.rtmpose.estimator", "RTMPoseEstimator", ()),
    }
)


def create_pose_estimator(
    name: str, *, report: Callable[[str], None] | None = None, **options: Any
) -> PoseEstimator:
    """The estimator `name` with its own options; see the class of the backend for them.

    report: takes the lines that tell a person what takes long, such as engines being built.
    Raises ConfigurationError (unknown name or option, bad value) or BackendUnavailable
    (a package it needs is missing; the message has the install line).
    """
    if name not in _BACKENDS:
        raise ConfigurationError(
            f"There is no pose backend '{name}'; choose one of: {', '.join(sorted(_BACKENDS))}"
        )
    module, attribute, _ = _BACKENDS[name]
    backend = getattr(importlib.import_module(module), attribute)
    known = set(backend.OPTIONS)
    unknown = sorted(set(options) - known)
    if unknown:
        raise ConfigurationError(
            f"The pose backend '{name}' has no option {', '.join(map(repr, unknown))}; "
            f"it has: {', '.join(sorted(known))}"
        )
    if "report" in inspect.signature(backend).parameters:
        options["report"] = report
    estimator: PoseEstimator = backend(**options)
    return estimator


def available_backends() -> dict[str, bool]:
    """Name of each backend -> whether the packages it needs are installed (none is imported)."""
    return {
        name: all(importlib.util.find_spec(package) is not None for package in packages)
        for name, (_, _, packages) in _BACKENDS.items()
    }


def check_image(image: Image) -> None:
    """Raises InvalidImageError unless `image` is (H, W, 3) uint8 with at least 8 x 8 pixels."""
    if not isinstance(image, np.ndarray):
        raise InvalidImageError(
            f"The image is a {type(image).__name__}; give a NumPy array (H, W, 3) of uint8"
        )
    if image.dtype != np.uint8:
        raise InvalidImageError(f"The image holds {image.dtype}; convert it to uint8 (BGR, 0..255)")
    if image.ndim != 3 or image.shape[2] != 3:
        raise InvalidImageError(
            f"The image has shape {image.shape}; expected (height, width, 3), blue first"
        )
    if min(image.shape[:2]) < 8:
        raise InvalidImageError(
            f"The image has {image.shape[1]} x {image.shape[0]} pixels; at least 8 x 8 are needed"
        )
