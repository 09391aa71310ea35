from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.boxes import box_overlap

SQUARE = np.array([0.0, 0.0, 10.0, 10.0])
NEAR = np.array([5.0, 0.0, 10.0, 10.0])
FAR = np.array([20.0, 0.0, 10.0, 10.0])


def test_overlap_is_shared_area_over_joint_area() -> None:
    assert box_overlap(SQUARE, SQUARE) == 1.0
    assert box_overlap(SQUARE, NEAR) == pytest.approx(1 / 3)
    assert box_overlap(SQUARE, FAR) == 0.0


def test_empty_boxes_overlap_nothing_not_even_themselves() -> None:
    assert box_overlap(SQUARE * 0.0, SQUARE * 0.0) == 0.0


def test_many_boxes_at_once() -> None:
    both = np.stack([SQUARE, NEAR])
    table = box_overlap(both[:, None], both[None])
    assert np.allclose(table, [[1.0, 1 / 3], [1 / 3, 1.0]])
