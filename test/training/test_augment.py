"""Augmentations keep what they must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.features import body_features, hand_features
from bharnet_ros.skeleton import body_graph, get_layout
from training.augment import (
    augment,
    drop_both_hands,
    drop_hands,
    drop_keypoints,
    drop_steps,
    frames_kept,
    jitter,
    joint_noise,
    mirror,
    rescale,
    rotate,
    shear,
    time_warp,
    turn_hands,
)
from training.config import AugmentConfig
from training.labels import OTHER

LAYOUT = "coco_wholebody_133"
SPEC = get_layout(LAYOUT)
MIRRORED = np.array([0, 2, 1])


def _windows(seed: int, n: int = 3, t: int = 8):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 640, (n, t, 133, 2)).astype(np.float32)
    scores = rng.uniform(0.2, 1.0, (n, t, 133)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.1] = 0.0
    return keypoints, scores, rng.integers(0, 3, n)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_mirror_twice_is_the_identity(seed):
    keypoints, scores, labels = _windows(seed)
    chosen = np.random.default_rng(seed).random(len(labels)) < 0.5
    once = mirror(keypoints, scores, labels, LAYOUT, MIRRORED, chosen)
    twice = mirror(*once, LAYOUT, MIRRORED, chosen)
    for found, expected in zip(twice, (keypoints, scores, labels), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_a_mirrored_person_is_the_mirrored_features(seed):
    """The other hand does the same thing, and the body is flipped left to right."""
    keypoints, scores, labels = _windows(seed)
    everyone = np.ones(len(labels), bool)
    other, other_scores, named = mirror(keypoints, scores, labels, LAYOUT, MIRRORED, everyone)
    hands = hand_features(keypoints, scores, LAYOUT)
    np.testing.assert_allclose(
        hand_features(other, other_scores, LAYOUT)[..., ::-1], hands, atol=1e-4
    )
    body = body_features(keypoints, scores, LAYOUT)[:, :, :, body_graph().flip_indices]
    body[:, 0] *= -1.0
    np.testing.assert_allclose(body_features(other, other_scores, LAYOUT), body, atol=1e-3)
    np.testing.assert_array_equal(named, MIRRORED[labels])


def test_an_outsider_is_one_in_a_mirror_too():
    keypoints, scores, _ = _windows(0)
    labels = np.full(len(keypoints), OTHER)
    everyone = np.ones(len(keypoints), bool)
    assert (mirror(keypoints, scores, labels, LAYOUT, MIRRORED, everyone)[2] == OTHER).all()


def test_only_the_chosen_are_mirrored_and_the_given_arrays_stay():
    keypoints, scores, labels = _windows(1)
    before = keypoints.copy()
    chosen = np.array([False, True, False])
    found, _, _ = mirror(keypoints, scores, labels, LAYOUT, MIRRORED, chosen)
    np.testing.assert_array_equal(found[[0, 2]], keypoints[[0, 2]])
    assert not np.array_equal(found[1], keypoints[1])
    np.testing.assert_array_equal(keypoints, before)


def test_turning_hands_keeps_wrists_and_body():
    keypoints, _, _ = _windows(2)
    found = turn_hands(keypoints, SPEC, 20.0, (1.0, 1.0), np.random.default_rng(0))
    still = np.concatenate(
        [SPEC.body_indices, SPEC.left_hand_indices[:1], SPEC.right_hand_indices[:1]]
    )
    np.testing.assert_allclose(found[:, :, still], keypoints[:, :, still], atol=1e-3)
    hand = SPEC.right_hand_indices

    def lengths(points):
        return np.linalg.norm(points[:, :, hand] - points[:, :, hand[:1]], axis=-1)

    np.testing.assert_allclose(lengths(found), lengths(keypoints), rtol=1e-3, atol=1e-2)
    assert np.abs(found - keypoints).max() > 1.0


def test_noise_follows_the_size_of_the_person():
    keypoints, scores, _ = _windows(3, n=200, t=4)
    small = jitter(keypoints, scores, SPEC, 0.02, 0.05, np.random.default_rng(0)) - keypoints
    large = (
        jitter(keypoints * 3, scores, SPEC, 0.02, 0.05, np.random.default_rng(0)) - keypoints * 3
    )
    np.testing.assert_allclose(large, 3 * small, atol=0.02)
    assert np.abs(small).max() > 0.5


def test_dropped_hands_are_gone_for_the_whole_window():
    _, scores, _ = _windows(4)
    found = drop_hands(scores, SPEC, 1.0, 0.0, np.random.default_rng(0))
    assert not found[:, :, SPEC.left_hand_indices].any()
    assert not found[:, :, SPEC.right_hand_indices].any()
    np.testing.assert_array_equal(found[:, :, SPEC.body_indices], scores[:, :, SPEC.body_indices])


def test_a_dropped_span_leaves_the_rest():
    scores = np.ones((20, 16, 133), np.float32)
    found = drop_hands(scores, SPEC, 0.0, 1.0, np.random.default_rng(0))
    steps = found[:, :, SPEC.right_hand_indices[0]]
    gone = (steps == 0).sum(axis=1)
    assert (gone >= 1).all() and (gone < 8).all()
    changes = np.abs(np.diff(steps, axis=1)).sum(axis=1)
    assert (changes <= 2).all()


def test_both_hands_leave_and_come_back_together():
    scores = np.ones((200, 20, 133), np.float32)
    found = drop_both_hands(scores, SPEC, 0.5, np.random.default_rng(0))
    left, right = (found[:, :, side] for side in (SPEC.left_hand_indices, SPEC.right_hand_indices))
    seen = left[:, :, 0]
    assert (left == seen[..., None]).all() and (right == seen[..., None]).all()
    np.testing.assert_array_equal(found[:, :, SPEC.body_indices], scores[:, :, SPEC.body_indices])
    gone = (seen == 0).sum(axis=1)
    assert 0.4 < (gone > 0).mean() < 0.6
    assert gone[gone > 0].min() >= 2 and gone.max() <= 18
    assert (np.abs(np.diff(seen, axis=1)).sum(axis=1) <= 2).all(), "one stretch"


@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_the_last_frame_is_never_dropped(seed, drop):
    keep = frames_kept(40, drop, 25, np.random.default_rng(seed))
    assert keep.shape == (40,) and keep[25]


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_nothing_missing_comes_back(seed):
    keypoints, scores, labels = _windows(seed)
    config = AugmentConfig(mirror=0.0)
    _, found, _ = augment(
        keypoints, scores, labels, LAYOUT, MIRRORED, config, np.random.default_rng(seed)
    )
    assert not found[scores == 0.0].any()


def test_switched_off_changes_nothing():
    keypoints, scores, labels = _windows(5)
    config = AugmentConfig(
        mirror=0, rotate_deg=0, scale=(1, 1), shear=0, body_noise=0, hand_noise=0,
        hand_rotate_deg=0, hand_scale=(1, 1), hand_drop=0, hand_span_drop=0, score_drop=0,
    )  # fmt: skip
    found = augment(keypoints, scores, labels, LAYOUT, MIRRORED, config, np.random.default_rng(0))
    np.testing.assert_allclose(found[0], keypoints, atol=1e-3)
    np.testing.assert_array_equal(found[1], scores)
    assert found[2] == pytest.approx(labels)


SHAPES = st.sampled_from([(3, 8, 25, 3), (3, 2, 8, 25, 3), (3, 8, 17, 2), (3, 2, 8, 17, 2)])


def _points(seed: int, shape: tuple[int, ...]):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.2, 1.0, shape[:-1]).astype(np.float32)
    scores[rng.random(scores.shape) < 0.1] = 0.0
    return rng.normal(0, 1, shape).astype(np.float32), scores


@given(st.integers(0, 10**6), SHAPES, st.floats(1.0, 180.0))
def test_rotation_keeps_all_distances_and_the_handedness(seed, shape, degrees):
    points, _ = _points(seed, shape)
    found = rotate(points, degrees, np.random.default_rng(seed))
    for one, other in zip(found, points, strict=True):
        flat, before = one.reshape(-1, shape[-1]), other.reshape(-1, shape[-1])
        np.testing.assert_allclose(flat @ flat.T, before @ before.T, atol=2e-4)
        # One proper rotation for the whole entry: people and steps are turned alike.
        matrix = np.linalg.lstsq(before, flat, rcond=None)[0]
        np.testing.assert_allclose(before @ matrix, flat, atol=1e-4)
        assert np.linalg.det(matrix) == pytest.approx(1.0, abs=1e-3)


@given(st.integers(0, 10**6))
def test_rotation_about_one_axis_keeps_it_and_its_limit(seed):
    points, _ = _points(seed, (20, 4, 25, 3))
    found = rotate(points, (0.0, 30.0, 0.0), np.random.default_rng(seed))
    np.testing.assert_allclose(found[..., 1], points[..., 1], atol=1e-5)
    cosine = (found * points)[..., [0, 2]].sum(-1) / (points[..., [0, 2]] ** 2).sum(-1)
    assert (cosine >= np.cos(np.radians(30.0)) - 1e-3).all()
    np.testing.assert_array_equal(rotate(points, 0.0, np.random.default_rng(seed)), points)


@given(st.integers(0, 10**6), SHAPES)
def test_scaling_is_one_factor_or_one_an_axis(seed, shape):
    points, _ = _points(seed, shape)
    ratio = rescale(points, (0.5, 1.5), np.random.default_rng(seed)) / points
    assert (ratio >= 0.5 - 1e-3).all() and (ratio <= 1.5 + 1e-3).all()
    for one in ratio:
        np.testing.assert_allclose(one, one.flat[0], rtol=1e-4)
    each = rescale(points, (0.5, 1.5), np.random.default_rng(seed), each_axis=True) / points
    for one in each.reshape(shape[0], -1, shape[-1]):
        np.testing.assert_allclose(one, np.tile(one[0], (len(one), 1)), rtol=1e-4)
        assert np.ptp(one[0]) > 1e-6


@given(st.integers(0, 10**6), SHAPES, st.floats(0.01, 0.5))
def test_shear_is_linear_and_bounded(seed, shape, amount):
    points, _ = _points(seed, shape)
    found = shear(points, amount, np.random.default_rng(seed))
    others = np.abs(points).sum(axis=-1, keepdims=True) - np.abs(points)
    assert (np.abs(found - points) <= amount * others + 1e-4).all()
    doubled = shear(2 * points, amount, np.random.default_rng(seed))
    np.testing.assert_allclose(doubled, 2 * found, atol=1e-4)


@given(st.integers(0, 10**6), SHAPES)
def test_noise_moves_only_what_is_there_by_its_deviation(seed, shape):
    points, scores = _points(seed, shape)
    moved = joint_noise(points, scores, 0.1, np.random.default_rng(seed)) - points
    assert not moved[scores == 0.0].any()
    assert moved[scores > 0.0].std() == pytest.approx(0.1, rel=0.2)
    assert abs(moved[scores > 0.0].mean()) < 0.02


@given(st.integers(0, 10**6), SHAPES, st.floats(0.0, 1.0))
def test_dropping_only_takes_away(seed, shape, share):
    _, scores = _points(seed, shape)
    for drop in (drop_keypoints, drop_steps):
        found = drop(scores, share, np.random.default_rng(seed))
        assert ((found == scores) | (found == 0.0)).all()
        np.testing.assert_array_equal(drop(scores, 0.0, np.random.default_rng(seed)), scores)


def test_the_share_of_dropped_keypoints_is_as_asked():
    scores = np.ones((50, 20, 25), np.float32)
    assert 1 - drop_keypoints(scores, 0.3, np.random.default_rng(0)).mean() == pytest.approx(
        0.3, abs=0.01
    )


@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_dropped_steps_are_missing_for_all_people_and_one_stays(seed, most):
    scores = np.ones((6, 2, 10, 25), np.float32)
    found = drop_steps(scores, most, np.random.default_rng(seed))
    assert (np.ptp(found, axis=(1, 3)) == 0.0).all()
    assert (found[:, 0, :, 0].sum(axis=1) >= 1).all()


@given(st.integers(0, 10**6), st.floats(0.0, 0.99))
def test_warped_time_keeps_its_ends_and_its_order(seed, strength):
    times = np.tile(np.linspace(0.0, 1.0, 30), (5, 1))
    found = time_warp(times, strength, np.random.default_rng(seed))
    np.testing.assert_allclose(found[:, [0, -1]], times[:, [0, -1]], atol=1e-12)
    assert (np.diff(found, axis=1) > 0).all()
    pace = np.diff(found, axis=1) * 29
    assert (pace <= 1 + strength + 1e-9).all() and (pace >= 1 - strength - 1e-9).all()


@given(st.integers(0, 10**6))
def test_a_mirror_works_in_3d(seed):
    """Twice is the identity, and lengths of bones change places with the other side's."""
    points, scores = _points(seed, (3, 8, 25, 3))
    labels = np.array([0, 1, 2])
    everyone = np.ones(3, bool)
    once = mirror(points, scores, labels, "ntu25", MIRRORED, everyone)
    left, right = get_layout("ntu25").index("left_wrist"), get_layout("ntu25").index("right_wrist")
    np.testing.assert_array_equal(once[0][:, :, left, 1:], points[:, :, right, 1:])
    np.testing.assert_array_equal(once[0][:, :, left, 0], -points[:, :, right, 0])
    np.testing.assert_array_equal(once[2], MIRRORED[labels])
    np.testing.assert_array_equal(mirror(*once, "ntu25", MIRRORED, everyone)[0], points)
