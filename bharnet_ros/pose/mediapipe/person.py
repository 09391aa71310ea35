"""What is remembered about somebody from image to image."""

from __future__ import annotations

from bharnet_ros.pose.filters import OneEuroFilter
from bharnet_ros.pose.mediapipe.arm_search import ArmSearch
from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.hand_tracking import HandPair

UNCONFIRMED = 0.4
"""Factor on the score of somebody whom the detector has never confirmed."""


class Person:
    """Somebody followed from image to image."""

    def __init__(self, body: Body, smoothing: bool, checked_ns: int) -> None:
        self.body = body
        self.confirmed = False
        self.strikes = 0
        self.overlapping = False  # told apart from somebody who overlaps with them
        self.checked_ns = checked_ns
        self.seen_ns = checked_ns
        self.hands = HandPair()
        self.arms = ArmSearch()
        self.smooth = OneEuroFilter() if smoothing else None

    def confirm(self, stamp_ns: int) -> None:
        """The detector, too, sees them."""
        self.confirmed, self.strikes, self.checked_ns = True, 0, stamp_ns

    def score(self) -> float:
        """0..1, belief that this is a person."""
        return self.body.presence * (1.0 if self.confirmed else UNCONFIRMED)
