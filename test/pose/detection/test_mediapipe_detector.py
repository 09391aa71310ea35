from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bharnet_ros.boxes import box_overlap
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.detection import open_detector
from bharnet_ros.pose.detection.mediapipe import body_box, without_parts
from bharnet_ros.pose.mediapipe.detector import Detection
from bharnet_ros.pose.mediapipe.networks import runtime_available


def found(hips: tuple[float, float], head: tuple[float, float]) -> Detection:
    return Detection(np.array([hips, head, hips, head], np.float64), 0.9)


@pytest.mark.parametrize(
    ("head", "box"),
    [
        ((50.0, 10.0), (30.0, 10.0, 70.0, 90.0)),
        ((90.0, 50.0), (10.0, 30.0, 90.0, 70.0)),
        ((50.0, 90.0), (30.0, 10.0, 70.0, 90.0)),
    ],
)
def test_a_box_lies_as_the_body_does(head: tuple[float, float], box: tuple[float, ...]) -> None:
    assert body_box(found((50.0, 50.0), head)) == pytest.approx(box)


def test_a_leaning_body_is_inside_its_box() -> None:
    x0, y0, x1, y1 = body_box(found((50.0, 50.0), (80.0, 20.0)))
    assert (x0, y0) <= (20.0, 20.0)
    assert (x1, y1) >= (80.0, 80.0)


def test_the_upper_half_of_somebody_is_nobody_else() -> None:
    whole = Detection(np.array([[50, 60], [50, 10], [50, 30], [50, 10]], np.float64), 0.7)
    upper = Detection(np.array([[50, 40], [50, 12], [51, 31], [50, 12]], np.float64), 0.9)
    child = Detection(np.array([[52, 80], [52, 55], [52, 66], [52, 55]], np.float64), 0.8)
    beside = Detection(np.array([[90, 40], [90, 12], [91, 31], [90, 12]], np.float64), 0.6)
    assert without_parts([upper, child, whole, beside]) == [child, whole, beside]
    assert without_parts([]) == []
    blob = Detection(whole.points, 0.5)
    assert without_parts([upper, blob]) == [upper, blob], "two people taken for one"


def test_people_of_photographs(shared_data: Path) -> None:
    if not runtime_available():
        pytest.skip("ai_edge_litert is not installed")
    pytest.importorskip("google.protobuf", reason="mediapipe is not installed")
    detector = open_detector("mediapipe", num_threads=1)
    picture = cv2.imread(str(shared_data / "coco_wholebody" / "000000000785.jpg"))
    small = cv2.resize(picture, None, fx=0.5, fy=0.5)
    empty = np.full((200, 300, 3), 90, np.uint8)
    (boxes, scores), (halved, _), (nobody, none) = detector.detect([picture, small, empty])
    skier = np.array([280.8, 44.7, 218.7, 346.7])  # x, y, width, height, as annotated
    sized = np.concatenate((boxes[0, :2], boxes[0, 2:] - boxes[0, :2]))
    assert box_overlap(skier, sized) > 0.6
    assert scores[0] > 0.8
    np.testing.assert_allclose(halved[0] * 2, boxes[0], atol=30)
    assert (nobody.shape, none.shape) == ((0, 4), (0,))
    assert detector.identity.startswith("pose_detection.tflite")
    detector.close()
    with pytest.raises(ConfigurationError, match="closed"):
        detector.detect([small])


def test_a_score_out_of_range() -> None:
    with pytest.raises(ConfigurationError, match=r"min_score is 1\.5"):
        open_detector("mediapipe", min_score=1.5)
