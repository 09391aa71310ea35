from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.scheduling import BATCH, Schedule

MS = 1_000_000
SECOND = 1000 * MS


def play(
    schedule: Schedule,
    people: int,
    camera_hz: float = 30.0,
    seconds: float = 4.0,
    jitter_s: float = 0.0,
    seed: int = 0,
) -> tuple[dict[int, list[int]], list[int]]:
    """Stamps at which each had a turn, and how many had one at each tick."""
    rng = np.random.default_rng(seed)
    turns: dict[int, list[int]] = {track: [] for track in range(people)}
    ticks = []
    for index in range(round(seconds * camera_hz)):
        stamp = round((index / camera_hz + rng.uniform(-jitter_s, jitter_s)) * SECOND) + SECOND
        due = schedule.due(stamp, turns)
        if due is None:
            continue
        ticks.append(len(due))
        for track in due:
            turns[track].append(stamp)
    return turns, ticks


@pytest.mark.parametrize("people", [1, 2, BATCH])
def test_a_small_group_has_its_turn_together(people: int) -> None:
    turns, ticks = play(Schedule(15.0), people)
    assert set(ticks) == {people}
    assert len(ticks) == pytest.approx(4 * 15, abs=1)
    assert len({tuple(stamps) for stamps in turns.values()}) == 1


@pytest.mark.parametrize(
    ("people", "camera_hz", "rate_hz", "usual", "most"),
    # At 30 frames/s and 15 Hz a period has two frames, at 5 Hz six; more groups than a fourth of
    # the people are not made; with as many ticks as frames nothing can be spread.
    [(16, 30.0, 15.0, 8, 8), (16, 30.0, 5.0, 4, 5), (30, 30.0, 5.0, 5, 5), (5, 30.0, 5.0, 2, 3),
     (16, 15.0, 15.0, 16, 16), (16, 10.0, 15.0, 16, 16), (16, 25.0, 10.0, 8, 10)],
)  # fmt: skip
def test_many_people_are_spread_over_the_frames_of_a_period(
    people: int, camera_hz: float, rate_hz: float, usual: int, most: int
) -> None:
    turns, ticks = play(Schedule(rate_hz), people, camera_hz, seconds=8.0)
    later = ticks[3:]  # the rhythm of the camera has to be seen first
    assert max(later) <= most and np.median(later) == usual
    rate = min(rate_hz, camera_hz)
    counts = [len(stamps) for stamps in turns.values()]
    assert max(counts) - min(counts) <= 2 and np.mean(counts) == pytest.approx(8 * rate, rel=0.04)
    for stamps in turns.values():
        longest = np.diff(stamps[2:]).max() / SECOND
        assert longest <= 1.0 / rate + 2.0 / camera_hz + 1e-6


def test_jitter_and_the_usual_29_97_do_not_break_the_rhythm() -> None:
    turns, ticks = play(Schedule(15.0), 16, camera_hz=29.97, seconds=20.0, jitter_s=0.004)
    assert set(ticks[3:]) <= {8, 9, 10}
    counts = [len(stamps) for stamps in turns.values()]
    assert max(counts) - min(counts) <= 1
    assert np.mean(counts) == pytest.approx(20 * 15, rel=0.01)


def test_whoever_is_new_has_a_turn_at_once_and_nobody_loses_one() -> None:
    schedule = Schedule(5.0)
    for index in range(1, 13):
        schedule.due(index * SECOND // 30, range(12))
    present = (*range(12), 100, 101)
    stamp = 13 * SECOND // 30
    while (due := schedule.due(stamp, present)) is None:
        stamp += SECOND // 30
    assert {100, 101} < set(due) and len(due) <= 2 + 6
    schedule.forget(100)  # somebody else has the id now
    while (due := schedule.due(stamp := stamp + SECOND // 30, present)) is None:
        pass
    assert 100 in due and 101 not in due


def test_what_is_due_stays_due_while_it_cannot_be_done() -> None:
    schedule = Schedule(10.0)
    for index in range(1, 10):
        schedule.due(index * SECOND // 30, range(8))
    # Frames come in a rush, of which only the newest can be judged.
    for index in range(10, 19):
        assert schedule.due(index * SECOND // 30, range(8), ready=False) is None
    turns = [schedule.due(index * SECOND // 30, range(8)) for index in (19, 20)]
    assert {track for turn in turns if turn for track in turn} == set(range(8))


def test_where_few_frames_can_be_judged_those_few_take_everybody() -> None:
    schedule = Schedule(10.0)
    ticks = []
    for index in range(300):
        due = schedule.due(index * SECOND // 30, range(16), ready=index % 10 == 0)
        ticks += [] if due is None else [len(due)]
    assert ticks == [16] * 30


def test_a_longer_period_is_longer_for_everybody() -> None:
    schedule = Schedule(15.0)
    schedule.stretch = 3.0
    turns, ticks = play(schedule, 16, seconds=8.0)
    counts = [len(stamps) for stamps in turns.values()]
    assert max(counts) - min(counts) <= 1 and np.mean(counts) == pytest.approx(8 * 5, abs=1.5)
    assert set(ticks[3:]) == {4}  # spread further
    schedule.stretch = 0.5
    assert schedule.stretch == 1.0


def test_the_rate_can_change_and_time_can_begin_anew() -> None:
    schedule = Schedule(5.0)
    assert play(schedule, 1, seconds=2.0)[1] == [1] * 10
    schedule.restart()
    schedule.set_rate(30.0)
    assert schedule.due(0, [1]) == [1]
    for value in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match="rate_hz"):
            schedule.set_rate(value)


def test_nobody_is_a_tick_too() -> None:
    schedule = Schedule(10.0)
    ticks = [schedule.due(index * SECOND // 20, []) for index in range(20)]
    assert [tick for tick in ticks if tick is not None] == [[]] * 10


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 2000 * MS), st.integers(0, 40), st.booleans()),
        min_size=1,
        max_size=60,
    ),
    rate_hz=st.floats(0.5, 120.0),
)
@settings(max_examples=80, deadline=None)
def test_whatever_the_stamps_turns_are_fair(
    steps: list[tuple[int, int, bool]], rate_hz: float
) -> None:
    schedule = Schedule(rate_hz)
    judged: dict[int, int | None] = {}
    stamp = 0
    for gap, people, ready in steps:
        stamp += gap
        for track in [track for track in judged if track >= people]:
            schedule.forget(track)
        judged = {track: judged.get(track) for track in range(people)}
        due = schedule.due(stamp, range(people), ready)
        if due is None:
            continue
        assert ready and len(due) == len(set(due)) and set(due) <= set(judged)
        assert all(track in due for track, last in judged.items() if last is None)
        left = [last for track, last in judged.items() if track not in due and last is not None]
        took = [judged[track] for track in due if judged[track] is not None]
        assert not left or not took or max(took) <= min(left)
        judged |= dict.fromkeys(due, stamp)
