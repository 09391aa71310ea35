from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bharnet_ros.pose.topdown.boxes import clean_boxes, keypoint_box, overlaps, shifted, union

ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
PLACES = st.floats(-2000.0, 2000.0, width=32)
SIZE = (480, 640)


@given(hnp.arrays(np.float32, (5, 4), elements=ANY), hnp.arrays(np.float32, 5, elements=ANY))
def test_whatever_a_detector_says_usable_boxes_lie_in_the_image(
    boxes: np.ndarray, scores: np.ndarray
) -> None:
    kept, surety = clean_boxes(boxes, scores, SIZE, 16.0)
    assert kept.shape == (len(surety), 4) and kept.dtype == surety.dtype == np.float32
    assert (kept >= 0.0).all() and (kept <= (640, 480, 640, 480)).all()
    assert ((kept[:, 2:] - kept[:, :2]).max(axis=1, initial=16.0) >= 16.0).all()
    assert ((surety >= 0.0) & (surety <= 1.0)).all()


def test_good_boxes_stay_as_they_are() -> None:
    boxes = np.array([[10.0, 20.0, 110.0, 220.0], [300.0, 0.0, 640.0, 480.0]], np.float32)
    kept, surety = clean_boxes(boxes, np.array([0.5, 0.9], np.float32), SIZE, 16.0)
    assert np.array_equal(kept, boxes) and np.allclose(surety, [0.5, 0.9])
    none, _ = clean_boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), SIZE, 16.0)
    assert none.shape == (0, 4)


@given(hnp.arrays(np.float32, (133, 2), elements=PLACES), st.integers(0, 133))
def test_a_keypoint_box_holds_what_is_visible_and_in_the_image(
    points: np.ndarray, count: int
) -> None:
    scores = np.zeros(133, np.float32)
    scores[:count] = 0.8
    box = keypoint_box(points, scores, SIZE)
    assert (box is None) == (count < 3)
    if box is not None:
        assert (box >= 0.0).all() and (box <= (640, 480, 640, 480)).all()
        inside = ((points >= 0.0) & (points <= (640, 480))).all(axis=1) & (scores > 0.0)
        assert (points[inside] >= box[:2] - 1e-3).all()
        assert (points[inside] <= box[2:] + 1e-3).all()


def test_overlap_union_and_shift() -> None:
    a = np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    b = np.array([[0.0, 5.0, 10.0, 15.0]])
    assert overlaps(a, b) == pytest.approx(np.array([[1 / 3], [0.0]]))
    assert overlaps(np.zeros((0, 4)), b).shape == (0, 1)
    assert union(a[0], b[0]).tolist() == [0.0, 0.0, 10.0, 15.0]
    assert shifted(a[0], np.array([2.0, -1.0])).tolist() == [2.0, -1.0, 12.0, 9.0]
