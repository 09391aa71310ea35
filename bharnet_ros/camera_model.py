"""A calibrated camera as sensor_msgs/CameraInfo tells it: pixels to rays. Free of ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import AnyFloat

DISTORTION_MODELS = ("plumb_bob", "rational_polynomial", "equidistant")
"""Of sensor_msgs/distortion_models; the first two are OpenCV's, the third its fisheye model."""

_COEFFICIENTS = {
    "plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (4,),
}  # fmt: skip
_ASPECT_TOLERANCE = 0.01
_MAX_STEPS, _STEP_PX = 50, 1e-4
_STILL_AWAY = 0.02
"""A ray whose distorted image misses its pixel by this share of the focal length has no answer."""


@dataclass(frozen=True)
class CameraModel:
    """A pinhole with lens distortion, for images of one size.

    fx, fy, cx, cy: pixels. size: (height, width) pixels of the images that these belong to.
    model, coefficients: the distortion, see `DISTORTION_MODELS`; no coefficients = none.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    size: tuple[int, int]
    model: str = "plumb_bob"
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        values = (self.fx, self.fy, self.cx, self.cy, *self.coefficients)
        if not all(map(math.isfinite, values)) or min(self.fx, self.fy) <= 0:
            raise ConfigurationError(
                f"The camera has the focal lengths {self.fx:g} and {self.fy:g} and the principal "
                f"point {self.cx:g}, {self.cy:g}: it is not calibrated; calibrate it "
                "(camera_calibration) or let its driver publish camera_info."
            )
        if min(self.size) <= 0:
            raise ConfigurationError(
                f"The camera_info is for images of {self.size[1]} x {self.size[0]} pixels; the "
                "driver must fill in width and height."
            )
        allowed = _COEFFICIENTS.get(self.model, ())
        if self.coefficients and len(self.coefficients) not in allowed:
            raise ConfigurationError(
                f"The distortion model {self.model!r} with {len(self.coefficients)} coefficients "
                f"is not known; there are {', '.join(DISTORTION_MODELS)}. Use rectified images, "
                "and say so (rectified)."
            )

    @classmethod
    def from_camera_info(
        cls,
        message: Any,
        image_size: tuple[int, int],
        rectified: bool = False,
        with_lens: bool = True,
    ) -> CameraModel:
        """The model of a sensor_msgs/CameraInfo (only its fields are read).

        image_size: (height, width) of the images it comes with, used where it names none.
        rectified: the images are rectified (image_rect): P counts, without distortion.
        with_lens: False = leave out the distortion, whatever its model.
        Raises ConfigurationError for a camera that is not calibrated, or unknown distortion.
        """
        matrix = [float(value) for value in (message.p if rectified else message.k)]
        width_of_row = 4 if rectified else 3
        if len(matrix) != 3 * width_of_row:
            raise ConfigurationError(
                f"The camera matrix has {len(matrix)} numbers instead of {3 * width_of_row}; "
                "calibrate the camera."
            )
        coefficients = [float(value) for value in message.d] if with_lens and not rectified else []
        if not any(coefficients):  # whatever the model, as image_geometry has it
            coefficients = []
        size = (int(message.height), int(message.width))
        camera = cls(
            matrix[0], matrix[width_of_row + 1], matrix[2], matrix[width_of_row + 2],
            size if all(size) else image_size,
            str(message.distortion_model) or "plumb_bob", tuple(coefficients),
        )  # fmt: skip
        return camera._within(message.roi, int(message.binning_x), int(message.binning_y))

    def _within(self, roi: Any, binning_x: int, binning_y: int) -> CameraModel:
        """The camera of the images really sent: a part of the sensor, several pixels as one."""
        bin_x, bin_y = max(binning_x, 1), max(binning_y, 1)
        height, width = int(roi.height) or self.size[0], int(roi.width) or self.size[1]
        if (bin_x, bin_y) == (1, 1) and (height, width) == self.size:
            return self
        # Pixel centres are at whole numbers: the middle of a block of b pixels is (b - 1) / 2 in.
        return CameraModel(
            self.fx / bin_x, self.fy / bin_y,
            (self.cx - int(roi.x_offset) - (bin_x - 1) / 2) / bin_x,
            (self.cy - int(roi.y_offset) - (bin_y - 1) / 2) / bin_y,
            (height // bin_y, width // bin_x), self.model, self.coefficients,
        )  # fmt: skip

    def scaled_to(self, size: tuple[int, int]) -> CameraModel:
        """The same camera for images of another resolution. size: (height, width) pixels.

        Raises ConfigurationError if these are not the same picture scaled: another aspect ratio,
        or no size at all.
        """
        if size == self.size:
            return self
        if min(size) <= 0:
            raise ConfigurationError(
                f"The skeletons are of images of {size[1]} x {size[0]} pixels; whoever publishes "
                "them must fill in image_width and image_height."
            )
        if not same_aspect(size, self.size):
            raise ConfigurationError(
                f"The images have {size[1]} x {size[0]} pixels, but their camera_info is for "
                f"{self.size[1]} x {self.size[0]}, another aspect ratio: it is not theirs."
            )
        across, down = size[1] / self.size[1], size[0] / self.size[0]
        return CameraModel(
            self.fx * across, self.fy * down,
            (self.cx + 0.5) * across - 0.5, (self.cy + 0.5) * down - 0.5,
            size, self.model, self.coefficients,
        )  # fmt: skip

    def rays(self, pixels: AnyFloat) -> npt.NDArray[np.float64]:
        """(K, 2) pixels -> (K, 2) x / z and y / z of what they show, distortion taken out.

        NaN where the pixel is not finite, and where no ray leads to it (far outside of an image
        with strong distortion).
        """
        points = np.asarray(pixels, np.float64).reshape(-1, 2)
        plain = (points - (self.cx, self.cy)) / (self.fx, self.fy)
        usable = np.asarray(np.isfinite(plain).all(axis=1))
        if not self.coefficients or not usable.any():
            return np.where(usable[:, None], plain, np.nan)
        found = np.full_like(plain, np.nan)
        undistort = cv2.fisheye.undistortPoints if self._is_fisheye else cv2.undistortPoints
        # OpenCV stops after 5 steps unless told otherwise, half a pixel away with a wide lens.
        criteria = (
            cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _MAX_STEPS, _STEP_PX / self.fx
        )  # fmt: skip
        some = np.ascontiguousarray(points[usable].reshape(-1, 1, 2))
        rays = _undistorted(undistort, some, self._matrix, self._distortion, criteria)
        missed = np.abs(self._distorted(rays) - plain[usable]).max(axis=1) > _STILL_AWAY
        rays[missed] = np.nan
        found[usable] = rays
        return found

    def project(self, points: AnyFloat) -> npt.NDArray[np.float64]:
        """(K, 3) metres in optical axes, z > 0 -> (K, 2) pixels, with distortion."""
        points = np.asarray(points, np.float64)
        rays = points[:, :2] / points[:, 2:]
        plain = self._distorted(rays) if self.coefficients else rays
        return np.asarray(plain * (self.fx, self.fy) + (self.cx, self.cy), np.float64)

    @property
    def _is_fisheye(self) -> bool:
        return self.model == "equidistant"

    @property
    def _matrix(self) -> npt.NDArray[np.float64]:
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def _distortion(self) -> npt.NDArray[np.float64]:
        return np.array(self.coefficients, np.float64)

    def _distorted(self, rays: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(K, 2) rays -> (K, 2) where the lens puts them, in focal lengths."""
        space = np.column_stack([rays, np.ones(len(rays))]).reshape(-1, 1, 3)
        still, unit = np.zeros(3), np.eye(3)
        if self._is_fisheye:
            put, _ = cv2.fisheye.projectPoints(space, still, still, unit, self._distortion)
        else:
            put, _ = cv2.projectPoints(space, still, still, unit, self._distortion)
        return np.asarray(put, np.float64).reshape(-1, 2)


def same_aspect(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether images of these (height, width) can be one picture at two resolutions."""
    return bool(abs(one[1] * other[0] / (one[0] * other[1]) - 1.0) <= _ASPECT_TOLERANCE)


def _undistorted(
    undistort: Any,
    points: npt.NDArray[np.float64],
    matrix: npt.NDArray[np.float64],
    distortion: npt.NDArray[np.float64],
    criteria: Sequence[float],
) -> npt.NDArray[np.float64]:
    """(K, 1, 2) pixels -> (K, 2) rays, by whichever signature this OpenCV has."""
    iterative = getattr(cv2, "undistortPointsIter", None)
    if undistort is cv2.undistortPoints and iterative is not None:  # OpenCV 4
        found = iterative(points, matrix, distortion, None, None, criteria)
    else:
        found = undistort(points, matrix, distortion, None, None, None, criteria)
    return np.asarray(found, np.float64).reshape(-1, 2)
