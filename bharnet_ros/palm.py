"""The palm of a hand: its length, and its wrist where the picture ends before it.

A hand held close to the camera often reaches beyond the picture, and it is the wrist that is lost:
arms come in from the border. The other knuckles say where it is, because a palm is nearly flat:
seen from anywhere, the wrist is the same weighted mean of the palm's other points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import AnyFloat, FloatArray

# hand_21: wrist first, knuckles (MCP) of index, middle and little finger.
WRIST, INDEX_MCP, MIDDLE_MCP, LITTLE_MCP = 0, 5, 9, 17
# Adults: wrist to the middle knuckle about 0.10 m, index to little knuckle about 0.07 m.
_LENGTH_PER_WIDTH = 1.4
_SPANS = (
    (WRIST, INDEX_MCP, 1.0),
    (WRIST, MIDDLE_MCP, 1.0),
    (WRIST, LITTLE_MCP, 1.0),
    (INDEX_MCP, LITTLE_MCP, _LENGTH_PER_WIDTH),
)
WRIST_FROM: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...] = (
    ((1, 2, 5, 9, 13, 17), (1.57, -0.64, -0.30, 0.10, 0.07, 0.20)),
    ((1, 5, 17), (1.11, -0.57, 0.46)),
    ((2, 5, 9, 13, 17), (1.25, -0.60, -0.75, -0.10, 1.20)),
)
"""Points of hand_21 and their weights, which sum to 1; of these rows the first whose points are all
seen counts. Fitted to the hands of `hand_shapes` by `python -m benchmarks.lost_wrist`, which prints
the errors too."""

BoolArray = npt.NDArray[np.bool_]


def with_wrist(joints: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Hands (..., 21, 2) and scores (..., 21), with wrists where there were none but could be told.

    A point counts as seen where its score is above 0; an estimated wrist gets the lowest score of
    the points it comes from. Returns the same arrays where there is nothing to add.
    """
    lost = (scores[..., WRIST] <= 0.0) & (scores > 0.0).any(axis=-1)
    if not lost.any():
        return joints, scores
    joints, scores = joints.copy(), scores.copy()
    hands, weights = joints[lost], scores[lost]  # (M, 21, 2), (M, 21)
    for points, shares in WRIST_FROM:
        lowest = weights[:, list(points)].min(axis=1)
        rows = (weights[:, WRIST] <= 0.0) & (lowest > 0.0)
        share = np.array(shares, np.float32)
        hands[rows, WRIST] = np.einsum("p,mpc->mc", share, hands[rows][:, list(points)])
        weights[rows, WRIST] = lowest[rows]
    joints[lost], scores[lost] = hands, weights
    return joints, scores


def palm_px(joints: FloatArray, present: BoolArray, min_px: float) -> tuple[FloatArray, BoolArray]:
    """(...,) palm length of windows (..., T, 21, 2), 1 where unusable; and whether it is usable.

    In each frame the longest of several spans, because a palm that is turned or pointed at the
    camera keeps at least one of them; then the median over the window against outliers.
    """
    longest = np.zeros(present.shape[:-1], np.float32)
    for start, end, factor in _SPANS:
        span, seen = length(joints, present, start, end)
        longest = np.maximum(longest, np.where(seen, span * np.float32(factor), 0.0))
    scale = median(longest, longest > 0.0)
    usable = scale >= max(min_px, 1e-3)
    return np.where(usable, scale, 1.0).astype(np.float32), usable


def length(
    joints: FloatArray, present: BoolArray, start: int, end: int
) -> tuple[FloatArray, BoolArray]:
    """(..., T) distance of two joints and whether both are there."""
    difference = joints[..., start, :] - joints[..., end, :]
    return np.hypot(difference[..., 0], difference[..., 1]), present[..., start] & present[..., end]


def median(values: AnyFloat, seen: npt.NDArray[Any]) -> FloatArray:
    """Median over the last axis of what was seen; 0 where nothing was."""
    ordered = np.sort(np.where(seen, values, np.inf), axis=-1)
    count = seen.sum(axis=-1)[..., None]
    halves = np.concatenate((np.maximum(count - 1, 0) // 2, count // 2), axis=-1)
    pair = np.take_along_axis(ordered, halves, axis=-1)
    with np.errstate(invalid="ignore"):
        middle = 0.5 * (pair[..., 0] + pair[..., 1])
    return np.where(count[..., 0] > 0, middle, 0.0).astype(np.float32)
