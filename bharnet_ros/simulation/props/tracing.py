"""Draws a prop's solids into a canvas: one ray per pixel, exact depths and normals.

Rounded cones, of which people are made, have no flat faces and no sharp rims, and those are what
tells a cup from a telephone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.props.prop import Barrel, Box, Face, Globe, Solid
from bharnet_ros.simulation.solids import Canvas, Plane
from bharnet_ros.types import AnyFloat

_MISS = np.float32(np.inf)
_FACES: tuple[tuple[Face, Face], ...] = (("left", "right"), ("bottom", "top"), ("back", "front"))


class Frame(NamedTuple):
    """Where a prop is: origin (3,) in metres and axes (3, 3), its x, y and z as rows, both in
    camera coordinates (right, down, forward)."""

    origin: AnyFloat
    axes: AnyFloat


class _Hit(NamedTuple):
    """Per pixel: depth (inf where the ray misses), outward normal in the prop's frame, and where
    on which face: number of the face, u and v in -1..1."""

    depth: Plane
    normal: tuple[Plane, Plane, Plane]
    face: npt.NDArray[np.uint8]
    u: Plane
    v: Plane


def draw_solid(
    canvas: Canvas, solid: Solid, frame: Frame, focal_px: float, centre: tuple[float, float],
    first_material: int,
) -> None:  # fmt: skip
    """Draw one solid where it is nearer than what is there. first_material: that of colour 0.

    A frame without three axes (that of a hand of no size) draws nothing.
    """
    if not abs(float(np.linalg.det(frame.axes))) > 0.5:
        return
    frame = _placed(solid, frame)
    window = _window(canvas, solid, frame, focal_px, centre)
    if window is None:
        return
    rows, columns = window
    scale = canvas.scale
    f32 = np.float32
    x = (np.arange(columns.start, columns.stop, dtype=f32) + f32(0.5)) / f32(scale)
    y = (np.arange(rows.start, rows.stop, dtype=f32) + f32(0.5)) / f32(scale)
    x += f32(canvas.origin[0] - 0.5 - centre[0])
    y += f32(canvas.origin[1] - 0.5 - centre[1])
    axes = np.asarray(frame.axes, np.float64)
    start = axes @ -np.asarray(frame.origin, np.float64)
    ray = tuple(
        (x / f32(focal_px) * f32(row[0]))[None]
        + (y / f32(focal_px) * f32(row[1]))[:, None]
        + f32(row[2])
        for row in axes
    )
    hit = _trace(solid, start, (ray[0], ray[1], ray[2]))
    shown = hit.depth < canvas.depth[rows, columns]
    if not shown.any():
        return
    np.copyto(canvas.depth[rows, columns], hit.depth, where=shown)
    for plane, k in ((canvas.normal_x, 0), (canvas.normal_y, 1)):
        turned = sum(n * f32(axes[i, k]) for i, n in enumerate(hit.normal))
        np.copyto(plane[rows, columns], np.asarray(turned, f32), where=shown)
    material, tone = _paint(solid, hit, first_material)
    np.copyto(canvas.material[rows, columns], material, where=shown)
    np.copyto(canvas.tone[rows, columns], tone, where=shown)
    np.copyto(canvas.group[rows, columns], np.uint8(0), where=shown)


def reach(solid: Solid) -> AnyFloat:
    """(3,) half the size of the solid's bounding box, metres."""
    if isinstance(solid, Box):
        return np.asarray(solid.size) / 2
    if isinstance(solid, Globe):
        return solid.radius * np.array([1.0, solid.flatten, 1.0])
    widest = max(solid.bottom_radius, solid.top_radius)
    return np.array([widest, solid.height / 2, widest])


def corners(solid: Solid, frame: Frame) -> AnyFloat:
    """(8, 3) corners of its bounding box, camera coordinates. frame: the prop's."""
    return _corners(solid, _placed(solid, frame))


def _placed(solid: Solid, frame: Frame) -> Frame:
    """The solid's own frame: its middle, turned as it is."""
    origin = np.asarray(frame.origin, np.float64) + np.asarray(solid.centre) @ frame.axes
    turn_deg = solid.turn_deg if isinstance(solid, Box) else 0.0
    if not turn_deg:
        return Frame(origin, frame.axes)
    c, s = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    x, y, z = frame.axes
    return Frame(origin, np.stack([x * c - z * s, y, z * c + x * s]))


