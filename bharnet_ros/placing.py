"""People of an image in space: along the ray of each keypoint, as far away as they look.

One camera cannot measure distance. A body of known size gives an estimate: each of its longer
bones, of length L metres, that spans l pixels under a focal length of f pixels lies at f L / l,
or nearer if it points towards or away from the camera, which only makes it look shorter. So the
nearest of these distances is taken. Bone lengths are shares of body height from Drillis and
Contini (1966), as printed in Winter, Biomechanics and Motor Control of Human Movement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bharnet_ros.camera_model import CameraModel
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import Layout
from bharnet_ros.types import AnyFloat, FloatArray, Skeleton

_MIN_SCORE = 0.3
_MIN_PX = 6.0
"""Bones shorter than this are all noise."""
_NEAR_M, _FAR_M = 0.2, 30.0

_BONES: tuple[tuple[str, str, float], ...] = (  # between the middles of both sides, per height
    ("shoulder", "hip", 0.288),
    ("hip", "knee", 0.245),
    ("knee", "ankle", 0.246),
)
_ARMS: tuple[tuple[str, str, float], ...] = (  # on either side
    ("shoulder", "elbow", 0.186),
    ("elbow", "wrist", 0.146),
)
_SHOULDERS = 0.21
"""Between the shoulder joints, which lie inside of the shoulders."""


@dataclass(frozen=True)
class Pinhole:
    """A camera without distortion: focal lengths and principal point in pixels."""

    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def from_camera_info(cls, message: Any, image_size: tuple[int, int]) -> Pinhole:
        """Of a sensor_msgs/CameraInfo, for images of image_size: (height, width) in pixels, (0, 0)
        = those it is for; it may be for another resolution, as where a driver sends its calibration
        as it is.

        Raises ConfigurationError for a camera that is not calibrated or has another aspect ratio.
        """
        known = CameraModel.from_camera_info(message, image_size, with_lens=False)
        if any(image_size):
            known = known.scaled_to(image_size)
        return cls(known.fx, known.fy, known.cx, known.cy)

    @classmethod
    def from_field_of_view(cls, image_size: tuple[int, int], degrees: float) -> Pinhole:
        """A camera of this horizontal field of view. image_size: (height, width) in pixels.

        Raises ConfigurationError without a size.
        """
        height, width = image_size
        if min(image_size) <= 0:
            raise ConfigurationError(
                f"The skeletons are of images of {width} x {height} pixels; whoever publishes them "
                "must fill in image_width and image_height, or send a camera_info."
            )
        focal = width / 2 / math.tan(math.radians(degrees) / 2)
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2)


def distance_m(
    skeleton: Skeleton, layout: Layout, camera: Pinhole, height_m: float = 1.7
) -> float | None:
    """How far in front of the camera a person stands (along its axis); None if too little is seen.

    height_m: body height of the person. A child seen as an adult seems further away by as much
    as it is smaller.
    """
    seen = skeleton.scores >= _MIN_SCORE
    scale = np.array([camera.fx, camera.fy])
    rays = skeleton.keypoints.astype(np.float64) / scale
    names = {name: index for index, name in enumerate(layout.keypoint_names)}

    def at(name: str) -> AnyFloat | None:
        index = names.get(name)
        return rays[index] if index is not None and seen[index] else None

    def middle(part: str) -> AnyFloat | None:
        left, right = at(f"left_{part}"), at(f"right_{part}")
        return None if left is None or right is None else (left + right) / 2

    trunk = [(middle(upper), middle(lower), share) for upper, lower, share in _BONES]
    trunk.append((at("left_shoulder"), at("right_shoulder"), _SHOULDERS))
    # A hand held out is nearer than the person, so arms count only where nothing else is seen.
    arms = [
        (at(f"{side}_{upper}"), at(f"{side}_{lower}"), share)
        for side in ("left", "right")
        for upper, lower, share in _ARMS
    ]
    for pairs in (trunk, arms):
        spans = [
            (share * height_m, float(np.linalg.norm(one - other)))
            for one, other, share in pairs
            if one is not None and other is not None
        ]
        distances = [length / span for length, span in spans if span * camera.fx >= _MIN_PX]
        if distances and math.isfinite(min(distances)):
            return float(np.clip(min(distances), _NEAR_M, _FAR_M))
    return None


def on_plane(points: FloatArray, camera: Pinhole, depth_m: float) -> AnyFloat:
    """(K, 2) pixels -> (K, 3) metres at this depth, in optical axes (REP 103): x right, y down,
    z forward."""
    placed = np.empty((len(points), 3))
    placed[:, 0] = (points[:, 0] - camera.cx) / camera.fx * depth_m
    placed[:, 1] = (points[:, 1] - camera.cy) / camera.fy * depth_m
    placed[:, 2] = depth_m
    return placed


def optical_to_body(points: AnyFloat) -> AnyFloat:
    """(K, 3) in optical axes -> x forward, y left, z up (REP 103), from the same origin."""
    turned: AnyFloat = np.stack([points[:, 2], -points[:, 0], -points[:, 1]], axis=1)
    return turned


class Distances:
    """Distances of tracked people, calmed: keypoints tremble, people do not jump.

    smoothing_s: time constant of the average.
    """

    def __init__(self, smoothing_s: float = 0.4) -> None:
        self._smoothing_s = smoothing_s
        self._known: dict[int, tuple[int, float]] = {}

    def update(self, track_id: int, stamp_ns: int, measured_m: float | None) -> float | None:
        """The distance to show; the last one while nothing is measured, None before the first."""
        last = self._known.get(track_id)
        if measured_m is None:
            return None if last is None else last[1]
        value = measured_m
        if last is not None and 0 <= stamp_ns - last[0] <= 2_000_000_000:
            keep = math.exp(-(stamp_ns - last[0]) * 1e-9 / self._smoothing_s)
            value = keep * last[1] + (1.0 - keep) * measured_m
        self._known[track_id] = (stamp_ns, value)
        return value

    def keep(self, track_ids: set[int]) -> None:
        """Forget everybody else."""
        self._known = {key: value for key, value in self._known.items() if key in track_ids}

    def clear(self) -> None:
        """Forget everybody."""
        self._known.clear()
