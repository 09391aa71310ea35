"""Keypoints of one layout in another one, by their names."""

from __future__ import annotations

import numpy as np

from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray


def into_layout(
    keypoints: FloatArray, scores: FloatArray, own: str, other: str
) -> tuple[FloatArray, FloatArray]:
    """Keypoints (..., K, 2) and scores (..., K) -> the same in `other`; the rest is missing."""
    source, target = get_layout(own), get_layout(other)
    names = [name for name in source.keypoint_names if name in target.keypoint_names]
    from_index = [source.index(name) for name in names]
    to_index = [target.index(name) for name in names]
    points = np.zeros((*scores.shape[:-1], target.num_keypoints, 2), np.float32)
    weights = np.zeros(points.shape[:-1], np.float32)
    points[..., to_index, :] = keypoints[..., from_index, :]
    weights[..., to_index] = scores[..., from_index]
    return points, weights
