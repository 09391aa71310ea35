from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.gestures.arm import MAX_REACH, MIN_REACH, two_bone
from bharnet_ros.gestures.rotations import (
    about,
    matrix_to_quaternion,
    multiply,
    quaternion_to_matrix,
    shortest_arc,
    slerp,
    turn,
    unit,
)
from bharnet_ros.gestures.wrist import (
    DEVIATION_DEG,
    FLEXION_DEG,
    forearm_twist,
    within_wrist_limits,
    wrist_angles,
)

seeds = st.integers(0, 2**31)


@given(seeds)
def test_bones_keep_their_lengths_and_the_end_is_reached(seed: int) -> None:
    rng = np.random.default_rng(seed)
    upper, lower = rng.uniform(0.2, 0.4, 2)
    target = rng.normal(0, 0.4, (20, 3))
    root = rng.normal(0, 1, 3)
    middle, end = two_bone(root, root + target, rng.normal(0, 1, (20, 3)), upper, lower)
    np.testing.assert_allclose(np.linalg.norm(middle - root, axis=1), upper, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(end - middle, axis=1), lower, atol=1e-9)
    reach = np.linalg.norm(target, axis=1) / (upper + lower)
    nearest = max(MIN_REACH, 1.02 * abs(upper - lower) / (upper + lower))
    inside = (reach > nearest) & (reach < MAX_REACH)
    np.testing.assert_allclose(end[inside], (root + target)[inside], atol=1e-9)


def test_the_middle_joint_points_to_the_pole() -> None:
    middle, _ = two_bone(np.zeros(3), np.array([0.4, 0, 0]), np.array([0.3, 0, -1.0]), 0.3, 0.3)
    assert middle[2] < -0.1
    assert middle[1] == pytest.approx(0)


@given(seeds)
def test_quaternions_and_matrices_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    q = unit_quaternions(rng, 30)
    m = quaternion_to_matrix(q)
    np.testing.assert_allclose(m @ m.swapaxes(1, 2), np.broadcast_to(np.eye(3), m.shape), atol=1e-9)
    again = matrix_to_quaternion(m)
    np.testing.assert_allclose(np.abs(np.einsum("ni,ni->n", q, again)), 1, atol=1e-9)
    v = rng.normal(size=(30, 3))
    np.testing.assert_allclose(turn(q, v), np.einsum("nij,nj->ni", m, v), atol=1e-9)
    p = unit_quaternions(rng, 30)
    np.testing.assert_allclose(
        quaternion_to_matrix(multiply(p, q)), quaternion_to_matrix(p) @ m, atol=1e-9
    )


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_survive_the_matrix(axis: int) -> None:
    q = about(np.eye(3)[axis], np.pi)
    again = matrix_to_quaternion(quaternion_to_matrix(q))
    assert abs(q @ again) == pytest.approx(1)


@given(seeds)
def test_slerp_goes_the_short_way_evenly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = unit_quaternions(rng, 2)
    path = slerp(a, b, np.linspace(0, 1, 9))
    assert abs(path[0] @ a) == pytest.approx(1)
    assert abs(path[-1] @ b) == pytest.approx(1)
    steps = np.arccos(np.clip(np.einsum("ni,ni->n", path[1:], path[:-1]), -1, 1))
    np.testing.assert_allclose(steps, steps[0], atol=1e-5)
    assert steps.sum() <= np.pi / 2 + 1e-6


@given(seeds)
def test_shortest_arc_takes_one_to_the_other(seed: int) -> None:
    a, b = unit(np.random.default_rng(seed).normal(size=(2, 10, 3)))
    near = np.einsum("ni,ni->n", a, b) > -0.99
    np.testing.assert_allclose(turn(shortest_arc(a, b), a)[near], b[near], atol=1e-6)


@given(seeds)
def test_any_hand_turn_is_brought_within_the_wrists_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    forearm = unit(rng.normal(size=(40, 3)))
    flexion, deviation = wrist_angles(
        within_wrist_limits(unit_quaternions(rng, 40), forearm), forearm
    )
    assert np.rad2deg(flexion).min() > FLEXION_DEG[0] - 1e-6
    assert np.rad2deg(flexion).max() < FLEXION_DEG[1] + 1e-6
    assert np.rad2deg(deviation).min() > DEVIATION_DEG[0] - 1e-6
    assert np.rad2deg(deviation).max() < DEVIATION_DEG[1] + 1e-6


def test_an_easy_wrist_is_left_alone() -> None:
    forearm = np.array([[0.0, 0.0, 1.0]])
    easy = about(np.array([[0.0, 1.0, 0.0]]), np.array([0.4]))
    np.testing.assert_allclose(within_wrist_limits(easy, forearm), easy, atol=1e-9)
    flexion, deviation = wrist_angles(easy, forearm)
    assert flexion[0] == pytest.approx(0.4)
    assert deviation[0] == pytest.approx(0)


def test_twist_is_positive_with_the_palm_up() -> None:
    elbow, wrist = np.array([[0.0, 0.0, -0.5]]), np.array([[0.5, 0.0, -0.5]])
    thumb_up = np.stack([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]], axis=1)
    palm_up = np.stack([[0.0, 0, 1], [0, -1, 0], [1, 0, 0]], axis=1)
    for m, expected in ((thumb_up, 0.0), (palm_up, np.pi / 2)):
        twist = forearm_twist(matrix_to_quaternion(m)[None], elbow, wrist)
        assert twist[0] == pytest.approx(expected)


def unit_quaternions(rng: np.random.Generator, n: int) -> np.ndarray:
    q = rng.normal(size=(n, 4))
    return q / np.linalg.norm(q, axis=1, keepdims=True)
