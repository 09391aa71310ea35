"""The observation model: errors of the stated size, gaps, and nothing invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.describing.observing import (
    BODY_BIAS,
    BODY_WANDER,
    ObservationConfig,
    Observer,
    sampling_matrix,
    wandering,
)
from training.describing.people import hand_indices
from training.projecting import HAND_ERROR

STEP_S = 1.6 / 31
CALM = ObservationConfig(
    error=(1.0, 1.0), fps=(60.0, 60.0), frame_drop=0.0, hand_gone=0.0, hand_gaps=0.0,
    fingers_wrong=0.0, cut=0.0, no_body=0.0, swapped=0.0, joint_gone=0.0,
)  # fmt: skip


def _people(n=200):
    """Hands of 100 px palms, torsos of 500 px from shoulder to the hip across."""
    points = np.zeros((n, 32, 59, 2), np.float32)
    points[:, :, 12] = (0.0, 500.0)
    for hand in hand_indices():
        points[:, :, hand[[5, 9, 17]]] = (0.0, 100.0)
    return points


def test_errors_have_the_measured_size():
    points = _people()
    seen, scores = Observer(32, STEP_S, 0, CALM)(points, np.random.default_rng(0))
    error = (seen - points).std(axis=(0, 1, 3))
    left, right = hand_indices()
    assert error[:17] == pytest.approx(500.0 * np.hypot(BODY_BIAS, BODY_WANDER), rel=0.15)
    assert error[left] == pytest.approx(100.0 * HAND_ERROR, rel=0.15)
    assert error[right] == pytest.approx(100.0 * HAND_ERROR, rel=0.15)
    assert (scores > 0.7).all()


def test_errors_have_a_memory():
    noise = wandering(500, 32, 10, STEP_S, np.random.default_rng(0), 0.4, 0.5)
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    near = (noise[:, 1:] * noise[:, :-1]).mean()
    far = (noise[:, 20:] * noise[:, :-20]).mean()
    assert 0.35 < near < 0.5 and far < 0.12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(8.0, 30.0))
def test_sampling_joins_frames_by_straight_lines(seed, fps):
    config = ObservationConfig(fps=(fps, fps))
    matrix = sampling_matrix(32, STEP_S, config, np.random.default_rng(seed))
    assert matrix.sum(axis=1) == pytest.approx(np.ones(32), abs=1e-5)
    assert (matrix >= -1e-6).all() and matrix[-1, -1] == pytest.approx(1.0)
    frames = np.flatnonzero(matrix.any(axis=0))
    # What is seen in a frame is not changed.
    assert np.allclose(matrix[np.ix_(frames, frames)], np.eye(len(frames)), atol=1e-5)


def test_hands_bodies_and_what_lies_below_the_picture_can_be_missing():
    config = ObservationConfig(hand_gone=0.3, hand_gaps=0.3, cut=1.0, no_body=0.2)
    points = _people(400)
    _, scores = Observer(32, STEP_S, 1, config)(points, np.random.default_rng(2))
    left, right = hand_indices()
    for hand in (left, right):
        gone = (scores[:, :, hand] == 0).all(axis=(1, 2)).mean()
        assert 0.25 < gone < 0.45
        # A hand is there or not, never half.
        joint = scores[:, :, hand] > 0
        assert (joint.all(axis=2) | (joint.mean(axis=2) > 0.5) | ~joint.any(axis=2)).mean() > 0.9
    assert 0.12 < (scores[:, :, :17] == 0).all(axis=(1, 2)).mean() < 0.3
    assert (scores[:, :, 12] == 0).mean() > 0.4
