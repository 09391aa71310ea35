"""Acting people: what is shown, what it is called, and that it can be repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.gestures import load_vocabulary, parse_vocabulary, shipped_vocabularies
from bharnet_ros.gestures.performance import Segment
from training.describing.people import (
    OUTSIDER_PREFIX,
    ActingConfig,
    Deck,
    act,
    label_samples,
    long_enough,
    write_script,
)
from training.describing.streams import streams
from training.describing.transitions import transition_of
from training.labels import IGNORE
from training.outsiders import resembles

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


LONG = parse_vocabulary("""
format: 2
extends: first_light
also: [stop]
gestures:
  wait: {meaning: wait, hand: fist, posture: raised_palm, duration_s: 30}
""")


@pytest.mark.parametrize("name", shipped_vocabularies())
def test_shipped_gestures_are_acted_as_they_always_were(name):
    config = ActingConfig()
    assert long_enough(load_vocabulary(name), config) is config


def test_gestures_as_long_as_the_format_allows_are_shown():
    assert long_enough(LONG, ActingConfig()).duration_s == 2 * 30 * 1.25 + 2
    bank = act(LONG, 4, 1.6, 32, seed=1, unknown_id=len(LONG.class_names))
    assert all(len(bank.ends(LONG.class_id(name))) for name in LONG.class_names)
    (film,) = streams(LONG, 1, seed=1, fps=5.0)
    assert "wait" in {span.class_name for span in film.spans}


def test_a_long_gesture_that_did_not_fit_keeps_its_turn():
    config = long_enough(LONG, ActingConfig())
    deck = Deck(LONG, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    shown = [name for _ in range(40) for name, *_ in write_script(LONG, deck, config, True, rng)[1]]
    counts = [shown.count(name) for name in LONG.actions]
    assert max(counts) - min(counts) <= 3


def test_outsiders_keep_away_from_what_is_to_be_avoided():
    kept = parse_vocabulary("format: 2\nextends: gestures\nalso: [wave, yes]\n")
    avoid = [kept.others[name] for name in ("stop", "fist", "thumbs_up", "victory", "ok")]
    alone = replace(kept, others={}, everyday={})
    drawn = []
    for number in range(20):
        deck, rng = Deck(alone, np.random.default_rng(1)), np.random.default_rng([2, number])
        cast, _ = write_script(alone, deck, ActingConfig(), True, rng, avoid)
        drawn += [g for name, g in cast.gestures.items() if name.startswith(OUTSIDER_PREFIX)]
    assert len(drawn) > 15
    assert not any(resembles(each, gesture) for each in drawn for gesture in avoid)


def test_what_can_look_like_a_gesture_is_never_shown_as_something_else():
    # Only one of the ways to make the shipped `stop`, and one of its everyday doings.
    base = load_vocabulary("gestures")
    doing = base.everyday["phone_at_ear"]
    mine = parse_vocabulary(
        "format: 2\nextends: gestures\ngestures:\n"
        "  halt: {meaning: x, hand: open, posture: chest}\n"
        f"  calling: {{meaning: x, hand: {doing.hands[0].name}, posture: {doing.postures[0].name}, "
        f"which: {doing.which}}}\n"
    )
    kept = [base["stop"], base["fist"]], [doing, base.everyday["drinking"]]
    few = [{gesture.name: gesture for gesture in part} for part in kept]
    mine = replace(mine, others=few[0], everyday=few[1])
    shown = []
    for number in range(25):
        deck, rng = Deck(mine, np.random.default_rng(1)), np.random.default_rng([3, number])
        cast, _ = write_script(mine, deck, ActingConfig(), True, rng)
        shown += [g for name, g in cast.gestures.items() if name.startswith(OUTSIDER_PREFIX)]
    meanings = {gesture.meaning for gesture in shown}
    assert base["fist"].meaning in meanings and base.everyday["drinking"].meaning in meanings
    assert base["stop"].meaning not in meanings and doing.meaning not in meanings
