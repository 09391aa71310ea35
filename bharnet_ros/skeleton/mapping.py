"""From the keypoints of a layout to the joints of the expert graphs, and between layouts."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import InvalidSkeletonError, LayoutError
from bharnet_ros.skeleton.graph import body_graph
from bharnet_ros.skeleton.layout import IndexArray, Layout, get_layout
from bharnet_ros.types import FloatArray

Floats = npt.NDArray[np.floating[Any]]

# body_19 joints that layouts call otherwise. Kinect's head is one point: it stands for the nose.
_SYNONYMS = {
    "nose": ("head",),
    "neck": ("spine_shoulder", "shoulder_center"),
    "mid_hip": ("spine_base", "hip_center"),
}


def body_joints(keypoints: Floats, scores: Floats, layout: str) -> tuple[Floats, Floats]:
    """Joints of the graph `body_19`.

    keypoints: (..., K, C) in any unit; scores: (..., K). Returns (..., 19, C) and (..., 19).
    A joint that the layout lacks has score 0 and coordinates 0. Neck and mid-hip, where the
    layout has none, lie midway between shoulders and hips with the lower of the two scores.
    """
    spec = get_layout(layout)
    _check(keypoints, scores, spec)
    sources = _body_sources(layout)
    first, second = sources[:, 0], sources[:, 1]  # take() is several times quicker than [...]
    joints = (keypoints.take(first, -2) + keypoints.take(second, -2)) * 0.5
    joint_scores = np.minimum(scores.take(first, -1), scores.take(second, -1))
    absent = sources[:, 0] < 0
    joint_scores[..., absent] = 0.0
    joints[..., absent, :] = 0.0
    return joints, joint_scores


def hand_joints(keypoints: Floats, scores: Floats, layout: str) -> tuple[Floats, Floats]:
    """Both hands as instances of the graph `hand_21`: left, then right, not mirrored.

    keypoints: (..., K, C); scores: (..., K). Returns (..., 2, 21, C) and (..., 2, 21); all
    zeros for a layout without fingers.
    """
    spec = get_layout(layout)
    _check(keypoints, scores, spec)
    if not spec.has_hands:
        lead = scores.shape[:-1]
        width = keypoints.shape[-1]
        return np.zeros((*lead, 2, 21, width), keypoints.dtype), np.zeros(
            (*lead, 2, 21), scores.dtype
        )
    both = np.stack([spec.left_hand_indices, spec.right_hand_indices])
    return keypoints.take(both, -2), scores.take(both, -1)


def read_layout(layout: str) -> str:
    """The layout that has what `body_joints` and `hand_joints` read of this one, and not more.

    The same name where there is no smaller one. The joints are the same from either.
    """
    get_layout(layout)
    return _READ_OF.get(layout, layout)


def sources(layout: str, part: str) -> IndexArray:
    """(K of part,) where each keypoint of the layout `part` lies in `layout`.

    Raises LayoutError if one of them is not there.
    """
    whole = get_layout(layout)
    return np.array([whole.index(name) for name in get_layout(part).keypoint_names], np.intp)


def flip_horizontally(keypoints: Floats, scores: Floats, layout: str, width: float) -> tuple[
    Floats, Floats
]:
    """The keypoints of the mirrored image: x -> width - x, left and right exchanged."""
    spec = get_layout(layout)
    _check(keypoints, scores, spec)
    mirrored = keypoints[..., spec.flip_indices, :].copy()
    mirrored[..., 0] = width - mirrored[..., 0]
    return mirrored, scores[..., spec.flip_indices]


# Of COCO-WholeBody more than half is face and feet.
_READ_OF = {"coco_wholebody_133": "coco_body_hands_59"}

# COCO body joint <- BlazePose landmark; feet: big toes and heels are near enough, COCO's small
# toes and face contour have no source.
_COCO_FROM_BLAZEPOSE = (
    (0, 0), (1, 2), (2, 5), (3, 7), (4, 8), (5, 11), (6, 12), (7, 13), (8, 14), (9, 15), (10, 16),
    (11, 23), (12, 24), (13, 25), (14, 26), (15, 27), (16, 28), (17, 31), (19, 29), (20, 32),
    (22, 30),
)  # fmt: skip


def mediapipe_to_coco(
    pose: Floats,
    pose_scores: Floats,
    left_hand: Floats | None = None,
    left_hand_scores: Floats | float = 0.0,
    right_hand: Floats | None = None,
    right_hand_scores: Floats | float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """MediaPipe landmarks as COCO-WholeBody keypoints.

    pose: (..., 33, 2); pose_scores: (..., 33); hands: (..., 21, 2) or None, with scores that
    broadcast to (..., 21). Returns (..., 133, 2) and (..., 133), float32. The face contour and
    the small toes have no source: their score is 0.
    """
    if pose.shape[-2:] != (33, 2) or pose_scores.shape != pose.shape[:-1]:
        raise InvalidSkeletonError(
            f"MediaPipe pose of shape {pose.shape} with scores {pose_scores.shape}; "
            "expected (..., 33, 2) and (..., 33)."
        )
    coco = get_layout("coco_wholebody_133")
    lead = pose.shape[:-2]
    keypoints = np.zeros((*lead, 133, 2), np.float32)
    scores = np.zeros((*lead, 133), np.float32)
    to, source = np.array(_COCO_FROM_BLAZEPOSE).T
    keypoints[..., to, :] = pose[..., source, :]
    scores[..., to] = pose_scores[..., source]
    for indices, hand, hand_scores in (
        (coco.left_hand_indices, left_hand, left_hand_scores),
        (coco.right_hand_indices, right_hand, right_hand_scores),
    ):
        if hand is not None:
            if hand.shape != (*lead, 21, 2):
                raise InvalidSkeletonError(
                    f"MediaPipe hand of shape {hand.shape}; expected {(*lead, 21, 2)}."
                )
            keypoints[..., indices, :] = hand
            scores[..., indices] = hand_scores
    return keypoints, scores


@cache
def _body_sources(layout: str) -> IndexArray:
    """(19, 2): the two keypoints whose middle is the joint (twice the same: the keypoint)."""
    spec = get_layout(layout)
    names = spec.keypoint_names
    sources = np.full((19, 2), -1, dtype=np.intp)
    for joint, name in enumerate(body_graph().joint_names):
        for candidate in (name, *_SYNONYMS.get(name, ())):
            if candidate in names:
                sources[joint] = names.index(candidate)
                break
        else:
            halves = {"neck": "shoulder", "mid_hip": "hip"}.get(name)
            if halves and f"left_{halves}" in names and f"right_{halves}" in names:
                sources[joint] = names.index(f"left_{halves}"), names.index(f"right_{halves}")
    if (sources < 0).all():
        raise LayoutError(f"Layout '{layout}' has no joint of the graph 'body_19'.")
    return sources


def _check(keypoints: Floats, scores: Floats, layout: Layout) -> None:
    count = layout.num_keypoints
    if keypoints.shape[:-1] != scores.shape or scores.shape[-1:] != (count,):
        raise InvalidSkeletonError(
            f"Keypoints {keypoints.shape} with scores {scores.shape} do not fit the layout "
            f"'{layout.name}': expected (..., {count}, C) and (..., {count})."
        )
