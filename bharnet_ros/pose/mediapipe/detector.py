"""Finding people: MediaPipe's pose detection network on squares of the image.

The network sees 224 x 224 pixels. Per anchor it gives a box around the head and four points:
hip centre, a point on the circle around the whole body, shoulder centre, a point on the circle
around the upper body. Format as published by the MediaPipe project
(mediapipe/modules/pose_detection/pose_detection_cpu.pbtxt). One look at a whole wide image
misses people who are small or stand close together, hence overlapping squares and a merge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.cutting import Cut, crop
from bharnet_ros.pose.mediapipe.networks import Network
from bharnet_ros.pose.mediapipe.regions import Region, upright_angle
from bharnet_ros.types import Image

SIDE = 224
STRIDES = ((8, 2), (16, 2), (32, 6))
"""(stride in pixels, anchors per cell) of the network's feature maps."""
NUM_ANCHORS = 2254
MAX_PER_ROW = 12
"""Squares side by side at most: an image that is a mere strip is not searched without end."""
BODY_REGION_SCALE = 1.25
"""The body network wants this much room around the circle through head and feet."""


@dataclass(frozen=True, eq=False)
class Detection:
    """One person candidate. points: (4, 2) pixels of the source image, order as above."""

    points: npt.NDArray[np.float64]
    score: float

    def region(self) -> Region:
        """What the body network should look at."""
        hips, circle = self.points[0], self.points[1]
        radius = float(np.hypot(*(circle - hips)))
        size = 2.0 * radius * BODY_REGION_SCALE
        return Region(float(hips[0]), float(hips[1]), size, upright_angle(hips, circle))


def anchor_centres() -> npt.NDArray[np.float64]:
    """(2254, 2) x and y of the anchors, 0..1, in the order of the network's outputs."""
    layers = []
    for stride, per_cell in STRIDES:
        cells = SIDE // stride
        axis = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(axis, axis)
        layers.append(np.repeat(np.stack((x.ravel(), y.ravel()), axis=1), per_cell, axis=0))
    return np.concatenate(layers)


def decode(
    raw: npt.NDArray[np.float32],
    logits: npt.NDArray[np.float32],
    anchors: npt.NDArray[np.float64],
    min_score: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Raw outputs (A, 12), (A,) -> points (M, 4, 2) in crop coordinates 0..1, scores (M,).

    The raw values are offsets from the anchor in pixels of the network's input.
    """
    logit = math.log(min_score / (1.0 - min_score))
    keep = np.flatnonzero(logits >= logit)
    points = raw[keep, 4:12].reshape(-1, 4, 2).astype(np.float64) / SIDE
    points += anchors[keep, None, :]
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[keep].astype(np.float64), -50.0, 50.0)))
    return points, scores


def merge(detections: Sequence[Detection], max_distance: float = 0.25) -> list[Detection]:
    """Weighted non-maximum suppression on the four points.

    Two candidates are the same person when hips and shoulders lie, on average, within
    `max_distance` body radii and their sizes differ by less than half; each group becomes its
    score-weighted mean with its best score. Best first; independent of the order given.
    """
    left = sorted(detections, key=lambda d: (-d.score, *d.points.ravel().tolist()))
    merged: list[Detection] = []
    while left:
        best = left[0]
        group = [d for d in left if d is best or same_person(best, d, max_distance)]
        left = [d for d in left if not any(d is member for member in group)]
        weights = np.array([d.score for d in group])
        points = np.average(np.stack([d.points for d in group]), axis=0, weights=weights)
        merged.append(Detection(points, best.score))
    return merged


def same_person(a: Detection, b: Detection, max_distance: float) -> bool:
    """Whether two candidates agree in place and size; see `merge`."""
    radius_a = float(np.hypot(*(a.points[1] - a.points[0])))
    radius_b = float(np.hypot(*(b.points[1] - b.points[0])))
    small, large = sorted((radius_a, radius_b))
    if large > 2.0 * small:
        return False
    gaps = np.hypot(*(a.points[[0, 2]] - b.points[[0, 2]]).T)
    return float(gaps.mean()) < max_distance * small


def squares(height: int, width: int) -> list[Region]:
    """Where to look: the whole image first, then overlapping squares, large to small.

    Sides: the long side (letterboxed), the short side, 0.6 of the short side. Squares overlap
    by at least a third, so that nobody of fitting size is cut by all of them.
    """
    short, long = min(height, width), max(height, width)
    found = [Region(0.5 * width, 0.5 * height, float(long), 0.0)]
    for side in (float(short), 0.6 * short):
        for y in _centres(height, side):
            found.extend(Region(x, y, side, 0.0) for x in _centres(width, side))
    return list(dict.fromkeys(found))


def _centres(length: int, side: float) -> list[float]:
    """Centres of equally spaced squares over `length`, overlapping by a third or more."""
    if length - side < 1.0:
        return [0.5 * length]
    count = min(1 + math.ceil((length - side) / (side * 2.0 / 3.0)), MAX_PER_ROW)
    return [float(c) for c in np.linspace(0.5 * side, length - 0.5 * side, count)]


class PersonDetector:
    """Runs the detection network on chosen squares of an image."""

    def __init__(self, network: Network, min_score: float = 0.5, cut: Cut = crop) -> None:
        self._network = network
        self._cut = cut
        self._anchors = anchor_centres()
        self._min_score = min_score

    def detect(self, image: Image, regions: Sequence[Region]) -> list[Detection]:
        """Merged candidates of all `regions`, best first. image: (H, W, 3) uint8 BGR."""
        found: list[Detection] = []
        for region in regions:
            raw, logits = self._network.run(self._cut(image, region, SIDE))
            points, scores = decode(raw[0], logits[0, :, 0], self._anchors, self._min_score)
            inside = [Detection(p, float(s)) for p, s in zip(points, scores, strict=True)]
            found.extend(Detection(region.project(d.points), d.score) for d in merge(inside))
        return merge(found)
