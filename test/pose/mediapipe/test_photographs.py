"""Real hands in close-up: in how many photographs one is found. Nothing is tuned on them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.types import Image, SkeletonFrame

HANDS = (91, 112)
IMAGES = 5
STEP_NS = 66_666_667


@pytest.fixture(scope="module")
def estimator() -> Iterator[PoseEstimator]:
    made = create_pose_estimator("mediapipe", num_threads=2)
    yield made
    made.close()


def still(estimator: PoseEstimator, image: Image) -> SkeletonFrame:
    """What is seen after a third of a second of one picture."""
    estimator.reset()
    for i in range(IMAGES):
        frame = estimator.estimate(image, i * STEP_NS)
    return frame


def hands(frame: SkeletonFrame) -> int:
    return sum(
        bool((person.scores[first : first + 21] > 0.5).sum() >= 10)
        for person in frame.skeletons
        for first in HANDS
    )


@pytest.mark.timeout(600)
def test_a_hand_is_found_in_the_photographs(estimator: PoseEstimator, shared_data: Path) -> None:
    files = sorted((shared_data / "hand_gestures" / "hagrid_images").glob("*/*.jpg"))[::4]
    if not files:
        pytest.skip("hand_gestures/hagrid_images is not in the shared test data")
    missed: dict[str, int] = {}
    for path in files:
        image = cv2.imread(str(path))
        assert image is not None
        if hands(still(estimator, np.asarray(image, dtype=np.uint8))) == 0:
            missed[path.parent.name] = missed.get(path.parent.name, 0) + 1
    share = 1.0 - sum(missed.values()) / len(files)
    print(f"a hand in {100 * share:.1f} % of {len(files)} photographs; missed: {missed}")
    assert share >= 0.9


@pytest.mark.timeout(300)
def test_a_hand_is_found_in_padded_digits(estimator: PoseEstimator, shared_data: Path) -> None:
    path = shared_data / "hand_gestures" / "digits_1030.zip"
    if not path.is_file():
        pytest.skip("hand_gestures/digits_1030.zip is not in the shared test data")
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.upper().endswith(".JPG"))[::40]
        data = [archive.read(name) for name in names]
    found = 0
    for content in data:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        padded = cv2.copyMakeBorder(image, 50, 50, 50, 50, cv2.BORDER_REPLICATE)
        found += hands(still(estimator, np.asarray(padded, dtype=np.uint8))) > 0
    print(f"a hand in {found} of {len(data)} digits")
    assert found >= 0.95 * len(data)
