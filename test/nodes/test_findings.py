"""Levels, failures and keeping up, without any middleware."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.nodes.base import ERROR, OK, WARN
from bharnet_ros.nodes.findings import Failures, Finding, Level, summary
from bharnet_ros.nodes.input_watch import stamp_findings
from bharnet_ros.nodes.sequence import KeepingUp, SequenceGaps, Speakers, Voices
from bharnet_ros.nodes.statistics import Period, Statistics


class Clock:
    """Seconds set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_worst_finding_gives_the_level_and_comes_first() -> None:
    assert summary([], "3 people") == (OK, "3 people")
    warning, error = Finding(Level.WARN, "late"), Finding(Level.ERROR, "broken")
    assert summary([warning]) == (WARN, "late")
    assert summary([warning, error]) == (ERROR, "broken; late")


def test_a_failure_is_an_error_until_it_works_again_and_a_warning_for_a_while() -> None:
    clock = Clock()
    failures = Failures(clock)
    assert failures.findings() == []
    failures.worked("engine")
    failures.failed("engine", "device lost")
    clock.now += 4
    failures.failed("engine", RuntimeError("out of memory"))
    (found,) = failures.findings()
    assert found.level is Level.ERROR and failures.failing_s("engine") == 4.0
    assert found.text == "engine failing for 4 s (2 times): out of memory"
    failures.worked("engine")
    clock.now += 10
    assert failures.failing_s("engine") == failures.failing_s("camera") == 0.0
    (found,) = failures.findings()
    assert found.level is Level.WARN and "10 s ago: out of memory" in found.text
    clock.now += 60
    assert failures.findings() == []
    failures.failed("engine", "again")
    assert "(once)" in failures.findings()[0].text
    failures.clear()
    assert failures.findings() == []


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_whatever_is_left_out_between_two_messages_is_counted(arrives: list[bool]) -> None:
    gaps, missing = SequenceGaps(), 0
    taken = [number for number, does in enumerate(arrives, start=1) if does]
    for number in taken:
        missing += gaps.missing("camera", number)
    expected = taken[-1] - taken[0] + 1 - len(taken) if taken else 0
    assert missing == expected


def test_publishers_count_on_their_own_and_strange_numbers_are_no_loss() -> None:
    gaps = SequenceGaps()
    assert [gaps.missing("a", 7), gaps.missing("b", 3), gaps.missing("a", 9)] == [0, 0, 1]
    assert gaps.missing("b", 2) == 0, "a publisher that began anew"
    assert gaps.missing("b", 5_000_000) == 0
    assert gaps.missing("a", None) == 0
    for number in range(40):
        gaps.missing(number, 1)
    assert gaps.missing("a", 20) == 0, "the oldest are forgotten"


def test_publishers_that_take_turns_are_told_from_one_that_follows_another() -> None:
    clock = Clock()
    speakers = Speakers(clock)
    for publisher in (None, "a", "a", "b", "b", "b"):
        speakers.heard(publisher)
    assert not speakers.alternate(), "b took a's place"
    for publisher in "abab":
        speakers.heard(publisher)
    assert speakers.alternate()
    clock.now += 10
    assert not speakers.alternate(), "that was long ago"


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_one_publisher_without_a_name_is_one_whatever_gets_lost(steps: list[int]) -> None:
    voices, number, met = Voices(), 0, set()
    for step in steps:
        number += step
        met.add(voices.of(number))
    assert met == {0}


@given(st.lists(st.sampled_from([0, 1]), min_size=20, max_size=80), st.integers(0, 3000))
def test_two_publishers_without_names_are_told_apart_by_their_numbers(
    order: list[int], lead: int
) -> None:
    voices, gaps, numbers = Voices(), SequenceGaps(), [0, lead]
    met, missing = [], 0
    for publisher in order:
        numbers[publisher] += 1
        met.append(voices.of(numbers[publisher]))
        missing += gaps.missing(met[-1], numbers[publisher])
    assert missing <= min(lead, 30), "nothing was lost; one step at most looks so"
    if order.count(0) > 0 and order[0] == 1 and lead > len(order):
        assert met == [order[0] ^ publisher for publisher in order]


def test_a_publisher_without_a_name_that_begins_anew_or_counts_nothing() -> None:
    voices = Voices()
    assert [voices.of(n) for n in (7, 8, 1, 2, 3)] == [0, 0, 1, 1, 1]
    assert voices.of(None) is None
    for number in range(10_000, 0, -50):
        voices.of(number)
    assert len(voices._newest) == 16, "the oldest are forgotten"


