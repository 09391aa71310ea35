"""One box per person: non-maximum suppression."""

from __future__ import annotations

import numpy as np

from bharnet_ros.boxes import box_overlap
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray

MAX_CANDIDATES = 1000
"""The surest so many are looked at; a network gone wild may find somebody at every anchor."""


def best_boxes(
    boxes: FloatArray, scores: FloatArray, min_score: float, max_overlap: float
) -> tuple[FloatArray, FloatArray]:
    """The boxes that count, surest first.

    boxes: (M, 4) x0, y0, x1, y1. scores: (M,). Dropped are those below min_score, without an
    area, not finite, and those that share more than max_overlap (intersection over union) with a
    surer one that is kept.
    """
    good = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    chosen = np.flatnonzero(good & (scores >= min_score))  # NaN is no score of that size
    order = chosen[np.argsort(-scores[chosen], kind="stable")][:MAX_CANDIDATES]
    sized = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
    kept: list[int] = []
    while len(order):
        kept.append(int(order[0]))
        order = order[1:][box_overlap(sized[order[0]], sized[order[1:]]) <= max_overlap]
    return boxes[kept].astype(np.float32), scores[kept].astype(np.float32)


def share(name: str, value: object) -> float:
    """A number from 0 to 1. Raises ConfigurationError that names it."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0.0 <= value <= 1.0:  # type: ignore[operator]
        raise ConfigurationError(f"{name} is {value!r}; it must be a number from 0 to 1.")
    return float(value)  # type: ignore[arg-type]
