"""The filter: finds a velocity, is surer the more it has seen, and less sure of later moments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.motion import MEASUREMENT, PUSH, START_SPEED, Motion

HEIGHT = 300.0


@given(st.floats(-400.0, 400.0), st.floats(-50.0, 50.0), st.sampled_from([10.0, 15.0, 30.0]))
def test_an_even_walk_is_foretold(vx: float, vy: float, fps: float) -> None:
    motion = Motion(np.array([100.0, 200.0]), HEIGHT)
    for i in range(1, round(3 * fps) + 1):
        t = i / fps
        motion.measure(np.array([100.0 + vx * t, 200.0 + vy * t]), 1.0 / fps, HEIGHT)
    place, variance = motion.ahead(1.0, HEIGHT)
    np.testing.assert_allclose(place, [100.0 + vx * 4.0, 200.0 + vy * 4.0], atol=2.0)
    assert 0.0 < variance < HEIGHT**2


def test_uncertainty_grows_with_time_and_shrinks_with_sights() -> None:
    motion = Motion(np.zeros(2), HEIGHT)
    before = motion.speed_deviation
    deviations = [motion.ahead(t, HEIGHT)[1] for t in (0.0, 0.5, 1.0, 2.0)]
    assert deviations == sorted(deviations)
    copy = motion.copy()
    motion.measure(np.array([1.0, 0.0]), 0.1, HEIGHT)
    assert motion.speed_deviation < before == copy.speed_deviation


def test_one_step_against_the_matrices_of_the_textbook() -> None:
    t, r = 0.2, (MEASUREMENT * HEIGHT) ** 2
    q = (PUSH * HEIGHT) ** 2
    covariance = np.diag([r, (START_SPEED * HEIGHT) ** 2])
    step = np.array([[1.0, t], [0.0, 1.0]])
    noise = q * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]])
    later = step @ covariance @ step.T + noise
    gain = later[:, 0] / (later[0, 0] + r)
    motion = Motion(np.zeros(2), HEIGHT)
    motion.measure(np.array([7.0, -3.0]), t, HEIGHT)
    np.testing.assert_allclose(motion.place, gain[0] * np.array([7.0, -3.0]))
    np.testing.assert_allclose(motion.velocity, gain[1] * np.array([7.0, -3.0]))
    after = (np.eye(2) - np.outer(gain, [1.0, 0.0])) @ later
    assert motion.ahead(0.0, HEIGHT)[1] == pytest.approx(after[0, 0])
    assert motion.speed_deviation**2 == pytest.approx(after[1, 1])