def _corners(solid: Solid, frame: Frame) -> AnyFloat:
    signs = np.array(np.meshgrid((-1, 1), (-1, 1), (-1, 1))).reshape(3, 8).T
    placed: AnyFloat = (signs * reach(solid)) @ frame.axes + frame.origin
    return placed


def _window(
    canvas: Canvas, solid: Solid, frame: Frame, focal_px: float, centre: tuple[float, float]
) -> tuple[slice, slice] | None:
    points = _corners(solid, frame)
    if float(points[:, 2].min()) < 0.05:
        return None
    pixels = points[:, :2] * (focal_px / points[:, 2:]) + np.array(centre)
    pixels = canvas.to_canvas(pixels)
    height, width = canvas.depth.shape
    left, top = np.maximum(np.floor(pixels.min(axis=0)).astype(int), 0).tolist()
    right, bottom = np.minimum(
        np.ceil(pixels.max(axis=0)).astype(int) + 1, np.array([width, height])
    ).tolist()
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _trace(solid: Solid, start: AnyFloat, ray: tuple[Plane, Plane, Plane]) -> _Hit:
    if isinstance(solid, Box):
        return _trace_box(reach(solid), start, ray)
    if isinstance(solid, Globe):
        return _trace_globe(solid, start, ray)
    return _trace_barrel(solid, start, ray)


def _trace_box(half: AnyFloat, start: AnyFloat, ray: tuple[Plane, Plane, Plane]) -> _Hit:
    """Slabs: the ray is inside from the last entry to the first exit."""
    shape = np.broadcast_shapes(*(r.shape for r in ray))
    enter = np.full(shape, -np.inf, np.float32)
    leave = np.full(shape, np.inf, np.float32)
    axis = np.zeros(shape, np.uint8)
    for k, direction in enumerate(ray):
        safe = np.where(np.abs(direction) < 1e-9, np.float32(1e-9), direction)
        near = np.float32(-half[k] - start[k]) / safe
        far = np.float32(half[k] - start[k]) / safe
        near, far = np.minimum(near, far), np.maximum(near, far)
        later = near > enter
        np.copyto(axis, np.uint8(k), where=later)
        np.maximum(enter, near, out=enter)
        np.minimum(leave, far, out=leave)
    struck = (enter <= leave) & (enter > 0)
    depth = np.where(struck, enter, _MISS)
    along = np.where(struck, enter, np.float32(0))
    place = [np.float32(start[k]) + along * ray[k] for k in range(3)]
    front = [ray[k] < 0 for k in range(3)]  # met from the positive side
    normal = [
        np.where(axis == k, np.where(front[k], np.float32(1), np.float32(-1)), np.float32(0))
        for k in range(3)
    ]
    face = np.zeros(shape, np.uint8)
    for k in range(3):
        np.copyto(face, np.where(front[k], np.uint8(2 * k + 1), np.uint8(2 * k)), where=axis == k)
    share = [place[k] / np.float32(max(half[k], 1e-6)) for k in range(3)]
    u = np.where(axis == 0, share[2], share[0])
    v = np.where(axis == 1, share[2], share[1])
    return _Hit(depth, (normal[0], normal[1], normal[2]), face, u, v)


