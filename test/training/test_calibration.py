"""Temperatures and figures of merit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
)
from training.labels import OTHER
from training.metrics import macro_f1, pair_accuracy, recall_per_class, summary


def _drawn(temperature: float, count: int = 20000):
    """Labels drawn from softmax(logits / temperature)."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 4)).astype(np.float32)
    chances = np.exp(logits / temperature)
    chances /= chances.sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return logits, labels.clip(0, 3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_true_temperature_is_found(temperature):
    logits, labels = _drawn(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_calibration_lowers_the_error():
    logits, labels = _drawn(2.5)
    found = fit_temperature(logits, labels)
    assert expected_calibration_error(logits, labels, found) < 0.02
    assert expected_calibration_error(logits, labels, 1.0) > 0.1


def test_likelihood_by_hand_and_nothing_to_fit():
    logits = np.array([[math.log(3.0), 0.0]], np.float32)
    assert negative_log_likelihood(logits, np.array([0]), 1.0) == pytest.approx(-math.log(0.75))
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == 1.0


def test_an_outsider_is_judged_against_no_opinion_and_warms():
    logits = np.array([[math.log(3.0), 0.0]], np.float32)
    expected = -0.5 * (math.log(0.75) + math.log(0.25))
    assert negative_log_likelihood(logits, np.array([OTHER]), 1.0) == pytest.approx(expected)
    logits, labels = _drawn(0.5)
    outside = np.concatenate([labels, np.full(len(labels), OTHER)])
    assert fit_temperature(np.concatenate([logits, logits]), outside) > 1.0


def test_f1_and_recall_by_hand():
    labels, predicted = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    assert recall_per_class(labels, predicted, 3) == [0.5, 1.0, 0.0]
    # F1: class 0: 2*1/(2+2), class 1: 2*2/(3+2), class 2: 0.
    assert macro_f1(labels, predicted, 3) == pytest.approx((0.5 + 0.8 + 0.0) / 3)


def test_pairs_are_judged_between_the_two_only():
    labels = np.array([1, 1, 2, 2, 0])
    logits = np.array(
        [[9, 2, 1], [9, 1, 2], [9, 0, 5], [9, 1, 1], [0, 9, 0]], np.float32
    )  # right, wrong, right, tie, not of the pair
    share, count = pair_accuracy(labels, logits, (1, 2))
    assert count == 4 and share == pytest.approx((0.5 + 0.75) / 2)
    assert math.isnan(pair_accuracy(labels[2:], logits[2:], (1, 2))[0])


def test_summary_keeps_background_apart():
    labels = np.array([0, 0, 0, 1])
    logits = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], np.float32)
    found = summary(labels, logits, ("idle", "wave"), 0)
    assert found["accuracy"] == 0.75 and found["gesture_accuracy"] == 0.0
    assert found["recall"] == {"idle": 1.0, "wave": 0.0}
