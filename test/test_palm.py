"""The palm: its length from whichever span is seen, and a wrist that the picture cuts off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import LAYOUT, person_keypoints
from bharnet_ros.features import FeatureConfig, hand_features
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.gestures.fingers import sample_angles
from bharnet_ros.gestures.hand import HandShape, hand_points
from bharnet_ros.gestures.rotations import quaternion_to_matrix
from bharnet_ros.palm import WRIST, WRIST_FROM, palm_px, with_wrist

LEFT, RIGHT = slice(91, 112), slice(112, 133)
NUMBERS = st.floats(-3.0, 3.0)


def hands(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(N, 21, 2) hands of many people and shapes, seen from all sides, and their palms' lengths."""
    rng = np.random.default_rng(seed)
    shapes = [hand for gesture in load_vocabulary("first_light") for hand in gesture.hands]
    seen, lengths = [], []
    for number in range(count):
        shape = HandShape.sample(rng)
        points = hand_points(sample_angles(shapes[number % len(shapes)], shape, rng), shape)
        turn = rng.standard_normal(4)
        turned = points @ quaternion_to_matrix(turn / np.linalg.norm(turn)).T
        seen.append(1000.0 * turned[:, :2] + 300.0)
        lengths.append(1000.0 * np.linalg.norm(points[9] - points[0]))
    return np.array(seen, np.float32), np.array(lengths)


def hand() -> tuple[np.ndarray, np.ndarray]:
    """(21, 2) of one hand, 0.9 each."""
    return hands(1)[0][0], np.full(21, 0.9, np.float32)


def test_the_weights_are_means() -> None:
    for points, weights in WRIST_FROM:
        assert len(points) == len(weights) and WRIST not in points
        assert sum(weights) == pytest.approx(1.0, abs=1e-6)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), st.tuples(NUMBERS, NUMBERS))
@settings(max_examples=50, deadline=None)
def test_seen_from_anywhere_the_wrist_is_the_same_mean(turn, shift) -> None:
    joints, scores = hand()
    scores[WRIST] = 0.0
    matrix, offset = np.reshape(turn, (2, 2)), 100.0 * np.array(shift)
    seen, _ = with_wrist((joints @ matrix.T + offset).astype(np.float32), scores)
    plain, _ = with_wrist(joints, scores)
    assert np.allclose(seen[WRIST], plain[WRIST] @ matrix.T + offset, atol=0.05)


@pytest.mark.parametrize(
    ("lost", "median", "p95"), [((0,), 0.12, 0.3), ((0, 13), 0.2, 0.3), ((0, 1), 0.5, 0.7)]
)
def test_the_wrist_is_found_on_hands_that_the_weights_were_not_fitted_to(lost, median, p95):
    joints, lengths = hands(200)
    points, scores = joints.copy(), np.full((200, 21), 0.9, np.float32)
    points[:, list(lost)], scores[:, list(lost)] = 0.0, 0.0
    scores[:, 17] = 0.4
    before = points.copy(), scores.copy()
    found, weights = with_wrist(points, scores)
    error = np.linalg.norm(found[:, WRIST] - joints[:, WRIST], axis=1) / lengths
    assert np.median(error) < median and np.quantile(error, 0.95) < p95
    assert (weights[:, WRIST] == np.float32(0.4)).all()  # as sure as the least sure of its sources
    assert np.array_equal(found[:, 1:], points[:, 1:])
    assert np.array_equal(weights[:, 1:], scores[:, 1:])
    assert np.array_equal(points, before[0]) and np.array_equal(scores, before[1])


def test_what_cannot_be_told_stays_unseen() -> None:
    joints, scores = hand()
    few = scores.copy()
    few[[0, 1, 5]] = 0.0
    for weights in (scores, few, np.zeros_like(scores)):
        found, kept = with_wrist(joints, weights)
        assert np.array_equal(found, joints) and np.array_equal(kept, weights)


def test_a_hand_that_reaches_beyond_the_picture_is_read_where_it_is_asked_for() -> None:
    points = np.repeat(person_keypoints()[None], 6, axis=0).astype(np.float32)
    points[:, LEFT], points[:, RIGHT] = hand()[0] * (-1.0, 1.0), hand()[0]
    scores = np.full((6, 133), 0.9, np.float32)
    whole = hand_features(points, scores, LAYOUT)
    cut = scores.copy()
    cut[:, [91, 112]] = 0.0
    assert not hand_features(points, cut, LAYOUT).any()
    told = hand_features(points, cut, LAYOUT, FeatureConfig(estimate_wrist=True))
    assert (told[2] == np.float32(0.9)).all()
    # Nothing moves by more than the wrist was missed.
    assert np.abs(told[:2] - whole[:2]).max() < 0.3
    asked = hand_features(points, scores, LAYOUT, FeatureConfig(estimate_wrist=True))
    assert np.array_equal(asked, whole)


def test_bundles_that_do_not_ask_are_written_as_before() -> None:
    assert "estimate_wrist" not in FeatureConfig().to_dict()
    config = FeatureConfig(estimate_wrist=True)
    assert config.to_dict()["estimate_wrist"] is True
    assert FeatureConfig.from_dict(config.to_dict()) == config


def test_a_palm_is_as_long_as_its_longest_span() -> None:
    joints, _ = hand()
    windows = np.repeat(joints[None], 4, axis=0)
    present = np.ones((4, 21), bool)
    whole, usable = palm_px(windows, present, 4.0)
    assert usable and whole >= np.linalg.norm(joints[9] - joints[0]) - 1e-3
    present[:, WRIST] = False
    across, usable = palm_px(windows, present, 4.0)
    width = np.linalg.norm(joints[5] - joints[17])
    assert usable and across == pytest.approx(1.4 * width, rel=1e-4)
    present[:] = False
    assert palm_px(windows, present, 4.0)[1] == np.False_
    assert not palm_px(windows * 0.001, np.ones((4, 21), bool), 4.0)[1]
