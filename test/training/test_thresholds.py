"""Thresholds chosen on tapes made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.events import EventConfig
from bharnet_ros.types import FloatArray
from training.replay import Judgement, replay
from training.sequences import GestureSpan, KeypointSequence
from training.thresholds import (
    NEVER,
    careful_starts,
    choose_on_tapes,
    eager_starts,
    smoothed,
    urgent_starts,
)

NAMES = ("idle", "nod", "thumb", "other")
RULES = EventConfig(0, start=0.5, end=0.2, unknown=0.0, confirm_s=0.1, unknown_id=3)
STEP_NS = 50_000_000


def tape(*parts: tuple[int, float, int]) -> list[Judgement]:
    """(class, its probability, ticks) one after the other, 20 ticks a second."""
    rows: list[FloatArray] = []
    for number, value, ticks in parts:
        row = np.full(4, (1.0 - value) / 3.0, np.float32)
        row[number] = value
        rows += [row] * ticks
    return [Judgement(i * STEP_NS, row) for i, row in enumerate(rows)]


def test_only_what_is_heard_gets_a_start_of_its_own() -> None:
    quiet = [tape((0, 0.9, 20), (1, 0.72, 10), (0, 0.9, 20), (3, 0.99, 20))]
    own = careful_starts(quiet, RULES, NAMES)
    assert own == {1: 0.75}
    assert not replay(quiet[0], replace(RULES, class_start=own), 0.0, NAMES, 0)
    assert careful_starts(quiet, replace(RULES, start=0.75), NAMES) == {}


def test_silencing_one_class_may_let_another_one_speak() -> None:
    # The thumb is confirmed too, but the nod runs when it would start.
    quiet = [tape((1, 0.6, 30)), tape((1, 0.52, 4), (2, 0.58, 4), (0, 0.9, 10))]
    assert careful_starts(quiet, RULES, NAMES) == {1: 0.65, 2: 0.6}


def test_some_false_alarms_an_hour_are_allowed() -> None:
    minute = (0, 0.9, 1200)
    quiet = [tape((1, 0.71, 10), minute), tape((1, 0.6, 10), minute), tape((2, 0.9, 10), minute)]
    three_minutes = 1.0 / 20.5
    assert careful_starts(quiet, RULES, NAMES, 3.0 / three_minutes) == {}
    # The weakest go first, and no further than needed.
    assert careful_starts(quiet, RULES, NAMES, 2.0 / three_minutes) == {1: 0.65}
    assert careful_starts(quiet, RULES, NAMES, 1.0 / three_minutes) == {1: 0.75}
    assert careful_starts(quiet, RULES, NAMES, 0.0) == {1: 0.75, 2: 0.9}


def test_a_class_that_no_start_silences_stays_at_the_highest() -> None:
    assert careful_starts([tape((1, 0.985, 30))], RULES, NAMES) == {1: NEVER}
    assert careful_starts([tape((1, 0.999, 30))], RULES, NAMES) == {1: NEVER}  # and it ends


def shown(name: str, ticks: int) -> KeypointSequence:
    """Somebody who did this all the time; the tapes say what was judged."""
    nothing = np.zeros((0, 1, 2), np.float32)
    stamps = np.arange(ticks, dtype=np.int64) * STEP_NS
    span = GestureSpan(name, 0, ticks * STEP_NS)
    return KeypointSequence("none", stamps, nothing, nothing[..., 0], nothing, (span,), {})


def test_a_class_that_nothing_is_taken_for_starts_sooner() -> None:
    rules = replace(RULES, start=0.8)
    # The thumb is never sure; what is taken for a nod is less sure than a nod is.
    tapes = [tape((2, 0.72, 30)), tape((1, 0.9, 30)), tape((1, 0.66, 30))]
    films = [shown("thumb", 30), shown("nod", 30), shown("idle", 30)]
    films[2] = replace(films[2], spans=())
    assert eager_starts(tapes, films, [], rules, NAMES) == {1: 0.7, 2: 0.6}
    # Nor may people who do nothing be heard more often; starts of their own stay.
    quiet = [tape((2, 0.67, 30))]
    assert eager_starts(tapes, films, quiet, rules, NAMES) == {1: 0.7, 2: 0.7}
    kept = replace(rules, class_start={1: 0.9})
    assert eager_starts(tapes, films, quiet, kept, NAMES) == {2: 0.7}


def test_what_must_not_be_late_starts_at_once_unless_idle_people_are_taken_for_it() -> None:
    assert urgent_starts([tape((0, 0.9, 30))], RULES, 0.1, NAMES, ("thumb",)) == {2: 0.25}
    # One judgement that looks like it moves the level above what that one had.
    flash = [tape((0, 0.9, 20), (2, 0.42, 1), (0, 0.9, 20))]
    assert urgent_starts(flash, RULES, 0.1, NAMES, ("thumb",)) == {2: 0.45}
    sure = [tape((0, 0.9, 20), (2, 0.6, 1), (0, 0.9, 20))]
    assert urgent_starts(sure, RULES, 0.1, NAMES, ("thumb", "nod")) == {1: 0.25}
    # Without idle people nobody knows.
    assert urgent_starts([], RULES, 0.1, NAMES, ("thumb",)) == {}


def test_nobody_to_listen_to_changes_nothing() -> None:
    assert careful_starts([], RULES, NAMES) == {}
    assert careful_starts([[Judgement(0, None)]], RULES, NAMES) == {}


@pytest.mark.parametrize("time_constant_s", [0.0, 0.1, 0.5])
def test_smoothing_beforehand_gives_the_same_episodes(time_constant_s: float) -> None:
    rng = np.random.default_rng(1)
    rows = rng.dirichlet((0.3,) * 4, 200).astype(np.float32)
    judged = [Judgement(i * STEP_NS, row if i % 37 else None) for i, row in enumerate(rows)]
    before = replay(smoothed(judged, time_constant_s), RULES, 0.0, NAMES, 0)
    assert before == replay(judged, RULES, time_constant_s, NAMES, 0)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle("gestures")


def told(bundle: Bundle, *parts: tuple[int, float, int]) -> list[Judgement]:
    """As `tape`, of the classes of a bundle; class 0 is none of them there, too."""
    count = len(bundle.manifest.class_names)
    rows: list[FloatArray] = []
    for number, value, ticks in parts:
        row = np.full(count, (1.0 - value) / (count - 1), np.float32)
        row[number] = value
        rows += [row] * ticks
    return [Judgement(i * STEP_NS, row) for i, row in enumerate(rows)]


def test_where_nobody_makes_a_gesture_the_fewest_false_alarms_are_best(bundle: Bundle) -> None:
    idle = replace(shown("idle", 200), spans=())
    seems = told(bundle, (3, 0.7, 200))
    found, score = choose_on_tapes([seems], [idle], [], bundle)
    assert found.start > 0.7 and score.total == 0 and score.false_alarms == ()
    # Idle people tell nothing of gestures, so no class starts sooner because of them.
    quiet = [told(bundle, (0, 0.9, 200))]
    found, score = choose_on_tapes([seems], [idle], quiet, bundle)
    assert found.class_start == {} and score.false_alarms == ()


@pytest.mark.parametrize("films", [0, 1])
def test_where_nothing_is_reported_either_there_are_thresholds_nevertheless(
    bundle: Bundle, films: int
) -> None:
    idle = replace(shown("idle", 100), spans=())
    calm = told(bundle, (0, 0.9, 100))
    found, score = choose_on_tapes([calm] * films, [idle] * films, [], bundle)
    assert (found.start, found.end, score.total) == (0.7, 0.2, 0)
