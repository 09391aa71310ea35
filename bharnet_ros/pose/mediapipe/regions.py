"""Square, rotated regions of an image, and bringing points back from them.

Conventions: pixel coordinates with the origin at the upper left corner of the image, x to the
right, y down. `angle` turns the region clockwise on the screen; at angle 0 its upper edge is up.
Coordinates inside a cut-out ("crop coordinates") run from 0 to 1 over its side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Point = Sequence[float] | Array
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


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


def distance(a: Point, b: Point) -> float:
    """Between two points, (2,) each: what np.hypot gives, at a tenth of its cost."""
    return abs(complex(a[0] - b[0], a[1] - b[1]))


def box_around(points: npt.NDArray[np.float64]) -> Box:
    """The smallest box that holds the points (N, 2). With a NaN among them it has NaN, too."""
    x0, y0 = np.minimum.reduce(points).tolist()
    x1, y1 = np.maximum.reduce(points).tolist()
    return x0, y0, x1, y1


def apart(a: Box, b: Box, gap: float) -> bool:
    """Whether all points of one box lie farther than `gap` pixels from all of the other.

    Cheaper than looking at what is in them. Boxes with NaN are not apart.
    """
    gap *= 1.0 + 1e-9  # what is compared with it later is rounded
    return b[0] - a[2] > gap or a[0] - b[2] > gap or b[1] - a[3] > gap or a[1] - b[3] > gap


def upright_angle(start: Point, end: Point) -> float:
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
