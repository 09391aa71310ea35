"""Rounded cones with a depth buffer: the one primitive every body part is made of.

A rounded cone is the volume swept by a sphere that slides from one point to another while its
radius changes linearly. Seen along the optical axis its front surface has a closed form, so each
pixel gets a true depth and a true normal; parts then occlude each other as they should.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import AnyFloat

FAR = np.float32(1e6)
_ZERO = np.float32(0)
_ONE = np.float32(1)
Plane = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Cone:
    """A rounded cone in camera coordinates (metres: right, down, forward).

    material: which colour ramp it gets. group: cones of one non-zero group are shaded as one
    smooth surface. back: unit vector of the side that is the back of a finger (nails, skin
    colour of the back of the hand), or None. back_material: material of that side.
    crease: strength of a fold at the start of the cone, 0..1. nail: a nail near the end.
    """

    start: AnyFloat
    end: AnyFloat
    start_radius: float
    end_radius: float
    material: int
    group: int = 0
    back: AnyFloat | None = None
    back_material: int = 0
    crease: float = 0.0
    nail_material: int = 0


class Canvas:
    """Depth, normal, material and tone of the nearest surface at each pixel of a window.

    origin: image pixel of the window's top left pixel. size: width, height in image pixels.
    scale: canvas pixels per image pixel (supersampling).
    """

    def __init__(self, origin: tuple[int, int], size: tuple[int, int], scale: int = 1) -> None:
        self.origin = origin
        self.size = size
        self.scale = scale
        shape = (size[1] * scale, size[0] * scale)
        self.depth: Plane = np.full(shape, FAR, np.float32)
        self.normal_x: Plane = np.zeros(shape, np.float32)
        self.normal_y: Plane = np.zeros(shape, np.float32)
        self.tone: Plane = np.ones(shape, np.float32)
        self.material: Labels = np.zeros(shape, np.uint8)
        self.group: Labels = np.zeros(shape, np.uint8)

    def to_canvas(self, pixels: AnyFloat) -> AnyFloat:
        """Image pixels (..., 2) -> canvas pixels (..., 2), pixel centres at integers."""
        offset = np.array(self.origin, np.float64) - 0.5
        moved: AnyFloat = (pixels - offset) * self.scale - 0.5
        return moved

    def draw(self, cones: list[Cone], focal_px: float, centre: tuple[float, float]) -> None:
        """Draw cones given in camera coordinates through a pinhole of focal_px at centre."""
        if not cones:
            return
        ends = np.array([(c.start, c.end) for c in cones], np.float64)
        radii = np.array([(c.start_radius, c.end_radius) for c in cones], np.float64)
        depth = np.maximum(ends[..., 2], 0.05)
        pixels = ends[..., :2] * (focal_px / depth)[..., None] + np.array(centre)
        pixels = self.to_canvas(pixels)
        zoom = focal_px * self.scale / depth  # canvas pixels per metre at each end
        radii = radii * zoom
        common = zoom.mean(axis=1)
        height, width = self.depth.shape
        low = np.floor((pixels - radii[..., None]).min(axis=1)).astype(int)
        high = np.ceil((pixels + radii[..., None]).max(axis=1)).astype(int) + 1
        low = np.maximum(low, 0)
        high = np.minimum(high, np.array([width, height]))
        for i, cone in enumerate(cones):
            if low[i, 0] < high[i, 0] and low[i, 1] < high[i, 1]:
                self._draw_one(
                    cone, pixels[i], depth[i], radii[i], float(common[i]), low[i], high[i]
                )

    def _draw_one(
        self, cone: Cone, pixels: AnyFloat, depth: AnyFloat, radii: AnyFloat, zoom: float,
        low: npt.NDArray[np.int_], high: npt.NDArray[np.int_],
    ) -> None:  # fmt: skip
        f32 = np.float32
        start, end = pixels.tolist()
        ax, ay = end[0] - start[0], end[1] - start[1]
        az = float(depth[1] - depth[0]) * zoom
        length = max(math.sqrt(ax * ax + ay * ay + az * az), 1e-3)
        ux, uy, uz = ax / length, ay / length, az / length
        flat = max(math.hypot(ux, uy), 1e-3)
        first, last = radii.tolist()
        slope = f32((last - first) / length)
        qx = np.arange(low[0], high[0], dtype=f32) - f32(start[0])
        qy = (np.arange(low[1], high[1], dtype=f32) - f32(start[1]))[:, None]
        # Position of the touching sphere along the axis; a tilted cone is met further towards
        # the end that is nearer.
        along = qx * f32(ux / flat**2) + qy * f32(uy / flat**2)
        if abs(uz) > 0.02:
            shift = qx * f32(uy / flat) - qy * f32(ux / flat)
            shift *= shift
            # The thinner end's radius: a sphere chosen so always covers the pixel it is chosen for.
            np.subtract(f32((0.98 * min(first, last)) ** 2), shift, out=shift)
            np.maximum(shift, _ZERO, out=shift)
            np.sqrt(shift, out=shift)
            shift *= f32(uz / flat)
            along -= shift
        np.maximum(along, _ZERO, out=along)
        np.minimum(along, f32(length), out=along)
        dx = along * f32(-ux)
        dx += qx
        dy = along * f32(-uy)
        dy += qy
        radius = along * slope
        radius += f32(first)
        rise = radius * radius
        work = dx * dx
        rise -= work
        np.multiply(dy, dy, out=work)
        rise -= work
        hit = rise > _ZERO
        np.maximum(rise, _ZERO, out=rise)
        np.sqrt(rise, out=rise)
        surface = along * f32(uz / zoom)
        np.multiply(rise, f32(1 / zoom), out=work)
        surface -= work
        surface += f32(depth[0])
        window = (slice(low[1], high[1]), slice(low[0], high[0]))
        hit &= surface < self.depth[window]
        np.copyto(self.depth[window], surface, where=hit)
        np.divide(_ONE, radius, out=radius)
        dx *= radius
        dy *= radius
        np.copyto(self.normal_x[window], dx, where=hit)
        np.copyto(self.normal_y[window], dy, where=hit)
        np.copyto(self.group[window], np.uint8(cone.group), where=hit)
        if cone.back is None:
            np.copyto(self.material[window], np.uint8(cone.material), where=hit)
            return
        rise *= radius  # now the normal's share towards the camera
        facing = dx * f32(cone.back[0])
        dy *= f32(cone.back[1])
        facing += dy
        rise *= f32(-cone.back[2])
        facing += rise
        is_back = facing > f32(0.05)
        material = np.where(is_back, np.uint8(cone.back_material), np.uint8(cone.material))
        np.copyto(self.material[window], material, where=hit)
        if cone.crease <= 0:
            np.copyto(self.tone[window], _ONE, where=hit)
            return
        # A fold across the start: sharp on the inside, soft wrinkles on the back.
        sharp = np.where(is_back, f32(2.0 / first), f32(4.2 / first))
        sharp *= along
        sharp *= sharp
        np.negative(sharp, out=sharp)
        np.exp(sharp, out=sharp)
        sharp *= np.where(is_back, f32(-0.45 * cone.crease), f32(-cone.crease))
        sharp += _ONE
        if cone.nail_material:
            along *= f32(1 / length)
            nail = (facing > f32(0.66)) & (along > f32(0.42))
            edge = (facing > f32(0.55)) & (along > f32(0.34)) & ~nail
            sharp[edge] *= f32(0.88)
            nail &= hit
            np.copyto(self.material[window], np.uint8(cone.nail_material), where=nail)
        np.copyto(self.tone[window], sharp, where=hit)
