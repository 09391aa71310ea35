"""Walkers: bones keep their lengths, feet and arms take turns, places follow the waypoints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import BodyShape, GesturePlayer, load_vocabulary
from bharnet_ros.simulation.walking import WalkPath, stride

SHAPE = BodyShape.default()
STANDING = (
    GesturePlayer(load_vocabulary("first_light"), SHAPE)
    .plan([], np.random.default_rng(1), 1.0)
    .pose(0.5)
)
BONES = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (15, 17), (9, 95))


def lengths(pose: np.ndarray) -> np.ndarray:
    return np.array([np.linalg.norm(pose[a] - pose[b]) for a, b in BONES])


@given(st.floats(0.0, 20.0), st.floats(0.0, 1.3))
def test_bones_keep_their_lengths_in_every_step(phase: float, size: float) -> None:
    np.testing.assert_allclose(lengths(stride(STANDING, SHAPE, phase, size)), lengths(STANDING))


def test_left_arm_goes_with_the_right_leg_and_a_standing_body_is_left_alone() -> None:
    step = stride(STANDING, SHAPE, np.pi / 2, 1.0)
    ahead = step[:, 0] - STANDING[:, 0]
    assert ahead[16] > 0.2 and ahead[15] < -0.2
    assert ahead[9] > 0.1 and ahead[10] < -0.1
    np.testing.assert_array_equal(stride(STANDING, SHAPE, 1.0, 0.0), STANDING)


def test_a_path_goes_through_its_waypoints_and_faces_where_it_goes() -> None:
    path = WalkPath([(1.0, 3.0, 2.0), (3.0, 3.0, -1.0)])
    for t_s, y in ((0.0, 2.0), (2.0, 0.5), (9.0, -1.0)):
        place, _, _, _ = path.at(t_s)
        np.testing.assert_allclose(place, [3.0, y], atol=1e-9)
    _, facing, speed, _ = path.at(2.0)
    assert (facing, speed) == (pytest.approx(-np.pi / 2), pytest.approx(1.5))
    _, facing, speed, walked = path.at(9.0)
    assert speed == pytest.approx(0.0) and walked == pytest.approx(3.0, abs=0.05)
    assert facing == pytest.approx(np.arctan2(1.0, -3.0))  # towards the camera
    placed = path.place(STANDING, SHAPE, 9.0)
    np.testing.assert_allclose(lengths(placed), lengths(STANDING))
    np.testing.assert_allclose(placed[[11, 12], :2].mean(axis=0), [3.0, -1.0], atol=0.1)


@pytest.mark.parametrize("way", [[], [(1.0, 0.0, 0.0), (1.0, 1.0, 0.0)], [(0.0, float("nan"), 0)]])
def test_times_that_do_not_rise_are_refused(way: list[tuple[float, float, float]]) -> None:
    with pytest.raises(ConfigurationError, match="waypoints"):
        WalkPath(way)