def test_a_pause_of_the_camera_is_no_loss_that_lasts() -> None:
    clock = Clock()
    keeping = KeepingUp(clock)
    for lost in (0, 0, 8, 0):
        clock.now += 1
        keeping.note(1.0, taken=10, replaced=0, lost=lost, busy_share=0.1)
    assert keeping.findings("images", 0.1) == []
    rare = KeepingUp(clock)
    rare.note(10.0, taken=100, replaced=0, lost=80, busy_share=0.1)
    assert len(rare.findings("images", 0.1)) == 1, "with a report every 10 s one must do"


def test_slower_than_the_input_is_judged_over_seconds() -> None:
    clock = Clock()
    keeping = KeepingUp(clock)
    keeping.note(1.0, taken=2, replaced=2, lost=0, busy_share=1.0)
    assert keeping.findings("images", 0.1) == [], "too few to say"
    for _ in range(4):
        clock.now += 1
        keeping.note(1.0, taken=15, replaced=15, lost=0, busy_share=0.99)
    (found,) = keeping.findings("images", 0.1)
    assert found.level is Level.WARN and "slower than the input" in found.text
    assert "12.4 of 24.8 images per second" in found.text and "99 %" in found.text
    assert keeping.findings("images", 1.0) == [], "1 = never"
    for _ in range(6):
        clock.now += 1
        keeping.note(1.0, taken=20, replaced=0, lost=9, busy_share=0.3)
    (found,) = keeping.findings("images", 0.1)
    assert "lost on the way: 20.0 of 29.0" in found.text
    for _ in range(6):
        clock.now += 1
        keeping.note(1.0, taken=30, replaced=1, lost=0, busy_share=0.3)  # a share of 3 %
    assert keeping.findings("images", 0.1) == []


@pytest.mark.parametrize(
    ("age_ms", "limit_s", "simulated", "words"),
    [
        (80.0, 1.0, False, ""),
        (1800.0, 1.0, False, "1.8 s old when they go out, more than 1 s"),
        (1800.0, 0.0, False, ""),
        (-50.0, 1.0, False, ""),
        (-500.0, 1.0, False, "0.5 s in the future: the clocks of the machines differ"),
        (-500.0, 1.0, True, "0.5 s in the future: use_sim_time is on here"),
        (412 * 86400e3, 1.0, False, "another clock (412 days old): a recording"),
        (-3 * 86400e3, 1.0, False, "another clock (3 days in the future): a recording"),
        (-3 * 86400e3, 1.0, True, "another clock (3 days in the future): use_sim_time is on here"),
    ],
)
def test_stamps_tell_late_future_and_foreign(
    age_ms: float, limit_s: float, simulated: bool, words: str
) -> None:
    period = Period({}, {"stamp age": (age_ms, age_ms)}, {}, {})
    found = stamp_findings(period, limit_s, simulated)
    assert [finding.level for finding in found] == ([Level.WARN] if words else [])
    assert words in "".join(finding.text for finding in found)
    late = Period({}, {"stamp age": (1800.0, 1900.0), "input age": (1500.0, 1600.0)}, {}, {})
    assert "(1.5 s old already when the input comes in)" in stamp_findings(late, 1.0)[0].text
    assert stamp_findings(Period({}, {}, {}, {}), 1.0) == []


def test_statistics_know_work_misses_and_gauges(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Any = Clock()
    monkeypatch.setattr("bharnet_ros.nodes.statistics.time.monotonic", clock)
    stats = Statistics()
    for _ in range(10):
        stats.event("images in")
        stats.work(50.0)
    stats.event("markers out")
    stats.miss("lost on the way", 3)
    stats.gauge("people", 2)
    clock.now += 2.0
    period = stats.close_period()
    assert period.busy_share == pytest.approx(0.25) and period.elapsed_s == 2.0
    assert (period.rate_hz("in"), period.rate_hz("out")) == (5.0, 0.5)
    assert period.durations_ms["work"] == (50.0, 50.0)
    assert period.missed == {"lost on the way": 3} and period.gauges == {"people": 2}
    clock.now += 1.0
    second = stats.close_period()
    assert second.busy_share == 0.0 and second.missed == {} and second.rate_hz("in") == 0.0
    assert second.total_missed == {"lost on the way": 3} and second.gauges == {"people": 2}
    assert Statistics().close_period().rate_hz("in") is None
