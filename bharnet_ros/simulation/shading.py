"""From a canvas of depths and normals to colours: light, soft surfaces, contact shadows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.solids import FAR, Canvas, Plane
from bharnet_ros.types import AnyFloat, Image


@dataclass(frozen=True)
class Light:
    """One key light and ambient light. direction: unit (3,) camera coordinates, to the light."""

    direction: tuple[float, float, float] = (-0.35, -0.65, -0.67)
    key: float = 0.62
    ambient: float = 0.42


def smooth_group(canvas: Canvas, group: int, radius_px: float) -> None:
    """Blur the normals within one group, so that its cones look like one surface.

    radius_px: in canvas pixels.
    """
    mask = (canvas.group == group).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return
    window = (slice(y, y + height), slice(x, x + width))
    inside = mask[window]
    # The result is smooth, so it is made from fewer pixels.
    step = 4 if radius_px > 16 else 2 if radius_px > 6 else 1
    small = (max(width // step, 1), max(height // step, 1))
    side = 2 * max(round(radius_px / step / 2), 1) + 1
    normals = cv2.merge([canvas.normal_x[window], canvas.normal_y[window], np.ones_like(
        inside, np.float32)])  # fmt: skip
    normals = cv2.copyTo(normals, inside)
    if step > 1:
        normals = cv2.resize(normals, small, interpolation=cv2.INTER_AREA)
    normals = cv2.blur(cv2.blur(normals, (side, side)), (side, side))
    soft_x, soft_y, total = cv2.split(normals)
    weight = np.maximum(total, 1e-3)
    for plane, summed in ((canvas.normal_x, soft_x), (canvas.normal_y, soft_y)):
        soft = np.asarray(summed / weight, np.float32)
        if step > 1:
            soft = np.asarray(cv2.resize(soft, (width, height)), np.float32)
        cv2.copyTo(soft, inside, plane[window])


def shade(
    canvas: Canvas, light: Light, table: npt.NDArray[np.uint32], contact_px: float,
    contact_m: float, texture: Plane | None = None,
) -> Image:  # fmt: skip
    """(h, w, 3) BGR colours of a canvas; the colour where nothing was drawn means nothing.

    table: `materials.ramps`. contact_px, contact_m: reach and depth of contact shadows.
    texture: factor per pixel.
    """
    nx, ny = canvas.normal_x, canvas.normal_y
    lx, ly, lz = light.direction
    nz: Plane = nx * nx
    cv2.accumulateSquare(ny, nz)
    np.subtract(np.float32(1), nz, out=nz)
    np.maximum(nz, np.float32(0), out=nz)
    cv2.sqrt(nz, nz)  # share towards the camera, 0 at a silhouette
    # Wrapped diffuse light: skin and cloth have no hard terminator.
    bright: Plane = np.asarray(cv2.addWeighted(nx, lx, ny, ly, 0.25), np.float32)
    cv2.scaleAdd(nz, -lz, bright, bright)
    np.maximum(bright, np.float32(0), out=bright)
    bright *= np.float32(light.key)
    bright += np.float32(light.ambient)
    nz *= np.float32(0.42)
    nz += np.float32(0.62)
    bright *= nz
    bright *= canvas.tone
    bright *= contact_shadow(canvas.depth, contact_px, contact_m)
    if texture is not None:
        bright *= texture
    shades = cv2.convertScaleAbs(bright, alpha=170)
    index = cv2.merge([shades, canvas.material]).view("<u2")[..., 0]
    packed = np.take(table, index)
    lit = packed.view(np.uint8).reshape(*index.shape, 4)
    return np.asarray(cv2.cvtColor(lit, cv2.COLOR_BGRA2BGR), np.uint8)


def contact_shadow(depth: Plane, reach_px: float, reach_m: float) -> Plane:
    """Factor <= 1: a surface just behind a nearer one is darker (depth darkening)."""
    step = 4 if reach_px > 16 else 2 if reach_px > 6 else 1
    height, width = depth.shape
    small = depth[::step, ::step]
    empty = small >= FAR / 2
    if empty.all():
        return np.ones_like(depth)
    filled = np.where(empty, small[~empty].max(), small)
    side = 2 * max(round(reach_px / step / 2), 1) + 1
    soft = cv2.blur(cv2.blur(filled, (side, side)), (side, side))
    np.subtract(filled, soft, out=soft)
    np.clip(soft * np.float32(1 / reach_m), 0, 1, out=soft)
    soft *= np.float32(-0.45)
    soft += np.float32(1)
    if step > 1:
        soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft, np.float32)


def camera_light(azimuth: float, elevation: float, key: float, ambient: float) -> Light:
    """A light by its angles in radians: azimuth 0 is behind the camera, positive to the right."""
    flat = np.cos(elevation)
    direction: AnyFloat = np.array(
        [np.sin(azimuth) * flat, -np.sin(elevation), -np.cos(azimuth) * flat]
    )
    x, y, z = (float(v) for v in direction)
    return Light((x, y, z), key, ambient)
