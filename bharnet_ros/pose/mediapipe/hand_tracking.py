"""Following both hands of one person, and refusing hands that cannot be theirs.

A hand is looked for where it was, then where the pose has its wrist. In close-ups the pose's
wrist is often wrong; a hand that the palm detector found instead is "free": it is followed by
its own points alone, until the pose's wrist comes back to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.hands import (
    WRIST,
    Hand,
    HandNetworks,
    region_from_points,
    region_from_pose,
)
from bharnet_ros.pose.mediapipe.regions import apart, distance
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
MAX_REACH = 1.6
"""How far, in torso lengths, a free hand's wrist may lie from its shoulder (adults: 1.1, and
more for an arm that points at the camera)."""
SEEN_WRIST_SCORE = 0.5
MAX_FREE_GAP = 1.0
"""A free hand lies within this many torso lengths of a wrist that the pose claims to see."""
WRONG_THUMB = 0.8
"""A free hand is not given to a side when the network says with this belief: the other side."""


@dataclass(frozen=True)
class Side:
    """Where the pose has one arm's points, and what its hand should look like."""

    shoulder: int
    wrist: int
    pinky: int
    index: int
    right: bool


SIDES = (Side(11, 15, 17, 19, right=False), Side(12, 16, 18, 20, right=True))


@dataclass(frozen=True, eq=False)
class _Seen:
    """A hand, the pose's wrist in the same image, and whether the hand is free of it."""

    hand: Hand
    wrist: list[float]
    free: bool


