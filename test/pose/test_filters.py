from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.pose.filters import OneEuroFilter

STEP_NS = 33_333_333
TORSO = 100.0


def run(points: np.ndarray, **options: float) -> np.ndarray:
    """(N, 2) positions of one keypoint at 30 Hz -> (N, 2) smoothed."""
    smooth = OneEuroFilter(**options)
    ones = np.ones(1)
    return np.array([smooth(p[None], ones, i * STEP_NS, TORSO)[0] for i, p in enumerate(points)])


def test_jitter_of_a_resting_keypoint_shrinks() -> None:
    noise = np.random.default_rng(0).normal(0.0, 1.0, (300, 2))
    smooth = run(noise + 50.0)
    assert np.diff(smooth[30:], axis=0).std() < 0.6 * np.diff(noise[30:], axis=0).std()


def test_lag_behind_a_fast_wrist_is_under_a_frame() -> None:
    times = np.arange(90) / 30.0
    path = np.stack((300.0 + 600.0 * times, np.full(90, 200.0)), axis=1)
    lag_s = (path[60:, 0] - run(path)[60:, 0]) / 600.0
    assert 0.0 <= lag_s.mean() < 0.0333


def test_a_keypoint_that_was_missing_starts_afresh() -> None:
    smooth = OneEuroFilter()
    smooth(np.array([[0.0, 0.0]]), np.zeros(1), 0, TORSO)
    found = smooth(np.array([[500.0, 400.0]]), np.ones(1), STEP_NS, TORSO)
    np.testing.assert_array_equal(found, [[500.0, 400.0]])


@pytest.mark.parametrize("stamp_ns", [-STEP_NS, 0, 1_000_000_000])
def test_a_gap_or_a_jump_back_starts_afresh(stamp_ns: int) -> None:
    smooth = OneEuroFilter()
    smooth(np.array([[0.0, 0.0]]), np.ones(1), 0, TORSO)
    found = smooth(np.array([[90.0, 10.0]]), np.ones(1), stamp_ns, TORSO)
    np.testing.assert_array_equal(found, [[90.0, 10.0]])


def test_near_and_far_people_are_treated_alike() -> None:
    path = np.cumsum(np.random.default_rng(1).normal(0.0, 3.0, (60, 2)), axis=0)
    near, far = OneEuroFilter(), OneEuroFilter()
    for i, p in enumerate(path):
        a = near(p[None], np.ones(1), i * STEP_NS, 100.0)
        b = far(0.25 * p[None], np.ones(1), i * STEP_NS, 25.0)
        np.testing.assert_allclose(0.25 * a, b, atol=1e-9)


def test_reset_forgets() -> None:
    smooth = OneEuroFilter()
    smooth(np.zeros((1, 2)), np.ones(1), 0, TORSO)
    smooth.reset()
    found = smooth(np.array([[7.0, 7.0]]), np.ones(1), STEP_NS, TORSO)
    np.testing.assert_array_equal(found, [[7.0, 7.0]])
