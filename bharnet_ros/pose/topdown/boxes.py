"""Boxes x0, y0, x1, y1 around people: from keypoints, within the image, compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.boxes import box_overlap
from bharnet_ros.types import AnyFloat, FloatArray

VISIBLE = 0.3
"""Keypoints of at least this score say where a person is."""
MIN_VISIBLE = 3
"""Fewer visible keypoints make no box."""
MARGIN = 0.08
"""Room around keypoints, in shares of the longer side: skin, hair and clothes reach beyond
joints. The keypoint network adds its own, much larger, room around every box."""


def clean_boxes(
    boxes: AnyFloat, scores: AnyFloat, size: tuple[int, int], min_side_px: float
) -> tuple[FloatArray, FloatArray]:
    """What of a detector's boxes (M, 4) and scores (M,) can be used, cut to the image.

    size: (height, width). Values that are no numbers, boxes that are empty, outside of the image
    or too small on both sides are left out.
    """
    given = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    surety = np.asarray(scores, dtype=np.float64).reshape(-1)
    finite = np.isfinite(given).all(axis=1) & np.isfinite(surety)
    inside = clip(np.where(finite[:, None], given, 0.0), size)
    sides = inside[:, 2:] - inside[:, :2]
    usable = finite & (sides.min(axis=1) >= 1.0) & (sides.max(axis=1) >= min_side_px)
    return (
        inside[usable].astype(np.float32),
        np.clip(surety[usable], 0.0, 1.0).astype(np.float32),
    )


def clip(boxes: AnyFloat, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """(..., 4) boxes cut to an image of (height, width); those outside become empty."""
    limit = np.array((size[1], size[0], size[1], size[0]), dtype=np.float64)
    return np.asarray(np.clip(boxes, 0.0, limit))


def keypoint_box(
    keypoints: AnyFloat, scores: AnyFloat, size: tuple[int, int], visible: float = VISIBLE
) -> npt.NDArray[np.float64] | None:
    """The box (4,) around keypoints (K, 2) that score `visible`, with room, within the image.

    None if too few do.
    """
    points = keypoints[scores >= visible]
    if len(points) < MIN_VISIBLE:
        return None
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    room = MARGIN * float((high - low).max())
    return clip(np.concatenate((low - room, high + room)), size)


def to_xywh(boxes: AnyFloat) -> npt.NDArray[np.float64]:
    """(..., 4) x0, y0, x1, y1 -> x, y, width, height."""
    low = np.asarray(boxes[..., :2], dtype=np.float64)
    return np.concatenate((low, boxes[..., 2:] - low), axis=-1)


def overlaps(a: AnyFloat, b: AnyFloat) -> npt.NDArray[np.float64]:
    """(R, C) intersection over union of boxes (R, 4) and (C, 4)."""
    return box_overlap(to_xywh(a)[:, None], to_xywh(b)[None])


def union(a: AnyFloat, b: AnyFloat) -> npt.NDArray[np.float64]:
    """The box (4,) around two boxes (4,)."""
    return np.concatenate((np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:]))).astype(np.float64)


def shifted(box: AnyFloat, shift: AnyFloat) -> npt.NDArray[np.float64]:
    """A box (4,) moved by (2,) pixels."""
    return np.asarray(box + np.concatenate((shift, shift)))
