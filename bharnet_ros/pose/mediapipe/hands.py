"""One hand: from the pose's wrist and knuckles to 21 points.

The way follows MediaPipe's holistic graph: a rough square from the pose, a small network
(hand_recrop) that centres it, then the hand landmark network. While a hand stays found, its
square comes from its own last points instead, carried along with the pose's wrist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.networks import Network
from bharnet_ros.pose.mediapipe.regions import Region, crop, upright_angle
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

    def palm_length(self) -> float:
        """Wrist to the middle finger's knuckle, pixels."""
        return float(np.hypot(*(self.points[MIDDLE_MCP] - self.points[WRIST])))


def region_from_pose(
    wrist: npt.NDArray[np.float64],
    index: npt.NDArray[np.float64],
    pinky: npt.NDArray[np.float64],
) -> Region:
    """A rough square around a hand from three points of the pose, (2,) pixels each."""
    middle = (2.0 * index + pinky) / 3.0
    length = float(np.hypot(*(middle - wrist)))
    size = 2.0 * length
    rough = Region(float(middle[0]), float(middle[1]), size, upright_angle(wrist, middle))
    return rough.moved(0.0, TOWARDS_FINGERS, FROM_POSE_SCALE)


def region_from_points(points: npt.NDArray[np.float64]) -> Region:
    """The square for the next image from the 21 points found in this one."""
    knuckles = 0.25 * (points[INDEX_MCP] + points[RING_MCP]) + 0.5 * points[MIDDLE_MCP]
    angle = upright_angle(points[WRIST], knuckles)
    upright = Region(0.0, 0.0, 1.0, angle).to_image()[:, :2]
    turned = points[PALM_AND_FIRST_JOINTS] @ upright
    low, high = turned.min(axis=0), turned.max(axis=0)
    centre = upright @ (0.5 * (low + high))
    size = float((high - low).max())
    tight = Region(float(centre[0]), float(centre[1]), size, angle)
    return tight.moved(0.0, TOWARDS_FINGERS, FROM_POINTS_SCALE)


class HandNetworks:
    """The recrop network and the hand landmark network."""

    def __init__(self, recrop: Network, landmarks: Network) -> None:
        self._recrop = recrop
        self._landmarks = landmarks

    def centre(self, image: Image, rough: Region) -> Region:
        """A better square than the one from the pose."""
        (raw,) = self._recrop.run(crop(image, rough, RECROP_SIDE))
        points = rough.project(raw.reshape(2, 2).astype(np.float64) / RECROP_SIDE)
        middle, edge = points
        size = 2.0 * float(np.hypot(*(edge - middle)))
        better = Region(float(middle[0]), float(middle[1]), size, upright_angle(edge, middle))
        return better.moved(0.0, TOWARDS_FINGERS)

    def look(self, image: Image, region: Region) -> Hand:
        """The 21 points in `region`. image: (H, W, 3) uint8 BGR."""
        raw, presence, right = self._landmarks.run(crop(image, region, SIDE))
        local = raw.reshape(NUM_POINTS, 3)[:, :2].astype(np.float64) / SIDE
        return Hand(region.project(local), float(presence[0, 0]), float(right[0, 0]))
