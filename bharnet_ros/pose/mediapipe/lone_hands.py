"""Hands whose body the image does not show: followed like people, one or two hands each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bharnet_ros.pose.filters import OneEuroFilter
from bharnet_ros.pose.mediapipe.hand_tracking import MIN_PRESENCE, same_place
from bharnet_ros.pose.mediapipe.hands import WRIST, Hand, HandNetworks, region_from_points
from bharnet_ros.pose.mediapipe.regions import distance
from bharnet_ros.types import Image

PALM = (0, 5, 17)
"""Wrist and outer knuckles."""
MUCH_LARGER = 2.0
MIN_PALM_PX = 8.0
"""Smaller hands are noise."""
PAIR_GAP = 8.0
"""The wrists of two hands of one person lie within this many palm lengths (about 0.8 m)."""
PAIR_SIZES = 2.0
"""And the larger hand is at most so many times as large: both are about equally near."""
CLEAR = 0.8
"""From this belief on the network is sure of left or right."""
MEMORY = 0.1
"""Share of the newest look in the remembered belief in left or right."""


class LoneHands:
    """Somebody of whom only one hand or two are seen. Sides: 0 left, 1 right."""

    def __init__(self, hand: Hand, smoothing: bool) -> None:
        self.hands: list[Hand | None] = [None, None]
        self.smooth = OneEuroFilter() if smoothing else None
        self._right = hand.right
        self.hands[_side(hand)] = hand

    def score(self) -> float:
        """0..1, belief that there is a hand: the presence of the surer one."""
        return max((hand.presence for hand in self.seen()), default=0.0)

    def seen(self) -> list[Hand]:
        """The hands that are seen, left before right."""
        return [hand for hand in self.hands if hand is not None]

    def follow(self, image: Image, networks: HandNetworks) -> None:
        """Look for each hand where it was; one that is not seen any more is gone."""
        for i, before in enumerate(self.hands):
            self.hands[i] = None if before is None else _look_again(image, networks, before)
        left, right = self.hands
        if left is not None and right is not None:
            if same_place(left, right):
                self.hands[1 if left.right < 0.5 else 0] = None
            return
        for hand in self.seen():
            self._right += MEMORY * (hand.right - self._right)
            wrong = self._right if self.hands[0] is hand else 1.0 - self._right
            if wrong > CLEAR:
                self.hands.reverse()

    def take(self, hand: Hand) -> bool:
        """Take a second hand if it can be this person's other one; whether it was taken."""
        if len(self.seen()) != 1 or self.hands[_side(hand)] is not None:
            return False
        (mine,) = self.seen()
        sizes = sorted((mine.palm_length, hand.palm_length))
        gap = distance(mine.spots[WRIST], hand.spots[WRIST])
        if sizes[1] > PAIR_SIZES * sizes[0] or gap > PAIR_GAP * sizes[1]:
            return False
        self.hands[_side(hand)] = hand
        return True

    def drop(self, hand: Hand) -> None:
        """Forget one of the hands."""
        self.hands = [None if other is hand else other for other in self.hands]


def covered(hand: Hand, others: Sequence[Hand]) -> bool:
    """Whether a hand lies on one of `others`, or one of them on it: then it is no new one.

    The landmark network sees hands of several sizes in one, so points need not coincide. One
    more than twice as large as another is not covered by it: the small one is the mistake.
    """
    return any(
        hand.palm_length <= MUCH_LARGER * other.palm_length
        and (_middle_on(hand, other) or _middle_on(other, hand))
        for other in others
    )


def _middle_on(hand: Hand, other: Hand) -> bool:
    """Whether the middle of a hand's palm lies in the box around the other hand."""
    x, y = (sum(values) / len(PALM) for values in zip(*(hand.spots[i] for i in PALM), strict=True))
    x0, y0, x1, y1 = other.box
    return bool(x0 <= x <= x1 and y0 <= y <= y1)


def each_hand(people: Sequence[LoneHands]) -> Iterator[tuple[LoneHands, Hand]]:
    """All hands with those they belong to; safe against dropping them meanwhile."""
    yield from [(person, hand) for person in people for hand in person.seen()]


def _look_again(image: Image, networks: HandNetworks, before: Hand) -> Hand | None:
    region = region_from_points(before.points)
    if not region.usable():
        return None
    hand = networks.look(image, region)
    believed = hand.presence >= MIN_PRESENCE and np.isfinite(hand.points).all()
    return hand if believed and hand.palm_length >= MIN_PALM_PX else None


def _side(hand: Hand) -> int:
    return 1 if hand.right >= 0.5 else 0
