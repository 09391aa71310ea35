"""Two-bone inverse kinematics: where the elbow (or knee) is when both ends are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# A straight arm keeps a few degrees of bend, a folded one stops at soft tissue (about 150
# degrees of flexion): the reach is kept within these shares of the two bones' sum.
MAX_REACH = 0.997
MIN_REACH = 0.30


def two_bone(
    root: Array, target: Array, pole: Array, upper: float, lower: float
) -> tuple[Array, Array]:
    """Bend a chain of two bones from `root` towards `target`, the middle joint towards `pole`.

    root, target, pole: (..., 3) metres; pole is a direction (any length) and must not be
    parallel to the way from root to target. upper, lower: metres.
    Returns (middle, end), both (..., 3). The end is the target brought within reach, so both
    bones keep their lengths exactly.
    """
    way = target - root
    distance = np.sqrt(np.einsum("...i,...i->...", way, way))[..., None]
    axis = way / np.maximum(distance, 1e-9)
    nearest = max(MIN_REACH * (upper + lower), 1.02 * abs(upper - lower))
    reach = np.clip(distance, nearest, MAX_REACH * (upper + lower))
    along = (reach * reach + upper * upper - lower * lower) / (2 * reach)
    height = np.sqrt(np.maximum(upper * upper - along * along, 0.0))
    side = pole - np.einsum("...i,...i->...", pole, axis)[..., None] * axis
    side = side / np.maximum(np.sqrt(np.einsum("...i,...i->...", side, side)), 1e-9)[..., None]
    middle = root + along * axis + height * side
    return middle, root + reach * axis
