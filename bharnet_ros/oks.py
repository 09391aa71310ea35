"""Object keypoint similarity (OKS): how alike the places of two skeletons are.

As defined by the COCO keypoint evaluation (cocodataset.org/#keypoints-eval): per keypoint a
Gaussian of its distance, as wide as people disagree about that keypoint on a body of that size.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.skeleton import get_layout

Array = npt.NDArray[np.floating[Any]]

# COCO's standard deviations as shares of the square root of the person's area.
_COCO_SIGMAS = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062,
    "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip
_OTHER_SIGMA = 0.08
_AREA_PER_BOX = 0.53
"""A person fills about this share of their box."""


@cache
def body_sigmas(layout: str) -> npt.NDArray[np.float64]:
    """(V,) of a layout's `body_indices`: COCO's standard deviation by the joint's name, 0.08 for
    joints that COCO has not. Raises LayoutError."""
    spec = get_layout(layout)
    names = [spec.keypoint_names[i] for i in spec.body_indices]
    found = [
        next((s for part, s in _COCO_SIGMAS.items() if name.endswith(part)), _OTHER_SIGMA)
        for name in names
    ]
    sigmas = np.array(found)
    sigmas.setflags(write=False)
    return sigmas


def variances(layout: str, boxes: Array) -> npt.NDArray[np.float64]:
    """(N, V) px² of the Gaussians, for people with these boxes (N, 4) x, y, width, height.

    COCO's k is twice the standard deviation; the area is the box's, as much as a person fills.
    """
    area = _AREA_PER_BOX * np.maximum(boxes[:, 2] * boxes[:, 3], 1.0).astype(np.float64)
    return np.asarray(area[:, None] * (2.0 * body_sigmas(layout)) ** 2)


def oks(
    gaps: Array, variance: Array, common: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """(...,) mean over the keypoints in common of exp(-gap² / 2 variance); 0 if there are none.

    gaps: (..., V) px; variance: (..., V) px²; common: (..., V) bool.
    """
    each = np.where(common, np.exp(-np.square(gaps) / (2.0 * variance)), 0.0)
    return np.asarray(each.sum(axis=-1) / np.maximum(common.sum(axis=-1), 1))
