"""Following both hands of one person, and refusing hands that cannot be theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.hands import (
    WRIST,
    Hand,
    HandNetworks,
    region_from_points,
    region_from_pose,
)
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.types import Image

MIN_PRESENCE = 0.5
MIN_WRIST_SCORE = 0.1
"""Below this the pose says that it does not see the wrist, and no hand is looked for."""
PALM_PER_TORSO = 0.18
"""Palm length of an adult in torso lengths (shoulders to hips), hand and torso equally near."""
MAX_WRIST_GAP = 1.2
"""How far, in palm lengths, a hand's wrist may lie from the pose's wrist."""
PALM_RANGE = (0.03, 0.6)
"""Palm lengths, in torso lengths, that a hand can have on an image (turned away .. close up)."""
SAME_PLACE = 0.5
"""Two hands whose points lie nearer than this many palm lengths, on average, are one hand."""


@dataclass(frozen=True)
class _Side:
    """Where the pose has one hand's points, and what its hand should look like."""

    wrist: int
    pinky: int
    index: int
    right: bool


SIDES = (_Side(15, 17, 19, right=False), _Side(16, 18, 20, right=True))


class HandPair:
    """The hands of one person over time: left, then right."""

    def __init__(self) -> None:
        self._last: list[tuple[Hand, npt.NDArray[np.float64]] | None] = [None, None]

    def update(self, image: Image, networks: HandNetworks, body: Body) -> list[Hand | None]:
        """Both hands in `image` given this image's body; None for a hand that is not seen."""
        torso = torso_length(body)
        hands: list[Hand | None] = [None, None]
        tracked = [False, False]
        for i, side in enumerate(SIDES):
            if body.scores[side.wrist] < MIN_WRIST_SCORE:
                continue
            region = self._carried_region(i, body)
            if region is not None:
                hands[i] = _plausible(networks.look(image, region), body, side, torso)
                tracked[i] = hands[i] is not None
            if hands[i] is None:
                hands[i] = _from_pose(image, networks, body, side, torso)
        self._resolve_clash(image, networks, body, torso, hands, tracked)
        for i, side in enumerate(SIDES):
            hand = hands[i]
            self._last[i] = None if hand is None else (hand, body.points[side.wrist])
        return hands

    def _carried_region(self, i: int, body: Body) -> Region | None:
        """The last hand's square, moved as the pose's wrist has moved since."""
        last = self._last[i]
        if last is None:
            return None
        hand, wrist = last
        step = body.points[SIDES[i].wrist] - wrist
        region = region_from_points(hand.points).shifted(float(step[0]), float(step[1]))
        return region if region.usable() else None

    def _resolve_clash(
        self,
        image: Image,
        networks: HandNetworks,
        body: Body,
        torso: float,
        hands: list[Hand | None],
        tracked: list[bool],
    ) -> None:
        """When both hands are the same one, the side it fits less looks again or goes without."""
        left, right = hands
        if left is None or right is None or not same_place(left, right):
            return
        misfits = [
            misfit(hand, body, side, torso) for hand, side in zip((left, right), SIDES, strict=True)
        ]
        loser = 0 if misfits[0] > misfits[1] else 1
        hands[loser] = None
        if tracked[loser]:
            again = _from_pose(image, networks, body, SIDES[loser], torso)
            winner = hands[1 - loser]
            if again is not None and winner is not None and not same_place(again, winner):
                hands[loser] = again


def torso_length(body: Body) -> float:
    """Middle of the shoulders to middle of the hips, or the shoulders' width if that is more."""
    shoulders, hips = body.points[[11, 12]], body.points[[23, 24]]
    height = float(np.hypot(*(shoulders.mean(axis=0) - hips.mean(axis=0))))
    return max(height, float(np.hypot(*(shoulders[0] - shoulders[1]))), 1.0)


def misfit(hand: Hand, body: Body, side: _Side, torso: float) -> float:
    """How badly a hand fits a side: its wrist's gap in palm lengths, plus 1 for a wrong thumb."""
    gap = float(np.hypot(*(hand.points[WRIST] - body.points[side.wrist])))
    palm = max(hand.palm_length(), PALM_PER_TORSO * torso)
    wrong = 1.0 - hand.right if side.right else hand.right
    return gap / palm + wrong


def same_place(a: Hand, b: Hand) -> bool:
    """Whether two hands' points coincide."""
    gap = float(np.hypot(*(a.points - b.points).T).mean())
    return gap < SAME_PLACE * max(a.palm_length(), b.palm_length())


def _from_pose(
    image: Image, networks: HandNetworks, body: Body, side: _Side, torso: float
) -> Hand | None:
    """Look for a hand where the pose's wrist and knuckles are."""
    points = body.points
    rough = region_from_pose(points[side.wrist], points[side.index], points[side.pinky])
    if not rough.usable():
        return None
    region = networks.centre(image, rough)
    if not region.usable():
        return None
    return _plausible(networks.look(image, region), body, side, torso)


def _plausible(hand: Hand, body: Body, side: _Side, torso: float) -> Hand | None:
    """The hand, unless it is not there, not this person's, or of an impossible size."""
    if not (hand.presence >= MIN_PRESENCE and np.isfinite(hand.points).all()):
        return None
    palm = hand.palm_length()
    low, high = PALM_RANGE
    if not low * torso <= palm <= high * torso:
        return None
    gap = float(np.hypot(*(hand.points[WRIST] - body.points[side.wrist])))
    return hand if gap <= MAX_WRIST_GAP * max(palm, PALM_PER_TORSO * torso) else None
