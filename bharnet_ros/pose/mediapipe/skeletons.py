"""From bodies and hands to skeletons of the layout coco_wholebody_133."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.filters import OneEuroFilter
from bharnet_ros.pose.mediapipe.body import inside
from bharnet_ros.pose.mediapipe.hand_tracking import PALM_PER_TORSO, SIDES
from bharnet_ros.pose.mediapipe.hands import WRIST, Hand
from bharnet_ros.pose.mediapipe.lone_hands import LoneHands
from bharnet_ros.pose.mediapipe.person import Person
from bharnet_ros.skeleton import mediapipe_to_coco
from bharnet_ros.types import FloatArray, Skeleton

NUM_LANDMARKS = 33
MIN_SHOWN_SCORE = 0.3
"""Keypoints below this do not stretch a person's box."""
BOX_MARGIN = 0.05
NOSE, SHOULDERS = 0, (5, 6)
HEAD_TOP = 0.7
"""From the nose to the top of the head, as a share of the way from the neck to the nose."""


def person_skeleton(person: Person, size: tuple[int, int], stamp_ns: int) -> Skeleton:
    """Body and hands together. size: (height, width) pixels of the image.

    Where a hand is seen away from the pose's wrist, the body's wrist is the hand's.
    """
    points, scores = person.body.points.copy(), person.body.scores.copy()
    for i, (side, hand) in enumerate(zip(SIDES, person.hands.hands, strict=True)):
        if hand is not None and person.hands.free(i):
            points[side.wrist] = hand.points[WRIST]
            scores[side.wrist] = _hand_scores(hand, size)[WRIST]
    scale = person.body.torso_length
    return _skeleton(
        points, scores, person.hands.hands, person.score(), person.smooth, scale, size, stamp_ns
    )


def lone_skeleton(lone: LoneHands, size: tuple[int, int], stamp_ns: int) -> Skeleton:
    """Hands without a body: of the body only the wrists are known, those of the hands."""
    points, scores = np.zeros((NUM_LANDMARKS, 2)), np.zeros(NUM_LANDMARKS)
    for side, hand in zip(SIDES, lone.hands, strict=True):
        if hand is not None:
            points[side.wrist] = hand.points[WRIST]
            scores[side.wrist] = _hand_scores(hand, size)[WRIST]
    scale = max((hand.palm_length for hand in lone.seen()), default=1.0) / PALM_PER_TORSO
    return _skeleton(points, scores, lone.hands, lone.score(), lone.smooth, scale, size, stamp_ns)


def _skeleton(
    points: npt.NDArray[np.float64],
    point_scores: npt.NDArray[np.float64],
    hands: list[Hand | None],
    belief: float,
    smooth: OneEuroFilter | None,
    scale: float,
    size: tuple[int, int],
    stamp_ns: int,
) -> Skeleton:
    """points: (33, 2) and point_scores: (33,) of the pose; scale: torso length in pixels."""
    left, right = (None if h is None else h.points for h in hands)
    left_scores, right_scores = (
        np.zeros(21) if h is None else _hand_scores(h, size) for h in hands
    )
    keypoints, scores = mediapipe_to_coco(
        points, point_scores, left, left_scores, right, right_scores
    )
    if smooth is not None:
        keypoints = smooth(keypoints, scores, stamp_ns, scale).astype(np.float32)
    keypoints[scores <= 0.0] = 0.0
    return Skeleton(-1, bounding_box(keypoints, scores, *size), belief, keypoints, scores)


def _hand_scores(hand: Hand, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """(21,) the hand's presence; 0 for points outside of the image."""
    return np.asarray(hand.presence * inside(hand.points, *size))


def bounding_box(
    keypoints: npt.NDArray[np.floating], scores: FloatArray, height: int, width: int
) -> FloatArray:
    """(4,) x, y, width, height around the keypoints that count, with a margin, in the image.

    keypoints: (133, 2); scores: (133,). The head reaches above its keypoints by a share
    of the way from the shoulders to the nose.
    """
    counted = scores >= MIN_SHOWN_SCORE
    if not counted.any():
        counted = scores > 0.0
    if not counted.any():
        return np.zeros(4, dtype=np.float32)
    points = keypoints[counted]
    if (scores[[NOSE, *SHOULDERS]] >= MIN_SHOWN_SCORE).all():
        neck = keypoints[list(SHOULDERS)].mean(axis=0)
        top = keypoints[NOSE] + HEAD_TOP * (keypoints[NOSE] - neck)
        points = np.concatenate((points, top[None]))
    low, high = points.min(axis=0), points.max(axis=0)
    margin = BOX_MARGIN * float((high - low).max())
    limit = np.array((width, height))
    low, high = np.clip(low - margin, 0, limit), np.clip(high + margin, 0, limit)
    return np.concatenate((low, high - low)).astype(np.float32)
