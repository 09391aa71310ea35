"""Real networks on real people: a detector in ONNX, MediaPipe's body network for the keypoints."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.following import BodyKeypoints, Meter, MeteredDetector
from bharnet_ros.pose import available_backends
from bharnet_ros.pose.detection import open_detector
from bharnet_ros.pose.topdown import PersonDetector, TopDownEstimator, TopDownOptions
from bharnet_ros.types import Image

FRAMES = 15

pytestmark = pytest.mark.skipif(
    not available_backends()["mediapipe"], reason="mediapipe is not installed"
)


@pytest.fixture(scope="module")
def detector(shared_data: Path) -> PersonDetector:
    return open_detector(shared_data / "pose_weights" / "yolox_nano.onnx", num_threads=1)


@pytest.fixture(scope="module")
def film(shared_data: Path) -> list[Image]:
    """A photograph of somebody on skis that slides by, 4 px an image."""
    photograph = cv2.imread(str(shared_data / "coco_wholebody" / "000000000785.jpg"))
    ways = [np.array([[1.0, 0.0, -4.0 * i], [0.0, 1.0, 0.0]]) for i in range(FRAMES)]
    size = (photograph.shape[1], photograph.shape[0])
    return [
        np.asarray(cv2.warpAffine(photograph, way, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        for way in ways
    ]


def estimator(
    detector: PersonDetector, detect_every_s: float
) -> tuple[TopDownEstimator, Meter, Meter]:
    found, looked = Meter(), Meter()
    made = TopDownEstimator(
        MeteredDetector(detector, found),
        BodyKeypoints(looked, num_threads=1),
        options=TopDownOptions(detect_every_s=detect_every_s),
    )
    return made, found, looked


def test_somebody_is_followed_through_a_film_with_one_run_of_the_detector(
    detector: PersonDetector, film: list[Image]
) -> None:
    followed, found, looked = estimator(detector, 5.0)
    always, _, _ = estimator(detector, 0.0)
    gaps = []
    for i, image in enumerate(film):
        (person,) = followed.estimate(image, i * 33_333_333).skeletons
        (reference,) = always.estimate(image, i * 33_333_333).skeletons
        upper = slice(0, 11)
        seen = (person.scores[upper] > 0.3) & (reference.scores[upper] > 0.3)
        shoulders = np.hypot(*(reference.keypoints[5] - reference.keypoints[6]))
        way = (person.keypoints[upper] - reference.keypoints[upper])[seen]
        gaps.append(np.hypot(*way.T).mean() / shoulders)
    assert (found.runs, looked.items) == (1, FRAMES)
    assert np.median(gaps) < 0.1, "the same places as with the detector in every image"


def test_an_empty_image_after_them_is_empty(detector: PersonDetector, film: list[Image]) -> None:
    followed, found, _ = estimator(detector, 5.0)
    followed.estimate(film[0], 0)
    grey = np.full_like(film[0], 127)
    counts = [len(followed.estimate(grey, (i + 1) * 33_333_333).skeletons) for i in range(10)]
    assert counts[-1] == 0 and counts.count(0) >= 5
    assert found.runs <= 6
