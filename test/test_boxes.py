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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", range(4))
def test_boxes_that_are_no_finite_numbers_overlap_nothing(bad: float, part: int) -> None:
    odd = NEAR.copy()
    odd[part] = bad
    table = box_overlap(np.stack([SQUARE, odd])[:, None], np.stack([SQUARE, odd])[None])
    assert table.tolist() == [[1.0, 0.0], [0.0, 0.0]]
