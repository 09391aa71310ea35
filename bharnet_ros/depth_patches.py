"""What depths lie around a keypoint: the surfaces in a small patch, nearest first.

Around a finger there is the finger, a few mixed pixels at its edge, holes where the sensor saw
nothing, and the wall. The mean or the median of such a patch lies on none of them, so the depths
are split where they jump, and each piece is a surface with a share of the patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import AnyFloat, FloatArray

Array = npt.NDArray[np.float64]


def _disk() -> tuple[Array, Array]:
    """(S, 2) offsets within the unit disk and their (S,) weights, the middle counting most."""
    steps = np.linspace(-1.0, 1.0, 7)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    grid = grid[np.linalg.norm(grid, axis=1) <= 1.06]
    return grid, np.exp(-1.5 * (grid**2).sum(axis=1))


_OFFSETS, _WEIGHTS = _disk()


@dataclass(frozen=True)
class Surfaces:
    """depth_m: (K, C) metres, each row rising, NaN where there is none. share: (K, C), of the
    patch's known part, by weight. known: (K,), share of the patch with a depth at all."""

    depth_m: Array
    share: Array
    known: Array


def axial_noise_m(depth_m: AnyFloat | float) -> Array:
    """Standard deviation of a structured-light camera's depth at this distance: Nguyen, Izadi and
    Lovell, Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking (2012)."""
    return np.asarray(0.0012 + 0.0019 * (np.asarray(depth_m, np.float64) - 0.4) ** 2)


def surfaces(
    depth: FloatArray, centres: AnyFloat, radius_px: AnyFloat, gap_m: AnyFloat
) -> Surfaces:
    """The surfaces around (K, 2) pixels of a (height, width) depth image in metres.

    radius_px, gap_m: (K,), of the patch, and the jump in depth that parts two surfaces.
    """
    count, samples = len(centres), len(_WEIGHTS)
    if count == 0:
        empty = np.zeros((0, 1))
        return Surfaces(empty, empty, np.zeros(0))
    places = centres[:, None, :] + np.maximum(radius_px, 1.0)[:, None, None] * _OFFSETS
    values = sample(depth, places)
    order = np.argsort(values, axis=1)  # NaN comes last
    values = np.take_along_axis(values, order, axis=1)
    weights = np.where(np.isnan(values), 0.0, _WEIGHTS[order])
    jumps = np.diff(values, axis=1) > gap_m[:, None]  # False beside NaN
    part = np.zeros((count, samples), np.intp)
    np.cumsum(jumps, axis=1, out=part[:, 1:])
    parts = int(part.max()) + 1
    flat = (part + parts * np.arange(count)[:, None]).ravel()
    known = ~np.isnan(values)
    number = np.bincount(flat[known.ravel()], minlength=count * parts).reshape(count, parts)
    weight = np.bincount(flat, weights.ravel(), count * parts).reshape(count, parts)
    begin = np.cumsum(number, axis=1) - number
    middle = np.minimum(begin + (number - 1) // 2, samples - 1)
    found = np.take_along_axis(values, np.maximum(middle, 0), axis=1)
    found[number == 0] = np.nan
    total = weight.sum(axis=1)
    share = weight / np.maximum(total, 1e-12)[:, None]
    return Surfaces(found, share, total / _WEIGHTS.sum())


def sample(depth: FloatArray, places: AnyFloat) -> Array:
    """Depth at the nearest pixels of (..., 2); NaN outside of the image and where it is unknown."""
    height, width = depth.shape
    finite = np.asarray(np.isfinite(places).all(axis=-1))
    # What lies far outside must not overflow when it becomes an integer.
    pixels = np.rint(np.clip(np.where(finite[..., None], places, -1.0), -1.0, max(height, width)))
    x, y = pixels[..., 0].astype(np.intp), pixels[..., 1].astype(np.intp)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    values = depth[np.where(inside, y, 0), np.where(inside, x, 0)].astype(np.float64)
    values[~inside] = np.nan
    return values
