"""Boxes as x, y, width, height in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def box_overlap(a: Floats, b: Floats) -> npt.NDArray[np.float64]:
    """(...,) intersection over union of boxes (..., 4) x, y, width, height; 0 for empty ones, and
    for those that are no finite numbers."""
    with np.errstate(invalid="ignore"):  # infinite ones, whose areas are no numbers
        low = np.maximum(a[..., :2], b[..., :2])
        high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
        shared = np.prod(np.maximum(high - low, 0.0), axis=-1)
        union = a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared
        return np.asarray(np.where(union > 0.0, shared / np.where(union > 0.0, union, 1.0), 0.0))
