"""One hand: from the pose's wrist and knuckles to 21 points.

The way follows MediaPipe's holistic graph: a rough square from the pose, a small network
(hand_recrop) that centres it, then the hand landmark network. While a hand stays found, its
square comes from its own last points instead, carried along with the pose's wrist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.cutting import Cut, crop
from bharnet_ros.pose.mediapipe.networks import Network
from bharnet_ros.pose.mediapipe.regions import (
    Box,
    Point,
    Region,
    box_around,
    distance,
    upright_angle,
)
from bharnet_ros.types import Image

RECROP_SIDE = 256
SIDE = 224
NUM_POINTS = 21
WRIST, INDEX_MCP, MIDDLE_MCP, RING_MCP = 0, 5, 9, 13
PALM_AND_FIRST_JOINTS = np.array((0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18))
"""The points that span a hand's region: fingertips would make it jump with every gesture."""
FROM_POSE_SCALE = 2.7
FROM_POINTS_SCALE = 2.0
TOWARDS_FINGERS = -0.1
"""Regions are shifted by this share of their size so that fingertips fit in."""


@dataclass(frozen=True, eq=False)
class Hand:
    """What the network says about one region.

    points: (21, 2) pixels of the source image, MediaPipe's hand order, wrist first.
    presence: 0..1, the belief that the region shows a hand.
    right: 0..1, the belief that it is the person's right hand.
    """

    points: npt.NDArray[np.float64]
    presence: float
    right: float

    @cached_property
    def spots(self) -> list[list[float]]:
        """The points as plain numbers: for one or two of them NumPy is slow."""
        spots: list[list[float]] = self.points.tolist()
        return spots

    @cached_property
    def palm_length(self) -> float:
        """Wrist to the middle finger's knuckle, pixels."""
        return distance(self.spots[MIDDLE_MCP], self.spots[WRIST])

    @cached_property
    def box(self) -> Box:
        """Around all points."""
        return box_around(self.points)


def region_from_pose(wrist: Point, index: Point, pinky: Point) -> Region:
    """A rough square around a hand from three points of the pose, (2,) pixels each."""
    x, y = (2.0 * index[0] + pinky[0]) / 3.0, (2.0 * index[1] + pinky[1]) / 3.0
    size = 2.0 * distance((x, y), wrist)
    rough = Region(float(x), float(y), size, upright_angle(wrist, (x, y)))
    return rough.moved(0.0, TOWARDS_FINGERS, FROM_POSE_SCALE)


def region_from_points(points: npt.NDArray[np.float64]) -> Region:
    """The square for the next image from the 21 points found in this one, (21, 2)."""
    spots = points.tolist()
    index, middle, ring = spots[INDEX_MCP], spots[MIDDLE_MCP], spots[RING_MCP]
    x, y = (0.25 * (index[i] + ring[i]) + 0.5 * middle[i] for i in (0, 1))
    angle = upright_angle(spots[WRIST], (x, y))
    upright = Region(0.0, 0.0, 1.0, angle).to_image()[:, :2]
    x0, y0, x1, y1 = box_around(points[PALM_AND_FIRST_JOINTS] @ upright)
    x, y = (upright @ (0.5 * (x0 + x1), 0.5 * (y0 + y1))).tolist()
    tight = Region(x, y, max(x1 - x0, y1 - y0), angle)
    return tight.moved(0.0, TOWARDS_FINGERS, FROM_POINTS_SCALE)


class HandNetworks:
    """The recrop network and the hand landmark network."""

    def __init__(self, recrop: Network, landmarks: Network, cut: Cut = crop) -> None:
        self._recrop = recrop
        self._landmarks = landmarks
        self._cut = cut

    def centre(self, image: Image, rough: Region) -> Region:
        """A better square than the one from the pose."""
        (raw,) = self._recrop.run(self._cut(image, rough, RECROP_SIDE))
        points = rough.project(raw.reshape(2, 2).astype(np.float64) / RECROP_SIDE)
        middle, edge = points.tolist()
        size = 2.0 * distance(edge, middle)
        better = Region(middle[0], middle[1], size, upright_angle(edge, middle))
        return better.moved(0.0, TOWARDS_FINGERS)

    def look(self, image: Image, region: Region) -> Hand:
        """The 21 points in `region`. image: (H, W, 3) uint8 BGR."""
        raw, presence, right = self._landmarks.run(self._cut(image, region, SIDE))
        local = raw.reshape(NUM_POINTS, 3)[:, :2].astype(np.float64) / SIDE
        return Hand(region.project(local), float(presence[0, 0]), float(right[0, 0]))
