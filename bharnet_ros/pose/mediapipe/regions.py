"""Square, rotated regions of an image: cutting one out and bringing points back.

Conventions: pixel coordinates with the origin at the upper left corner of the image, x to the
right, y down. `angle` turns the region clockwise on the screen; at angle 0 its upper edge is up.
Coordinates inside a cut-out ("crop coordinates") run from 0 to 1 over its side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.types import Image

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Region:
    """A square around (x, y), `size` pixels long, turned by `angle` radians."""

    x: float
    y: float
    size: float
    angle: float

    def usable(self) -> bool:
        """Whether all values are finite and the square is at least two pixels long."""
        finite = all(map(math.isfinite, (self.x, self.y, self.size, self.angle)))
        return finite and self.size >= 2.0

    def to_image(self) -> npt.NDArray[np.float64]:
        """(2, 3) matrix from crop coordinates (0..1) to image pixels."""
        cos, sin = math.cos(self.angle) * self.size, math.sin(self.angle) * self.size
        return np.array(
            [
                [cos, -sin, self.x - 0.5 * cos + 0.5 * sin],
                [sin, cos, self.y - 0.5 * sin - 0.5 * cos],
            ]
        )

    def project(self, points: Array) -> npt.NDArray[np.float64]:
        """(..., 2) crop coordinates to image pixels."""
        matrix = self.to_image()
        return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])

    def unproject(self, points: Array) -> npt.NDArray[np.float64]:
        """(..., 2) image pixels to crop coordinates; the inverse of `project`."""
        matrix = self.to_image()
        return np.asarray((points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T)

    def moved(self, along_x: float, along_y: float, scale: float = 1.0) -> Region:
        """Shifted along its own turned axes by shares of its size, then scaled."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        dx, dy = along_x * self.size, along_y * self.size
        x, y = self.x + dx * cos - dy * sin, self.y + dx * sin + dy * cos
        return Region(x, y, self.size * scale, self.angle)

    def shifted(self, dx: float, dy: float) -> Region:
        """Shifted by pixels of the image."""
        return Region(self.x + dx, self.y + dy, self.size, self.angle)


def upright_angle(start: Array, end: Array) -> float:
    """The angle of a region in which the way from `start` to `end` ((2,) pixels) points up.

    In (-pi, pi]; 0 when both are the same point.
    """
    dx, dy = float(end[0] - start[0]), float(end[1] - start[1])
    if dx == 0.0 and dy == 0.0:
        return 0.0
    return wrap_angle(0.5 * math.pi - math.atan2(-dy, dx))


def wrap_angle(angle: float) -> float:
    """The same direction within (-pi, pi]."""
    wrapped = math.fmod(angle, 2.0 * math.pi)
    if wrapped > math.pi:
        return wrapped - 2.0 * math.pi
    return wrapped + 2.0 * math.pi if wrapped <= -math.pi else wrapped


def crop(image: Image, region: Region, side: int) -> Image:
    """Cut `region` out as (side, side, 3); what lies outside of the image is black.

    Pixel centres are honoured: crop pixel (0, 0) covers 0..1/side of the region.
    """
    matrix = region.to_image()
    linear = matrix[:, :2] / side
    offset = matrix[:, 2] + linear @ (0.5, 0.5) - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        image,
        np.column_stack((linear, offset)),
        (side, side),
        flags=flags,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    return np.asarray(cut, dtype=np.uint8)
