"""Telling one person from another within one image, and bodies from things that are not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.detector import Detection
from bharnet_ros.pose.mediapipe.hand_tracking import SEEN_WRIST_SCORE
from bharnet_ros.pose.mediapipe.hands import Hand
from bharnet_ros.pose.mediapipe.regions import Region, apart

Points = npt.NDArray[np.float64]

TORSO = (11, 12, 24, 23)
TRUNK = (0, 11, 12, 13, 14, 23, 24)
"""Nose, shoulders, elbows, hips: no hand hides them all, unless they were never there."""
SAME_GAP = 0.35
"""Two bodies are one when their core points lie, on average, within this many torso lengths."""
MAX_WANDER = 0.2
"""Two looks at a real person agree within this many torso lengths (median of core points)."""
HAND_SHARE, HAND_ROOM = 0.8, 0.1
"""A body is a hand when this share of its trunk lies in the hand's box, made larger by that."""
MIN_TRUNK = 5
"""And so many points of the trunk must be seen to tell; a covered face is no hand."""
LIMBS = (
    (11, 12), (11, 23), (12, 24), (11, 24), (12, 23), (23, 24), (11, 13), (13, 15), (12, 14),
    (14, 16), (15, 19), (16, 20),
)  # fmt: skip
"""Torso and arms, from point to point."""
ARMS = ((11, 13, 15, 17, 19), (12, 14, 16, 18, 20))
"""Shoulder, elbow, wrist and two knuckles, left and right."""
FINGERS = 2.0
"""Fingertips are so many times as far from the wrist as knuckles are."""
ARM_REACH = 0.2
"""An arm ends so many torso lengths beside its bones: half of a spread hand, 0.1 m of 0.5 m."""
MIN_TORSO_PX = 10.0
"""Smaller bodies are noise."""
SMALLER = 0.6
"""A body this much smaller than another one whose torso it lies on is a part of it."""


def same_body(a: Body, b: Body) -> bool:
    """Whether two bodies are the same person, or the smaller one a part of the larger."""
    if same_place(a, b):
        return True
    torso_a, torso_b = a.torso_length, b.torso_length
    small, large = (a, b) if torso_a < torso_b else (b, a)
    if min(torso_a, torso_b) > SMALLER * max(torso_a, torso_b):
        return False
    return lies_on(small, large)


def same_place(a: Body, b: Body) -> bool:
    """Whether the core points of two bodies coincide."""
    most = SAME_GAP * min(a.torso_length, b.torso_length)
    if apart(a.core.box, b.core.box, most):
        return False
    gaps = np.hypot(*(a.core.points - b.core.points).T)
    weights = np.sqrt(a.core.scores * b.core.scores)
    if weights.sum() <= 1.0:
        return False
    return float(np.average(gaps, weights=weights)) < most


def lies_on(small: Body, large: Body) -> bool:
    """Whether the middle of one torso lies on the other's torso or on one of its arms."""
    x, y = (sum(values) / 4.0 for values in zip(*(small.spots[i] for i in TORSO), strict=True))
    reach = 0.25 * large.torso_length
    if apart((x, y, x, y), large.limbs_box, reach):
        return False
    middle = np.array((x, y))
    for start, end in LIMBS:
        if float(_beside(middle, large.points[start], large.points[end])) < reach:
            return True
    return False


def mere_arm(body: Body, owner: Body) -> bool:
    """Whether a body is nothing but an arm of somebody larger.

    The networks take a raised hand for a head and its elbow for hips. A person behind the arm is
    broader than it, or hidden by it. Of an arm that the pose only guesses nothing is said.
    """
    trunk, weights = body.points[list(TRUNK)], body.scores[list(TRUNK)]
    torso = owner.torso_length
    if np.count_nonzero(weights) < MIN_TRUNK or body.torso_length >= torso:
        return False
    for shoulder, elbow, wrist, pinky, index in ARMS:
        if owner.scores[wrist] < SEEN_WRIST_SCORE:
            continue
        points = owner.points
        knuckles = 0.5 * (points[pinky] + points[index])
        tips = points[wrist] + FINGERS * (knuckles - points[wrist])
        bones = pairwise((points[shoulder], points[elbow], points[wrist], tips))
        gaps = np.min([_beside(trunk, start, end) for start, end in bones], axis=0)
        if float(np.average(gaps < ARM_REACH * torso, weights=weights)) >= HAND_SHARE:
            return True
    return False


def _beside(points: Points, start: Points, end: Points) -> Points:
    """(...,) pixels from `points`, (..., 2), to the line from `start` to `end`, (2,) each."""
    along = end - start
    share = np.clip((points - start) @ along / max(float(np.dot(along, along)), 1e-9), 0, 1)
    gaps = points - start - share[..., None] * along
    return np.asarray(np.hypot(gaps[..., 0], gaps[..., 1]))


def mere_hand(body: Body, hand: Hand) -> bool:
    """Whether a body is nothing but a hand: the networks take fingers for head and arms."""
    x0, y0, x1, y1 = hand.box
    room = HAND_ROOM * max(x1 - x0, y1 - y0)
    x0, y0, x1, y1 = x0 - room, y0 - room, x1 + room, y1 + room
    seen = within = 0.0
    weights = body.scores.tolist()
    for index in TRUNK:
        x, y = body.spots[index]
        seen += weights[index]
        within += weights[index] * (x0 <= x <= x1 and y0 <= y <= y1)
    return sum(weights[i] != 0.0 for i in TRUNK) >= MIN_TRUNK and within / seen >= HAND_SHARE


def settled(before: Body, after: Body) -> bool:
    """Whether two looks in a row agree; on things that are not people the network wanders."""
    gaps = np.hypot(*(before.core.points - after.core.points).T)
    return float(np.median(gaps)) < MAX_WANDER * after.torso_length


def upright(region: Region, max_tilt_rad: float) -> bool:
    """Whether a region's person stands or sits upright enough to be believed."""
    return abs(region.angle) <= max_tilt_rad


def known(detection: Detection, body: Body) -> bool:
    """Whether a detection is a person whose body is already known."""
    hips, shoulders = body.points[23:25].mean(axis=0), body.points[11:13].mean(axis=0)
    seen = np.stack((hips, shoulders))
    gaps = np.hypot(*(detection.points[[0, 2]] - seen).T)
    torso = float(np.hypot(*(detection.points[0] - detection.points[2])))
    size = max(min(torso, body.torso_length), 1.0)
    return float(gaps.mean()) < 0.5 * size
