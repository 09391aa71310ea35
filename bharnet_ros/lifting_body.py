"""The body as lifting sees it: which keypoint hangs on which, how far away, how deep inside.

Bone lengths are shares of body height from Drillis and Contini (1966), as printed in Winter,
Biomechanics and Motor Control of Human Movement; parts of the hand are shares of its length
(0.108 of the height) as in Buryanov and Kotiuk, Proportions of Hand Segments (2010). A depth camera
sees skin and clothes, and a joint lies inside; how deep is half of the limb's thickness there,
rounded from girths of adults (for example ANSUR II). All are rounded up to what a tall person has:
they bound, they do not measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import AnyFloat

LAYOUT = "coco_wholebody_133"
NUM_KEYPOINTS = 133
TRUNK = (5, 6, 11, 12)
"""Shoulders and hips."""
TRUNK_PER_HEIGHT = 0.288
"""Between the middles of shoulders and hips."""
TRUNK_INSET_M = 0.08
"""From the chest to the middle of the trunk."""
REFERENCE_HEIGHT_M = 1.75
_HAND = 0.108
_HANDS = (91, 112)
_ROOT = -1

_BODY: tuple[tuple[tuple[int, ...], int | None, float, float, float], ...] = (
    # keypoints (left, right), parent on the left (None = the trunk), share of height, inset [m],
    # radius of the patch [m]
    ((5, 6), None, 0.19, 0.055, 0.030),
    ((11, 12), None, 0.19, 0.100, 0.035),
    ((0,), None, 0.32, 0.0, 0.015),
    ((1, 2), 0, 0.04, 0.0, 0.012),
    ((3, 4), 0, 0.09, 0.0, 0.012),
    ((7, 8), 5, 0.186, 0.042, 0.025),
    ((9, 10), 7, 0.146, 0.028, 0.018),
    ((13, 14), 11, 0.245, 0.060, 0.030),
    ((15, 16), 13, 0.246, 0.040, 0.025),
    ((17, 20), 15, 0.14, 0.020, 0.015),
    ((18, 21), 15, 0.13, 0.020, 0.015),
    ((19, 22), 15, 0.07, 0.030, 0.015),
)

_HAND_PARTS: tuple[tuple[int, int, float, float], ...] = (
    # keypoint, parent, share of the hand's length, inset [m]
    (1, 0, 0.27, 0.018), (2, 1, 0.28, 0.014), (3, 2, 0.22, 0.010), (4, 3, 0.17, 0.008),
    *(
        part
        for first, length in ((5, 0.96), (9, 1.0), (13, 0.95), (17, 0.85))
        for part in (
            (first, 0, 0.58, 0.014),
            (first + 1, first, 0.28 * length, 0.010),
            (first + 2, first + 1, 0.19 * length, 0.008),
            (first + 3, first + 2, 0.16 * length, 0.007),
        )
    ),
)  # fmt: skip
_WRIST_TO_HAND = 0.03
_PATCH_HAND_M = 0.010
_FACE = (23, 91)
_FACE_REACH, _PATCH_FACE_M = 0.10, 0.010


@dataclass(frozen=True)
class BodyTree:
    """Per keypoint (133,): parent (-1 = the trunk), reach (share of height to the parent at
    most), inset_m (joint behind surface), patch_m (radius of the patch that is its own);
    is_core: part of the trunk; is_fine: hands and face, where centimetres count.
    levels: keypoints in an order in which parents come first."""

    parent: npt.NDArray[np.intp]
    reach: AnyFloat
    inset_m: AnyFloat
    patch_m: AnyFloat
    is_core: npt.NDArray[np.bool_]
    is_fine: npt.NDArray[np.bool_]
    levels: tuple[npt.NDArray[np.intp], ...]


def _make() -> BodyTree:
    parent = np.full(NUM_KEYPOINTS, _ROOT, np.intp)
    reach, inset, patch = (np.zeros(NUM_KEYPOINTS) for _ in range(3))
    for points, left_parent, share, depth, radius in _BODY:
        for side, index in enumerate(points):
            paired = left_parent not in (None, 0)
            above = _ROOT if left_parent is None else left_parent + (side if paired else 0)
            parent[index], reach[index] = above, share
            inset[index], patch[index] = depth, radius
    face = slice(*_FACE)
    parent[face], reach[face], patch[face] = 0, _FACE_REACH, _PATCH_FACE_M
    for side, root in enumerate(_HANDS):
        parent[root], reach[root] = 9 + side, _WRIST_TO_HAND
        inset[root], patch[root] = 0.025, 1.5 * _PATCH_HAND_M
        for index, above, share, depth in _HAND_PARTS:
            parent[root + index], reach[root + index] = root + above, share * _HAND
            inset[root + index], patch[root + index] = depth, _PATCH_HAND_M
    core = np.isin(np.arange(NUM_KEYPOINTS), TRUNK)
    fine = np.arange(NUM_KEYPOINTS) >= _FACE[0]
    depth_of = np.zeros(NUM_KEYPOINTS, np.intp)
    for index in range(NUM_KEYPOINTS):
        above = parent[index]
        while above != _ROOT:
            depth_of[index] += 1
            above = parent[above]
    levels = tuple(np.flatnonzero(depth_of == level) for level in range(int(depth_of.max()) + 1))
    return BodyTree(parent, reach, inset, patch, core, fine, levels)


TREE = _make()
