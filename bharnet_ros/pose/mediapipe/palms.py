"""Finding hands without a body: MediaPipe's palm detection network on squares of the image.

The network sees 192 x 192 pixels. Per anchor it gives a box around the palm and seven points:
wrist, the knuckles of index, middle, ring and little finger, and the thumb's first two joints.
Anchors, thresholds and the way from a palm to the hand's square are those that the MediaPipe
project publishes (mediapipe/modules/palm_detection/palm_detection_cpu.pbtxt).
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

SIDE = 192
STRIDES = ((8, 2), (16, 6))
"""(stride in pixels, anchors per cell) of the network's feature maps."""
NUM_ANCHORS = 2016
NUM_VALUES = 18
"""Centre and size of the box, then x and y of seven points."""
WRIST, MIDDLE_KNUCKLE = 0, 2
MIN_SCORE = 0.5
SAME_OVERLAP = 0.3
"""Boxes that share more than this part of their union are one palm."""
HAND_SCALE = 2.6
TOWARDS_FINGERS = -0.5
"""The hand's square is the palm's, shifted by this share of its size, then scaled."""


@dataclass(frozen=True, eq=False)
class Palm:
    """One palm candidate, in pixels of the source image.

    box: (4,) left, top, right, bottom. points: (7, 2), order as above. score: 0..1.
    """

    box: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    score: float

    def region(self) -> Region:
        """What the hand landmark network should look at: the whole hand, fingers up."""
        left, top, right, bottom = (float(v) for v in self.box)
        angle = upright_angle(self.points[WRIST], self.points[MIDDLE_KNUCKLE])
        size = max(right - left, bottom - top)
        palm = Region(0.5 * (left + right), 0.5 * (top + bottom), size, angle)
        return palm.moved(0.0, TOWARDS_FINGERS, HAND_SCALE)


def anchor_centres() -> npt.NDArray[np.float64]:
    """(2016, 2) x and y of the anchors, 0..1, in the order of the network's outputs."""
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
    """Raw outputs (A, 18), (A,) -> values (M, 18) in crop coordinates 0..1, scores (M,).

    The raw values are pixels of the network's input; box centres and points count from the
    anchor. The decoded values are left, top, right, bottom, then x and y of the seven points.
    """
    keep = np.flatnonzero(logits >= math.log(min_score / (1.0 - min_score)))
    values = raw[keep].astype(np.float64) / SIDE
    centres = values[:, :2] + anchors[keep]
    half = 0.5 * np.abs(values[:, 2:4])
    points = values[:, 4:].reshape(-1, 7, 2) + anchors[keep, None, :]
    decoded = np.concatenate((centres - half, centres + half, points.reshape(-1, 14)), axis=1)
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[keep].astype(np.float64), -50.0, 50.0)))
    finite = np.isfinite(decoded).all(axis=1)
    return decoded[finite], scores[finite]


def overlap(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (4,): left, top, right, bottom."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    total = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - shared
    return shared / total if total > 0.0 else 0.0


def merge(palms: Sequence[Palm]) -> list[Palm]:
    """Weighted non-maximum suppression: best first, independent of the order given.

    Each group of overlapping boxes becomes its score-weighted mean with its best score.
    """
    left = sorted(palms, key=lambda p: (-p.score, *p.box.tolist(), *p.points.ravel().tolist()))
    merged: list[Palm] = []
    while left:
        best = left[0]
        same = [p is best or overlap(p.box, best.box) > SAME_OVERLAP for p in left]
        group = [p for p, one in zip(left, same, strict=True) if one]
        left = [p for p, one in zip(left, same, strict=True) if not one]
        weights = np.array([p.score for p in group])
        box = np.average(np.stack([p.box for p in group]), axis=0, weights=weights)
        points = np.average(np.stack([p.points for p in group]), axis=0, weights=weights)
        merged.append(Palm(box, points, best.score))
    return merged


class PalmDetector:
    """Runs the palm detection network on chosen squares of an image."""

    def __init__(self, network: Network, min_score: float = MIN_SCORE, cut: Cut = crop) -> None:
        self._network = network
        self._cut = cut
        self._anchors = anchor_centres()
        self._min_score = min_score

    def detect(self, image: Image, regions: Sequence[Region]) -> list[Palm]:
        """Merged palms of all `regions`, best first. image: (H, W, 3) uint8 BGR.

        The regions must be upright (angle 0): the boxes are.
        """
        found: list[Palm] = []
        for region in regions:
            raw, logits = self._network.run(self._cut(image, region, SIDE))
            values, scores = decode(raw[0], logits[0, :, 0], self._anchors, self._min_score)
            for value, score in zip(values, scores, strict=True):
                points = region.project(value.reshape(9, 2))
                found.append(Palm(points[:2].ravel(), points[2:], float(score)))
        return merge(found)