class HandPair:
    """The hands of one person over time: left, then right."""

    def __init__(self) -> None:
        self._last: list[_Seen | None] = [None, None]

    @property
    def hands(self) -> list[Hand | None]:
        """Both hands of the newest image; None for a hand that is not seen."""
        return [None if seen is None else seen.hand for seen in self._last]

    def free(self, i: int) -> bool:
        """Whether the hand of side `i` (0 left, 1 right) is seen away from the pose's wrist."""
        seen = self._last[i]
        return seen is not None and seen.free

    def missing(self) -> list[Side]:
        """The sides without a hand in the newest image."""
        return [side for side, seen in zip(SIDES, self._last, strict=True) if seen is None]

    def update(self, image: Image, networks: HandNetworks, body: Body) -> list[Hand | None]:
        """Both hands in `image` given this image's body; None for a hand that is not seen."""
        torso = body.torso_length
        hands: list[Hand | None] = [None, None]
        tracked = [False, False]
        for i, side in enumerate(SIDES):
            hands[i] = self._followed(i, image, networks, body, torso)
            tracked[i] = hands[i] is not None
            if hands[i] is None and body.scores[side.wrist] >= MIN_WRIST_SCORE:
                hands[i] = _from_pose(image, networks, body, side, torso)
        self._resolve_clash(image, networks, body, torso, hands, tracked)
        for i, side in enumerate(SIDES):
            hand = hands[i]
            self._last[i] = None if hand is None else _seen(hand, body, side, torso)
        return hands

    def offer(self, hand: Hand, body: Body) -> bool:
        """Take a hand found without the pose if it can be this person's; whether it was taken.

        It goes to the side that lacks a hand and that it fits best, by place and by thumb.
        """
        torso = body.torso_length
        costs = [
            (ill_fit(hand, body, side, torso), i)
            for i, side in enumerate(SIDES)
            if self._last[i] is None and fits(hand, body, side, torso)
        ]
        if not costs:
            return False
        _, i = min(costs)
        self._last[i] = _seen(hand, body, SIDES[i], torso)
        return True

    def _followed(
        self, i: int, image: Image, networks: HandNetworks, body: Body, torso: float
    ) -> Hand | None:
        """The hand of side `i` where it is expected now, if it was seen last time."""
        last, side = self._last[i], SIDES[i]
        if last is None:
            return None
        region = region_from_points(last.hand.points)
        if last.free:
            if not region.usable():
                return None
            hand = networks.look(image, region)
            return hand if _believed(hand) and within_reach(hand, body, side, torso) else None
        x, y = body.spots[side.wrist]
        region = region.shifted(x - last.wrist[0], y - last.wrist[1])
        if body.scores[side.wrist] < MIN_WRIST_SCORE or not region.usable():
            return None
        return _plausible(networks.look(image, region), body, side, torso)

    def _resolve_clash(
        self,
        image: Image,
        networks: HandNetworks,
        body: Body,
        torso: float,
        hands: list[Hand | None],
        tracked: Sequence[bool],
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
        if tracked[loser] and body.scores[SIDES[loser].wrist] >= MIN_WRIST_SCORE:
            again = _from_pose(image, networks, body, SIDES[loser], torso)
            winner = hands[1 - loser]
            if again is not None and winner is not None and not same_place(again, winner):
                hands[loser] = again


def misfit(hand: Hand, body: Body, side: Side, torso: float) -> float:
    """How badly a hand fits a side: its wrist's gap in palm lengths, plus 1 for a wrong thumb."""
    palm = max(hand.palm_length, PALM_PER_TORSO * torso)
    return wrist_gap(hand, body, side) / palm + wrong_thumb(hand, side)


def ill_fit(hand: Hand, body: Body, side: Side, torso: float) -> float:
    """The same for a hand found without the pose: its wrist's gap counts in torso lengths."""
    return wrist_gap(hand, body, side) / torso + wrong_thumb(hand, side)


def wrist_gap(hand: Hand, body: Body, side: Side) -> float:
    """Pixels from the hand's wrist to the pose's."""
    return distance(hand.spots[WRIST], body.spots[side.wrist])


def wrong_thumb(hand: Hand, side: Side) -> float:
    """0..1, the network's belief that the hand is of the other side."""
    return 1.0 - hand.right if side.right else hand.right


def same_place(a: Hand, b: Hand) -> bool:
    """Whether two hands' points coincide."""
    most = SAME_PLACE * max(a.palm_length, b.palm_length)
    if apart(a.box, b.box, most):
        return False
    return float(np.hypot(*(a.points - b.points).T).mean()) < most


def fits(hand: Hand, body: Body, side: Side, torso: float) -> bool:
    """Whether a hand found without the pose can be the one of this arm."""
    if attached(hand, body, side, torso):
        return _possible_size(hand, torso)
    return within_reach(hand, body, side, torso) and wrong_thumb(hand, side) < WRONG_THUMB


def within_reach(hand: Hand, body: Body, side: Side, torso: float) -> bool:
    """Whether a hand is of a possible size and where an arm of this person can be."""
    if not _possible_size(hand, torso):
        return False
    reach = distance(hand.spots[WRIST], body.spots[side.shoulder])
    seen = body.scores[side.wrist] >= SEEN_WRIST_SCORE
    near = not seen or wrist_gap(hand, body, side) <= MAX_FREE_GAP * torso
    return reach <= MAX_REACH * torso and near


def attached(hand: Hand, body: Body, side: Side, torso: float) -> bool:
    """Whether a hand lies at the pose's wrist."""
    palm = max(hand.palm_length, PALM_PER_TORSO * torso)
    return wrist_gap(hand, body, side) <= MAX_WRIST_GAP * palm


def _seen(hand: Hand, body: Body, side: Side, torso: float) -> _Seen:
    known = body.scores[side.wrist] >= MIN_WRIST_SCORE and attached(hand, body, side, torso)
    return _Seen(hand, body.spots[side.wrist], not known)


def _from_pose(
    image: Image, networks: HandNetworks, body: Body, side: Side, torso: float
) -> Hand | None:
    """Look for a hand where the pose's wrist and knuckles are."""
    points = body.spots
    rough = region_from_pose(points[side.wrist], points[side.index], points[side.pinky])
    if not rough.usable():
        return None
    region = networks.centre(image, rough)
    if not region.usable():
        return None
    return _plausible(networks.look(image, region), body, side, torso)


def _plausible(hand: Hand, body: Body, side: Side, torso: float) -> Hand | None:
    """The hand, unless it is not there, not this person's, or of an impossible size."""
    if not _believed(hand) or not _possible_size(hand, torso):
        return None
    return hand if attached(hand, body, side, torso) else None


def _believed(hand: Hand) -> bool:
    return bool(hand.presence >= MIN_PRESENCE and np.isfinite(hand.points).all())


def _possible_size(hand: Hand, torso: float) -> bool:
    low, high = PALM_RANGE
    return low * torso <= hand.palm_length <= high * torso
