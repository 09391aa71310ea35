"""Networks that work as hard as ever and answer with the truth.

With random weights a network takes as long as a trained one and finds nobody. These run it, throw
its answer away and give the exact keypoints of drawn people instead, so that what surrounds the
networks (following people, cropping, decoding) has the work it has with trained ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bharnet_ros.boxes import box_overlap
from bharnet_ros.pose.topdown import Crop, KeypointModel, PersonDetector
from bharnet_ros.types import FloatArray, Image, Skeleton

SCORE = 0.9


@dataclass
class Truth:
    """Who is in the image at hand."""

    people: Sequence[Skeleton] = ()


class TrueDetector:
    """`PersonDetector`: runs another one, and finds the people of `truth`. runs: how often."""

    def __init__(self, inner: PersonDetector, truth: Truth) -> None:
        self._inner, self._truth = inner, truth
        self.runs = 0

    @property
    def identity(self) -> str:
        return self._inner.identity

    def detect(self, images: Sequence[Image]) -> list[tuple[FloatArray, FloatArray]]:
        """The boxes of the truth, the same for every image."""
        self.runs += len(images)
        self._inner.detect(images)
        boxes = true_boxes(self._truth.people)
        return [(boxes, np.full(len(boxes), SCORE, np.float32)) for _ in images]

    def close(self) -> None:
        self._inner.close()


class TrueKeypoints:
    """`KeypointModel`: runs another one, and sees whoever of `truth` fits a crop's box best."""

    def __init__(self, inner: KeypointModel, truth: Truth) -> None:
        self._inner, self._truth = inner, truth

    @property
    def identity(self) -> str:
        return self._inner.identity

    @property
    def num_keypoints(self) -> int:
        return self._inner.num_keypoints

    def estimate(self, crops: Sequence[Crop]) -> tuple[FloatArray, FloatArray]:
        """Keypoints of the best fit; score 0 where nobody is in the box."""
        points, scores = (np.zeros_like(found) for found in self._inner.estimate(crops))
        people = self._truth.people
        for row, (_, box) in enumerate(crops):
            own = np.concatenate([box[:2], box[2:] - box[:2]])
            fits = [float(box_overlap(person.bbox, own)) for person in people]
            if max(fits, default=0.0) > 0.0:
                person = people[int(np.argmax(fits))]
                points[row] = person.keypoints
                scores[row] = np.where(person.scores > 0.0, np.float32(SCORE), 0.0)
        return points, scores

    def close(self) -> None:
        self._inner.close()


def true_boxes(people: Sequence[Skeleton]) -> FloatArray:
    """(M, 4) x0, y0, x1, y1 px."""
    boxes = np.array([person.bbox for person in people], np.float32).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
