"""People found by the network inside the mediapipe wheel: nothing to download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.detection.suppression import best_boxes, share
from bharnet_ros.pose.mediapipe.detector import NUM_ANCHORS, SIDE, Detection, squares
from bharnet_ros.pose.mediapipe.detector import PersonDetector as SquaresDetector
from bharnet_ros.pose.mediapipe.models import DETECTION_FILE
from bharnet_ros.pose.mediapipe.networks import Network, find_model, model_folder
from bharnet_ros.types import FloatArray, Image

MIN_SCORE = 0.5
MAX_OVERLAP = 0.5
"""Intersection over union of two boxes that may still be two people; squares of different sizes
see the same body differently."""
INSIDE = 0.9
SAME_SHOULDERS = 0.25
"""Share of a box inside another, and distance of the shoulders in radii of the larger circle
(as `pose.mediapipe.detector.merge` has it), from which a small body is part of a larger one."""
MUCH_SURER = 0.25
HALF_WIDTH = 0.5
"""Of a person's box, in radii of the circle around the body: arms hanging or slightly spread."""


class MediaPipePersonDetector:
    """`PersonDetector` on MediaPipe's pose detection network, on overlapping squares of the image.

    min_score: 0..1, None = 0.5. model_dir: a folder with the .tflite file instead of the
    installed package. The network gives the circle around a body, not a box: boxes are rough.
    Raises ConfigurationError or BackendUnavailable.
    """

    def __init__(
        self,
        *,
        min_score: float | None = None,
        num_threads: int = 2,
        model_dir: str | Path | None = None,
    ) -> None:
        score = MIN_SCORE if min_score is None else share("min_score", min_score)
        score = min(max(score, 0.01), 0.99)  # the network's own are never 0 or 1
        if not isinstance(num_threads, int) or not 1 <= num_threads <= 64:
            raise ConfigurationError(
                f"num_threads is {num_threads!r}; it must be a whole number from 1 to 64."
            )
        network = Network(
            find_model(model_folder(model_dir), DETECTION_FILE),
            SIDE,
            [(1, NUM_ANCHORS, 12), (1, NUM_ANCHORS, 1)],
            value_range=(-1.0, 1.0),
            num_threads=num_threads,
        )
        self._detector: SquaresDetector | None = SquaresDetector(network, score)
        self.identity = f"{DETECTION_FILE}, ai_edge_litert, {num_threads} threads"

    def detect(self, images: Sequence[Image]) -> list[tuple[FloatArray, FloatArray]]:
        """Everybody in every image; see `OnnxPersonDetector.detect`."""
        if self._detector is None:
            raise ConfigurationError("The person detector is closed; create another one.")
        results = []
        for image in images:
            height, width = image.shape[:2]
            found = without_parts(self._detector.detect(image, squares(height, width)))
            boxes = np.array([body_box(each) for each in found], np.float32).reshape(-1, 4)
            boxes = np.clip(boxes, 0.0, np.array([width, height] * 2, np.float32))
            scores = np.array([each.score for each in found], np.float32)
            results.append(best_boxes(boxes, scores, 0.0, MAX_OVERLAP))
        return results

    def close(self) -> None:
        """Free the network."""
        self._detector = None


def without_parts(found: Sequence[Detection]) -> list[Detection]:
    """The detections without those of a part of somebody who was found whole.

    A small square shows the upper half of a near person, which the network takes for a small
    whole one: a circle nearly inside the other's, with the shoulders in the same place. It may
    also be the other way round, two people taken for one large one; then the network is much
    surer of the small one, and both stay.
    """
    kept: list[Detection] = []
    for each in sorted(found, key=_radius, reverse=True):
        if not any(_is_part(each, whole) for whole in kept):
            kept.append(each)
    return [each for each in found if any(each is one for one in kept)]


def _radius(found: Detection) -> float:
    return float(np.hypot(*(found.points[1] - found.points[0])))


def _is_part(small: Detection, whole: Detection) -> bool:
    inner, outer = np.array(body_box(small)), np.array(body_box(whole))
    shared = np.minimum(inner[2:], outer[2:]) - np.maximum(inner[:2], outer[:2])
    area = float(np.prod(inner[2:] - inner[:2]))
    inside = float(np.prod(np.maximum(shared, 0.0))) >= INSIDE * area
    gap = float(np.hypot(*(small.points[2] - whole.points[2])))
    as_sure = small.score - whole.score < MUCH_SURER
    return inside and as_sure and gap < SAME_SHOULDERS * _radius(whole)


def body_box(found: Detection) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 around a body whose circle has its centre at the hips.

    The body is taken for twice as long as wide, along the line from the hips to the circle's
    point above the head, so a leaning or lying body gets a box of its own shape.
    """
    hips, circle = found.points[0], found.points[1]
    along = circle - hips
    across = np.array([-along[1], along[0]]) * HALF_WIDTH
    reach = np.maximum(np.abs(along + across), np.abs(along - across))
    x, y = (float(v) for v in hips)
    dx, dy = (float(v) for v in reach)
    return x - dx, y - dy, x + dx, y + dy
