"""One person's body: MediaPipe's pose landmark network on a rotated square.

The network gives 39 points: the 33 landmarks of the pose, two auxiliary ones that say where the
person will be looked for in the next image (34: centre, 35: a point on the body's circle;
indices 33 and 34 counted from 0), and four unused. Each has x, y, z in pixels of the 256 px
input, and logits of visibility and presence. A heat map (64 x 64 x 39) sharpens x and y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.detector import BODY_REGION_SCALE
from bharnet_ros.pose.mediapipe.networks import Network
from bharnet_ros.pose.mediapipe.regions import Region, crop, upright_angle
from bharnet_ros.types import Image

SIDE = 256
NUM_LANDMARKS = 33
NUM_POINTS = 35
"""The 33 landmarks and the two auxiliary points."""
MAP_SIDE = 64
REFINE_RADIUS = 3
REFINE_MIN_CONFIDENCE = 0.5


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


class BodyNetwork:
    """Runs the pose landmark network on regions of an image."""

    def __init__(self, network: Network, refine: bool = True) -> None:
        self._network = network
        self._refine = refine

    def look(self, image: Image, region: Region) -> Body:
        """image: (H, W, 3) uint8 BGR; region: around one person."""
        raw, presence, heatmap = self._network.run(crop(image, region, SIDE))
        values = raw.reshape(-1, 5)[:NUM_POINTS].astype(np.float64)
        local = values[:, :2] / SIDE
        if self._refine:
            local = refine(local, heatmap[0, :, :, :NUM_POINTS])
        points = region.project(local)
        scores = sigmoid(values[:NUM_LANDMARKS, 3]) * sigmoid(values[:NUM_LANDMARKS, 4])
        landmarks = points[:NUM_LANDMARKS]
        scores[~inside(landmarks, image.shape[0], image.shape[1])] = 0.0
        return Body(landmarks, scores, float(presence[0, 0]), body_region(points[33], points[34]))


def body_region(
    centre: npt.NDArray[np.float64],
    circle: npt.NDArray[np.float64],
    scale: float = BODY_REGION_SCALE,
) -> Region:
    """The square around a body given its centre and a point on its circle, (2,) pixels each."""
    radius = float(np.hypot(*(circle - centre)))
    size = 2.0 * radius * scale
    return Region(float(centre[0]), float(centre[1]), size, upright_angle(centre, circle))


def inside(points: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.bool_]:
    """(..., 2) pixels -> (...,) whether they lie within the image."""
    x, y = points[..., 0], points[..., 1]
    return np.asarray((x >= 0.0) & (y >= 0.0) & (x < width) & (y < height))


def sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Logits to 0..1, safe for any finite value."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -50.0, 50.0))))


def refine(
    points: npt.NDArray[np.float64], heatmap: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Move each point to the centre of mass of its heat map in the 7 x 7 cells around it.

    points: (P, 2), crop coordinates 0..1. heatmap: (64, 64, P) logits. A point stays where it is
    when it lies outside of the crop or no cell near it is sure (below 0.5).
    """
    count = points.shape[0]
    cells = np.floor(points * MAP_SIDE)
    valid = np.asarray(np.all((cells >= 0.0) & (cells < MAP_SIDE), axis=1))  # NaN: not valid
    start: npt.NDArray[np.intp] = np.where(valid[:, None], cells, 0.0).astype(np.intp)
    reach = np.arange(-REFINE_RADIUS, REFINE_RADIUS + 1)
    columns = start[:, :1] + reach
    rows = start[:, 1:] + reach
    in_map = _in_map(rows)[:, :, None] & _in_map(columns)[:, None, :]
    rows_in = np.clip(rows, 0, MAP_SIDE - 1)[:, :, None]
    columns_in = np.clip(columns, 0, MAP_SIDE - 1)[:, None, :]
    logits = heatmap[rows_in, columns_in, np.arange(count)[:, None, None]].astype(np.float64)
    weights = np.where(in_map, sigmoid(logits), 0.0)
    total = weights.sum(axis=(1, 2))
    sure = valid & (weights.max(axis=(1, 2)) >= REFINE_MIN_CONFIDENCE)
    safe_total = np.where(total > 0.0, total, 1.0)
    x = (weights * columns[:, None, :]).sum(axis=(1, 2)) / safe_total
    y = (weights * rows[:, :, None]).sum(axis=(1, 2)) / safe_total
    refined = np.stack((x, y), axis=1) / MAP_SIDE
    return np.where(sure[:, None], refined, points)


def _in_map(cells: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Which row or column numbers exist in the heat map."""
    known: npt.NDArray[np.bool_] = np.logical_and(cells >= 0, cells < MAP_SIDE)
    return known