def _trace_barrel(solid: Barrel, start: AnyFloat, ray: tuple[Plane, Plane, Plane]) -> _Hit:
    """The nearer of the cone's near root and of the two ends."""
    f32 = np.float32
    half = solid.height / 2
    slope = (solid.top_radius - solid.bottom_radius) / solid.height
    middle = (solid.top_radius + solid.bottom_radius) / 2
    rx, ry, rz = ray
    sx, sy, sz = (f32(v) for v in start)
    at = f32(middle + slope * float(start[1]))  # the cone's radius at the eye's height
    a = rx * rx + rz * rz - f32(slope**2) * ry * ry
    b = sx * rx + sz * rz - f32(slope) * at * ry
    c = sx * sx + sz * sz - at * at
    root = b * b - a * c
    a = np.where(np.abs(a) < 1e-9, f32(1e-9), a)
    depth = np.where(root > 0, (-b - np.sqrt(np.maximum(root, f32(0)))) / a, _MISS)
    y = sy + np.where(np.isfinite(depth), depth, f32(0)) * ry
    depth = np.where((np.abs(y) <= half) & (depth > 0), depth, _MISS)
    face = np.full(depth.shape, 6, np.uint8)
    safe = np.where(np.abs(ry) < 1e-9, f32(1e-9), ry)
    for number, height, radius in (
        (2, -half, solid.bottom_radius), (3, half, solid.top_radius)
    ):  # fmt: skip
        cut = (f32(height) - sy) / safe
        px, pz = sx + cut * rx, sz + cut * rz
        inside = (px * px + pz * pz <= f32(radius**2)) & (cut > 0) & (cut < depth)
        depth = np.where(inside, cut, depth)
        face[inside] = number
    along = np.where(np.isfinite(depth), depth, f32(0))
    px, py, pz = sx + along * rx, sy + along * ry, sz + along * rz
    side = face == 6
    distance = np.maximum(np.sqrt(px * px + pz * pz), f32(1e-6))
    tilt = f32(1 / np.hypot(1.0, slope))
    cap = np.where(face == 3, f32(1), f32(-1))
    normal = (
        np.where(side, px / distance * tilt, f32(0)),
        np.where(side, f32(-slope) * tilt, cap),
        np.where(side, pz / distance * tilt, f32(0)),
    )
    widest = f32(max(solid.bottom_radius, solid.top_radius))
    ends = np.where(face == 3, f32(solid.top_radius), f32(solid.bottom_radius))
    ends = np.maximum(ends, f32(0.01) * widest)
    u = np.where(side, np.arctan2(px, pz) / f32(np.pi), px / ends)
    v = np.where(side, py / f32(half), pz / ends)
    return _Hit(depth, normal, face, u, v)


def _trace_globe(solid: Globe, start: AnyFloat, ray: tuple[Plane, Plane, Plane]) -> _Hit:
    f32 = np.float32
    flatten = f32(max(solid.flatten, 0.05))
    rx, ry, rz = ray[0], ray[1] / flatten, ray[2]
    sx, sy, sz = f32(start[0]), f32(start[1]) / flatten, f32(start[2])
    a = rx * rx + ry * ry + rz * rz
    b = sx * rx + sy * ry + sz * rz
    root = b * b - a * (sx * sx + sy * sy + sz * sz - f32(solid.radius**2))
    depth = np.where(root > 0, (-b - np.sqrt(np.maximum(root, f32(0)))) / a, _MISS)
    depth = np.where(depth > 0, depth, _MISS)
    along = np.where(np.isfinite(depth), depth, f32(0))
    x, y, z = ((s + along * r) / f32(solid.radius) for s, r in ((sx, rx), (sy, ry), (sz, rz)))
    face = np.full(depth.shape, 6, np.uint8)
    u = np.arctan2(x, z) / f32(np.pi)
    v = np.arcsin(np.clip(y, -1, 1)) / f32(np.pi / 2)
    length = np.maximum(np.sqrt(x * x + (y / flatten) ** 2 + z * z), f32(1e-6))
    return _Hit(depth, (x / length, y / flatten / length, z / length), face, u, v)


def _number(face: Face) -> int:
    for k, pair in enumerate(_FACES):
        if face in pair:
            return 2 * k + pair.index(face)
    return 6


def _paint(
    solid: Solid, hit: _Hit, first_material: int
) -> tuple[npt.NDArray[np.uint8], Plane]:
    material = np.full(hit.face.shape, first_material + solid.colour, np.uint8)
    tone = np.ones(hit.face.shape, np.float32)
    for decal in solid.decals:
        left, bottom, right, top = decal.area
        on = hit.face == _number(decal.face)
        if decal.disc:
            u = (hit.u - np.float32((left + right) / 2)) / np.float32(max(right - left, 1e-6) / 2)
            v = (hit.v - np.float32((bottom + top) / 2)) / np.float32(max(top - bottom, 1e-6) / 2)
            on &= u * u + v * v <= 1
        else:
            on &= (hit.u >= left) & (hit.u <= right) & (hit.v >= bottom) & (hit.v <= top)
        material[on] = first_material + decal.colour
        tone[on] = decal.tone
    return material, tone
