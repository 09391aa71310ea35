"""Hands, bodies and networks that see what a test tells them to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.hand_search import PALM_POINTS
from bharnet_ros.pose.mediapipe.hands import Hand
from bharnet_ros.pose.mediapipe.palms import Palm
from bharnet_ros.pose.mediapipe.regions import Region

IMAGE = np.zeros((480, 640, 3), dtype=np.uint8)


def hand_shape(x: float, y: float, palm: float = 20.0, angle: float = 0.0) -> np.ndarray:
    """(21, 2): an open hand, wrist at (x, y), fingers up at angle 0."""
    points = np.zeros((21, 2))
    for finger in range(5):
        for joint in range(4):
            reach = palm * (0.5 if finger == 0 else 1.0) + joint * 0.3 * palm
            points[1 + 4 * finger + joint] = (0.25 * palm * (finger - 2), -reach)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return points @ turn.T + (x, y)


def hand(
    x: float, y: float, right: float = 0.98, palm: float = 20.0, presence: float = 0.95
) -> Hand:
    """An upright open hand whose wrist is at (x, y)."""
    return Hand(hand_shape(x, y, palm), presence, right)


def standing(left: tuple[float, float], right: tuple[float, float]) -> Body:
    """A body with a torso 100 pixels long whose wrists are where they are told to be."""
    points = np.full((33, 2), (320.0, 240.0))
    points[0] = (320.0, 100.0)
    points[[11, 12]] = (355.0, 150.0), (285.0, 150.0)
    points[[13, 14]] = (385.0, 205.0), (255.0, 205.0)
    points[[23, 24]] = (345.0, 250.0), (295.0, 250.0)
    for wrist, (x, y) in ((15, left), (16, right)):
        points[wrist] = (x, y)
        points[wrist + 2], points[wrist + 4] = (x - 5, y - 18), (x + 5, y - 18)
    return Body(points, np.ones(33), 1.0, Region(320.0, 250.0, 400.0, 0.0))


class ScriptedHands:
    """Sees given hands: the one nearest to the middle of the region looked at, if inside."""

    def __init__(self, *hands: Hand) -> None:
        self.hands = hands
        self.centred = 0
        self.looks = 0

    def centre(self, image: np.ndarray, rough: Region) -> Region:
        self.centred += 1
        return rough

    def look(self, image: np.ndarray, region: Region) -> Hand:
        self.looks += 1
        middle = np.array([region.x, region.y])
        gaps = [float(np.hypot(*(h.points.mean(axis=0) - middle))) for h in self.hands]
        if gaps and min(gaps) < 0.5 * region.size:
            return self.hands[int(np.argmin(gaps))]
        return Hand(hand_shape(region.x, region.y), 0.01, 0.5)


class ScriptedPalms:
    """Sees the palms of given hands, and of nothing, where it is asked to look."""

    def __init__(self, *hands: Hand) -> None:
        self.hands = hands
        self.asked: list[list[Region]] = []

    def detect(self, image: np.ndarray, regions: Sequence[Region]) -> list[Palm]:
        self.asked.append(list(regions))
        found = []
        for seen in self.hands:
            points = seen.points[PALM_POINTS]
            gaps = [np.abs(points.mean(axis=0) - (r.x, r.y)).max() / r.size for r in regions]
            if min(gaps) < 0.5:
                low, high = points.min(axis=0), points.max(axis=0)
                found.append(Palm(np.concatenate((low, high)), points, 0.9))
        return found
