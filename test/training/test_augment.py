"""Augmentations keep what they must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.features import body_features, hand_features
from bharnet_ros.skeleton import body_graph, get_layout
from training.augment import augment, drop_hands, frames_kept, jitter, mirror, turn_hands
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
