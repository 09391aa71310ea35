"""Where the regions of a person are in an image: squares around head, upper body and hands.

Found from the keypoints alone, so that training and the robot cut the same; axes are those of the
image, without rotation. The idea of skeleton-guided regions is MMNet's (Yu et al., TPAMI 2022),
which takes head, hands and feet of one size; here hands are measured by the palm, and what they
hold must be in the picture too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.roi.config import RoiConfig
from bharnet_ros.skeleton import body_joints, hand_joints
from bharnet_ros.types import AnyFloat, FloatArray

MIN_SCORE = 0.05
"""Keypoints scored below this count as missing."""
HEAD_SIDE, TORSO_SIDE = 0.9, 1.5
"""Sides in torso lengths: head and what is held before it; shoulders, chest and lap."""
HAND_SIDE = 2.7
"""Side in palm lengths, about 0.27 m: the fingers and what they hold, as large as can be."""
PALM_PER_TORSO = 0.2
MAX_PALM = 2.5
"""A hand may be nearer to the camera than the torso: up to so many times as large."""
MIN_FINGER_POINTS = 5
"""A hand of fewer seen points is not found; the forearm then says where it is."""

# body_19: COCO's points, then neck and mid-hip. hand_21: wrist, then the knuckles (MCP).
_FACE, _LEFT_SHOULDER, _RIGHT_SHOULDER, _NECK, _MID_HIP = slice(0, 5), 5, 6, 17, 18
_ARMS = ((7, 9), (8, 10))  # elbow and wrist, left and right
_WRIST, _INDEX_MCP, _MIDDLE_MCP, _LITTLE_MCP = 0, 5, 9, 17

# Of adults (see bharnet_ros.features): torso, neck to mid-hip, 0.50 m; shoulders 0.37 m; upper arm
# 0.30 m; forearm 0.26 m; ear to ear 0.15 m; palm 0.10 m long and 0.07 m broad.
_TORSO_PER_SHOULDERS = 1.35
_TORSO_PER_OTHER = ((5, 7, 1.7), (6, 8, 1.7), (7, 9, 1.9), (8, 10, 1.9), (3, 4, 3.3))
_PALM_PER_BREADTH = 1.4
_HAND_PER_FOREARM = 0.38  # from the wrist to the middle of the hand

_Square = tuple[float, float, float]
_NOWHERE: _Square = (0.0, 0.0, 0.0)
_Points = npt.NDArray[np.floating[Any]]
_Mask = npt.NDArray[np.bool_]


def region_squares(
    keypoints: AnyFloat, scores: AnyFloat, layout: str, config: RoiConfig
) -> FloatArray:
    """(R, 3) centre x, centre y and side in pixels of each of `config.regions`; side 0 = not seen.

    keypoints: (K, 2) pixels; scores: (K,), 0 = missing.
    A hand is a square around palm and fingers, never smaller than the person's size says, as palms
    are foreshortened; where the fingers are not seen it lies beyond the wrist along the forearm.
    Raises InvalidSkeletonError for other shapes and LayoutError for an unknown layout.
    """
    points = np.asarray(keypoints, np.float64)
    weights = np.asarray(scores, np.float64)
    if points.ndim != 2 or points.shape[-1] != 2 or weights.shape != points.shape[:1]:
        raise InvalidSkeletonError(
            f"A skeleton has keypoints {points.shape} and scores {weights.shape}; they must be "
            "(K, 2) and (K,)."
        )
    finite = np.isfinite(points).all(axis=1) & np.isfinite(weights)
    points = np.where(finite[:, None], points, 0.0)
    weights = np.where(finite & (weights >= MIN_SCORE), weights, 0.0)
    joints, joint_scores = body_joints(points, weights, layout)
    hands, hand_scores = hand_joints(points, weights, layout)
    seen, fingers = joint_scores > 0.0, hand_scores > 0.0
    torso = torso_px(joints, seen)
    found: dict[str, Callable[[], _Square]] = {
        "head": lambda: _head(joints, seen, torso),
        "torso": lambda: _torso(joints, seen, torso),
        "left_hand": lambda: _hand(hands[0], fingers[0], joints, seen, torso, 0),
        "right_hand": lambda: _hand(hands[1], fingers[1], joints, seen, torso, 1),
    }
    squares = np.array([found[name]() for name in config.regions], np.float32)
    squares[~np.isfinite(squares).all(axis=1)] = 0.0
    return squares


def torso_px(joints: _Points, seen: _Mask) -> float:
    """Neck to mid-hip in pixels as the person stands: the longer of torso and shoulders; of arms
    or ears where neither is seen; 0 = nothing to measure.

    joints: (19, 2) of `body_19`, pixels; seen: (19,).
    """
    torso = max(
        _length(joints, seen, _NECK, _MID_HIP),
        _TORSO_PER_SHOULDERS * _length(joints, seen, _LEFT_SHOULDER, _RIGHT_SHOULDER),
    )
    if torso > 0.0:
        return torso
    return max(ratio * _length(joints, seen, a, b) for a, b, ratio in _TORSO_PER_OTHER)


def _head(joints: _Points, seen: _Mask, torso: float) -> _Square:
    if not seen[_FACE].any():
        return _NOWHERE
    x, y = joints[_FACE][seen[_FACE]].mean(axis=0)
    return float(x), float(y), HEAD_SIDE * torso


def _torso(joints: _Points, seen: _Mask, torso: float) -> _Square:
    if not seen[_NECK]:
        return _NOWHERE
    neck = joints[_NECK]
    hip = joints[_MID_HIP] if seen[_MID_HIP] else neck + np.array([0.0, torso])
    x, y = (neck + hip) / 2.0
    return float(x), float(y), TORSO_SIDE * torso


def _hand(
    hand: _Points, fingers: _Mask, joints: _Points, seen: _Mask, torso: float, side: int
) -> _Square:
    palm = PALM_PER_TORSO * torso
    if int(fingers.sum()) >= MIN_FINGER_POINTS:
        measured = _palm_px(hand, fingers)
        if palm > 0.0:
            measured = min(max(measured, palm), MAX_PALM * palm)
        x, y = hand[fingers].mean(axis=0)
        return float(x), float(y), HAND_SIDE * measured
    elbow, wrist = _ARMS[side]
    if not (seen[elbow] and seen[wrist]):
        return _NOWHERE
    # A forearm pointing at the camera is short, and so is the hand beyond it.
    beyond = (joints[wrist] - joints[elbow]) * _HAND_PER_FOREARM
    reach = float(np.hypot(*beyond))
    if reach > palm:
        beyond = beyond * (palm / reach)
    x, y = joints[wrist] + beyond
    return float(x), float(y), HAND_SIDE * palm


def _palm_px(hand: _Points, seen: _Mask) -> float:
    """The longest of several spans: of a turned palm at least one keeps its length."""
    return max(
        _length(hand, seen, _WRIST, _INDEX_MCP),
        _length(hand, seen, _WRIST, _MIDDLE_MCP),
        _length(hand, seen, _WRIST, _LITTLE_MCP),
        _PALM_PER_BREADTH * _length(hand, seen, _INDEX_MCP, _LITTLE_MCP),
    )


def _length(points: _Points, seen: _Mask, start: int, end: int) -> float:
    if not (seen[start] and seen[end]):
        return 0.0
    return float(np.hypot(*(points[start] - points[end])))
