from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.pose.rtmpose.simcc import decode


def test_a_peak_is_found_and_is_as_sure_as_the_less_sure_axis() -> None:
    x, y = np.zeros((1, 2, 40), np.float32), np.zeros((1, 2, 60), np.float32)
    x[0, 0, 11], y[0, 0, 50] = 0.9, 0.6
    x[0, 1, 0], y[0, 1, 59] = 0.2, 0.7
    points, scores = decode(x, y, 2.0)
    assert points.tolist() == [[[5.5, 25.0], [0.0, 29.5]]]
    np.testing.assert_allclose(scores, [[0.6, 0.2]])
    assert points.dtype == scores.dtype == np.float32


def test_nothing_above_zero_is_no_keypoint() -> None:
    x, y = np.full((1, 2, 8), -1.0, np.float32), np.ones((1, 2, 8), np.float32)
    x[0, 1] = 0.0
    points, scores = decode(x, y, 2.0)
    assert (points == -0.5).all()
    assert scores.tolist() == [[-1.0, 0.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_network_gone_wrong_scores_nothing(bad: float) -> None:
    x, y = np.ones((1, 3, 8), np.float32), np.ones((1, 3, 8), np.float32)
    x[0, 1, 3] = bad
    y[0, 2] = bad
    _, scores = decode(x, y, 2.0)
    assert scores[0, 0] == 1.0
    assert scores[0, 1] == (1.0 if bad == -np.inf else 0.0)
    assert scores[0, 2] == 0.0


@given(
    hnp.arrays(np.float32, (2, 3, 16), elements=st.floats(-5, 5, width=32)),
    hnp.arrays(np.float32, (2, 3, 24), elements=st.floats(-5, 5, width=32)),
)
def test_every_keypoint_lies_on_the_first_maximum(x: np.ndarray, y: np.ndarray) -> None:
    points, scores = decode(x, y, 2.0)
    for n in range(2):
        for k in range(3):
            score = min(x[n, k].max(), y[n, k].max())
            assert scores[n, k] == score
            if score > 0.0:
                i, j = (points[n, k] * 2.0).astype(int)
                assert (x[n, k, i], y[n, k, j]) == (x[n, k].max(), y[n, k].max())
                assert (x[n, k, :i] < x[n, k, i]).all()
                assert (y[n, k, :j] < y[n, k, j]).all()
