"""One person's body: MediaPipe's pose landmark network on a rotated square.

The network gives 39 points: the 33 landmarks of the pose, two auxiliary ones that say where the
person will be looked for in the next image (34: centre, 35: a point on the body's circle;
indices 33 and 34 counted from 0), and four unused. Each has x, y, z in pixels of the 256 px
input, and logits of visibility and presence. A heat map (64 x 64 x 39) sharpens x and y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.cutting import Cut, crop
from bharnet_ros.pose.mediapipe.detector import BODY_REGION_SCALE
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

SIDE = 256
NUM_LANDMARKS = 33
NUM_POINTS = 35
"""The 33 landmarks and the two auxiliary points."""
MAP_SIDE = 64
REACH = np.arange(-3, 4)
"""Cells around a point that are looked at in the heat map."""
REFINE_MIN_CONFIDENCE = 0.5


CORE = np.array((0, 11, 12, 13, 14, 15, 16, 23, 24))
"""Nose, shoulders, elbows, wrists, hips: the landmarks that two looks at one person share."""

LIMB_POINTS = np.array((11, 12, 13, 14, 15, 16, 19, 20, 23, 24))
"""Shoulders, elbows, wrists, index knuckles, hips."""


@dataclass(frozen=True, eq=False)
class Core:
    """points: (9, 2), scores: (9,), those of CORE. box: around them, x0, y0, x1, y1."""

    points: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    box: Box


@dataclass(frozen=True, eq=False)
class Body:
    """What the network says about one region.

    points: (33, 2) pixels of the source image, MediaPipe's pose order.
    scores: (33,) visibility times presence, 0..1; points outside of the image have 0, because
        nothing of them was seen.
    presence: 0..1, the network's belief that the region shows a person.
    next_region: where to look in the next image.
    """

    points: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    presence: float
    next_region: Region

    @cached_property
    def spots(self) -> list[list[float]]:
        """The points as plain numbers: for one or two of them NumPy is slow."""
        spots: list[list[float]] = self.points.tolist()
        return spots

    @cached_property
    def torso_length(self) -> float:
        """Middle of the shoulders to middle of the hips, or the shoulders' width if that is more.

        Pixels, at least 1.
        """
        left, right = self.spots[11], self.spots[12]
        height = distance(_middle(left, right), _middle(self.spots[23], self.spots[24]))
        return max(height, distance(left, right), 1.0)

    @cached_property
    def core(self) -> Core:
        """What tells this body from others."""
        points = self.points[CORE]
        return Core(points, self.scores[CORE], box_around(points))

    @cached_property
    def limbs_box(self) -> Box:
        """Around torso, arms and index knuckles."""
        return box_around(self.points[LIMB_POINTS])


class BodyNetwork:
    """Runs the pose landmark network on regions of an image."""

    def __init__(self, network: Network, refine: bool = True, cut: Cut = crop) -> None:
        self._network = network
        self._cut = cut
        self._refine = refine

    def look(self, image: Image, region: Region) -> Body:
        """image: (H, W, 3) uint8 BGR; region: around one person."""
        raw, presence, heatmap = self._network.run(self._cut(image, region, SIDE))
        values = raw.reshape(-1, 5)[:NUM_POINTS].astype(np.float64)
        local = values[:, :2] / SIDE
        if self._refine:
            local = refine(local, heatmap[0])
        points = region.project(local)
        seen = sigmoid(values[:NUM_LANDMARKS, 3:])
        landmarks, (centre, circle) = points[:NUM_LANDMARKS], points[NUM_LANDMARKS:].tolist()
        scores = seen[:, 0] * seen[:, 1]
        scores[~inside(landmarks, image.shape[0], image.shape[1])] = 0.0
        return Body(landmarks, scores, float(presence[0, 0]), body_region(centre, circle))


def body_region(centre: Point, circle: Point, scale: float = BODY_REGION_SCALE) -> Region:
    """The square around a body given its centre and a point on its circle, (2,) pixels each."""
    size = 2.0 * distance(circle, centre) * scale
    return Region(float(centre[0]), float(centre[1]), size, upright_angle(centre, circle))


def inside(points: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.bool_]:
    """(..., 2) pixels -> (...,) whether they lie within the image."""
    x, y = points[..., 0], points[..., 1]
    return np.asarray((x >= 0.0) & (y >= 0.0) & (x < width) & (y < height))


def sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Logits to 0..1, safe for any finite value."""
    kept = np.minimum(np.maximum(logits, -50.0), 50.0)  # as np.clip, which is slow
    return np.asarray(1.0 / (1.0 + np.exp(-kept)))


def refine(
    points: npt.NDArray[np.float64], heatmap: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Move each point to the centre of mass of its heat map in the 7 x 7 cells around it.

    points: (P, 2), crop coordinates 0..1. heatmap: (64, 64, P or more) logits. A point stays where
    it is when it lies outside of the crop or no cell near it is sure (below 0.5).
    """
    cells = np.floor(points * MAP_SIDE)
    valid = np.logical_and.reduce((cells >= 0.0) & (cells < MAP_SIDE), axis=1)  # NaN: not valid
    start: npt.NDArray[np.intp] = np.where(valid[:, None], cells, 0.0).astype(np.intp)
    near = start[:, :, None] + REACH
    known = np.minimum(np.maximum(near, 0), MAP_SIDE - 1)
    columns, rows = known[:, 0], known[:, 1]
    depth = heatmap.shape[2]
    places = (rows * (MAP_SIDE * depth))[:, :, None] + (columns * depth)[:, None, :]
    places += np.arange(len(points))[:, None, None]
    weights = sigmoid(heatmap.reshape(-1).take(places).astype(np.float64))
    in_map = near == known
    if not in_map.all():
        weights = np.where(in_map[:, 1, :, None] & in_map[:, 0, None, :], weights, 0.0)
    total = weights.sum(axis=(1, 2))
    sure = valid & (weights.max(axis=(1, 2)) >= REFINE_MIN_CONFIDENCE)
    safe_total = np.where(total > 0.0, total, 1.0)
    x = (weights * near[:, 0, None, :]).sum(axis=(1, 2)) / safe_total
    y = (weights * near[:, 1, :, None]).sum(axis=(1, 2)) / safe_total
    refined = np.stack((x, y), axis=1) / MAP_SIDE
    return np.where(sure[:, None], refined, points)


def _middle(a: Point, b: Point) -> tuple[float, float]:
    return (a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0
