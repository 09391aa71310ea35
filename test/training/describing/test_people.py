"""Acting people: what is shown, what it is called, and that it can be repeated."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.gestures.performance import Segment
from training.describing.people import ActingConfig, act, label_samples
from training.describing.transitions import transition_of
from training.labels import IGNORE

VOCABULARY = load_vocabulary("first_light")
UNKNOWN = len(VOCABULARY.class_names)


@pytest.fixture(scope="module")
def bank():
    return act(VOCABULARY, 3, 1.6, 32, seed=5, unknown_id=UNKNOWN)


def test_a_bank_holds_whole_windows_of_moving_people(bank):
    ends = np.flatnonzero(bank.whole)
    windows = bank.windows(ends[:50])
    assert windows.shape == (50, 32, 59, 3) and np.isfinite(windows).all()
    # A window never reaches into another performance: nobody jumps.
    steps = np.linalg.norm(np.diff(bank.windows(ends), axis=1), axis=-1)
    assert steps.max() < 0.5
    forearm = np.linalg.norm(windows[:, :, 7] - windows[:, :, 9], axis=-1)
    assert np.ptp(forearm) < 0.01


def test_equal_seeds_give_equal_banks(bank):
    again = act(VOCABULARY, 3, 1.6, 32, seed=5, unknown_id=UNKNOWN)
    assert np.array_equal(again.points, bank.points)
    assert np.array_equal(again.label, bank.label)
    other = act(VOCABULARY, 3, 1.6, 32, seed=6, unknown_id=UNKNOWN)
    assert not np.array_equal(other.points[: len(bank.points)], bank.points[: len(other.points)])


def test_gestures_background_and_strangers_are_all_shown(bank):
    found = set(np.unique(bank.label))
    assert {0, IGNORE, UNKNOWN} <= found and len(found) > 8


def test_a_held_gesture_counts_sooner_than_a_moving_one():
    config = ActingConfig(hold_visible_s=0.1, motion_visible_s=0.5, after_s=0.3)
    times = np.arange(0.0, 4.0, 0.05)
    for name, wait in (("stop", 0.1), ("wave", 0.5)):
        segment = Segment(name, 1.0, 3.0, 1.4, 2.6)
        labels = label_samples(times, [segment], VOCABULARY, VOCABULARY, config, UNKNOWN)
        shown = times[labels == VOCABULARY.class_id(name)]
        assert shown[0] == pytest.approx(1.4 + wait, abs=0.051)
        assert shown[-1] == pytest.approx(2.6, abs=0.051)
        ignored = times[labels == transition_of(VOCABULARY.class_id(name))]
        assert ignored[0] == pytest.approx(1.0, abs=0.051)
        assert ignored[-1] == pytest.approx(3.3, abs=0.051)
        assert (labels[(times < 0.99) | (times > 3.36)] == 0).all()


def test_a_short_motion_counts_from_its_middle():
    times = np.arange(0.0, 3.0, 0.05)
    segment = Segment("wave", 0.5, 1.5, 0.8, 1.2)
    labels = label_samples(times, [segment], VOCABULARY, VOCABULARY, ActingConfig(), UNKNOWN)
    shown = times[labels == VOCABULARY.class_id("wave")]
    assert shown[0] == pytest.approx(1.0, abs=0.051)
