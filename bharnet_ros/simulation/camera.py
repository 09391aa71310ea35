"""A pinhole camera: where a world point falls on the picture, and how far away it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import AnyFloat

_NEAR_M = 0.05


@dataclass(frozen=True)
class Camera:
    """Pinhole camera without distortion, principal point in the image centre.

    width, height: image size in pixels. focal_px: focal length in pixels.
    position, look_at: metres in the world (x forward, y left, z up); the image's vertical
    stays upright. Raises ConfigurationError for values that describe no camera.
    """

    width: int = 1280
    height: int = 720
    focal_px: float = 1050.0
    position: tuple[float, float, float] = (0.0, 0.0, 1.25)
    look_at: tuple[float, float, float] = (2.0, 0.0, 1.2)

    def __post_init__(self) -> None:
        if self.width < 16 or self.height < 16:
            raise ConfigurationError(
                f"camera size {self.width}x{self.height} is too small; use at least 16x16 pixels"
            )
        if not (np.isfinite(self.focal_px) and self.focal_px > 0):
            raise ConfigurationError(
                f"camera focal_px is {self.focal_px}; give a positive number of pixels"
            )
        forward = np.subtract(self.look_at, self.position)
        if not np.all(np.isfinite(forward)) or np.hypot(forward[0], forward[1]) < 1e-6:
            raise ConfigurationError(
                f"camera at {self.position} cannot look at {self.look_at}; "
                "look_at must differ from position in x or y"
            )

    @cached_property
    def rotation(self) -> AnyFloat:
        """(3, 3): rows are the camera's right, down and forward axes in the world."""
        forward = np.subtract(self.look_at, self.position).astype(np.float64)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(forward, right), forward])

    def to_camera(self, points: AnyFloat) -> AnyFloat:
        """World points (..., 3) in metres -> (..., 3) camera coordinates: right, down, forward."""
        rotated: AnyFloat = (np.asarray(points, np.float64) - self.position) @ self.rotation.T
        return rotated

    def project_camera(self, points: AnyFloat) -> AnyFloat:
        """Camera coordinates (..., 3) -> pixels (..., 2). Points behind are put at 5 cm depth."""
        depth = np.maximum(points[..., 2:], _NEAR_M)
        centre = np.array([(self.width - 1) / 2.0, (self.height - 1) / 2.0])
        pixels: AnyFloat = points[..., :2] * (self.focal_px / depth) + centre
        return pixels

    def project(self, points: AnyFloat) -> tuple[AnyFloat, AnyFloat]:
        """World points (..., 3) in metres -> pixels (..., 2) and depth (...) in metres.

        Pixel (0, 0) is the centre of the top left pixel. A depth <= 0 lies behind the camera.
        """
        local = self.to_camera(points)
        return self.project_camera(local), local[..., 2]

    def contains(self, pixels: AnyFloat) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Pixels (..., 2) -> (...) bool: inside the image."""
        inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = np.all(
            (pixels >= -0.5) & (pixels < np.array([self.width, self.height]) - 0.5), axis=-1
        )
        return inside
