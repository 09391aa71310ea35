from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.events import Event, EventConfig, EventMachine, Smoother
from bharnet_ros.types import ActionState

MS = 1_000_000
NONE, STARTED, ONGOING, ENDED = ActionState
CONFIG = EventConfig(0, start=0.6, end=0.4, unknown=0.5)


def likely(class_id: int, value: float = 0.9, count: int = 4) -> np.ndarray:
    """Probabilities with the rest spread evenly."""
    out = np.full(count, (1.0 - value) / (count - 1), np.float32)
    out[class_id] = value
    return out


def play(
    script: list[tuple[int, np.ndarray | None]], config: EventConfig = CONFIG
) -> list[tuple[int, Event]]:
    """[(duration in ms, probabilities)] at 20 Hz -> [(ms, event)]."""
    machine, events, now = EventMachine(config), [], 0
    for duration, probabilities in script:
        for _ in range(duration // 50):
            events += [(now, event) for event in machine.update(now * MS, probabilities)]
            now += 50
    return events


def changes(events: list[tuple[int, Event]]) -> list[tuple[int, ActionState, int | None]]:
    return [(ms, e.state, e.class_id) for ms, e in events if e.state in (STARTED, ENDED)]


def test_an_action_starts_goes_on_and_ends() -> None:
    events = play([(500, likely(0)), (1000, likely(2)), (500, likely(0))])
    # Confirmed after 0.1 s; over after 0.2 s below the end threshold.
    assert changes(events) == [(600, STARTED, 2), (1700, ENDED, 2)]
    between = {e.state for ms, e in events if 600 < ms < 1700}
    assert between == {ONGOING}
    assert {(e.state, e.class_id) for ms, e in events if ms < 500} == {(NONE, 0)}
    assert dict(events)[1700].score == pytest.approx(0.9)  # the highest it had


def test_a_flash_does_not_start_and_a_dip_does_not_end() -> None:
    assert changes(play([(500, likely(0)), (100, likely(2)), (500, likely(0))])) == []
    dip = play([(500, likely(2)), (200, likely(0)), (500, likely(2))])
    assert changes(dip) == [(100, STARTED, 2)]


def test_between_the_thresholds_it_neither_starts_nor_ends() -> None:
    assert changes(play([(1000, likely(2, 0.55))])) == []
    assert changes(play([(300, likely(2)), (1000, likely(2, 0.45))])) == [(100, STARTED, 2)]


def test_one_action_turns_into_another_in_the_same_moment() -> None:
    events = play([(600, likely(2)), (600, likely(3))])
    assert changes(events) == [(100, STARTED, 2), (700, ENDED, 2), (700, STARTED, 3)]
    assert [e.state for ms, e in events if ms == 700] == [ENDED, STARTED]


def test_an_action_lasts_at_least_the_minimum_duration() -> None:
    config = EventConfig(0, confirm_s=0.0, end_hold_s=0.0, min_duration_s=0.5)
    events = play([(50, likely(2)), (2000, likely(0))], config)
    assert changes(events) == [(0, STARTED, 2), (500, ENDED, 2)]
    events = play([(50, likely(2)), (2000, likely(3))], config)
    assert changes(events) == [(0, STARTED, 2), (500, ENDED, 2), (500, STARTED, 3)]


def test_the_background_never_starts_and_unknown_is_not_named() -> None:
    assert {(e.state, e.class_id) for _, e in play([(1000, likely(0, 1.0))])} == {(NONE, 0)}
    for unclear in (likely(0, 0.45), likely(2, 0.55), None):
        assert {(e.state, e.class_id) for _, e in play([(1000, unclear)])} == {(NONE, None)}


def test_nothing_to_see_ends_an_action_after_the_hold() -> None:
    assert changes(play([(500, likely(2)), (1000, None)])) == [(100, STARTED, 2), (700, ENDED, 2)]


def test_unknown_above_start_also_holds_actions_back() -> None:
    strict = EventConfig(0, start=0.6, end=0.4, unknown=0.8)
    assert changes(play([(500, likely(2, 0.7))], strict)) == []


def test_close_ends_what_runs_once() -> None:
    machine = EventMachine(CONFIG)
    assert machine.close() is None
    for ms in (0, 100):
        machine.update(ms * MS, likely(1))
    assert machine.running == 1
    closed = machine.close()
    assert closed is not None and (closed.state, closed.class_id) == (ENDED, 1)
    assert machine.close() is None and machine.running is None


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, np.ndarray | None]]:
    moments, now = [], 0
    for _ in range(draw(st.integers(1, 80))):
        now += draw(st.integers(1, 400))
        if draw(st.integers(0, 9)) == 0:
            moments.append((now, None))
        else:
            moments.append((now, likely(draw(st.integers(0, 3)), draw(st.floats(0.25, 1.0)))))
    return moments


@given(
    history=histories(),
    confirm_s=st.sampled_from([0.0, 0.1, 0.5]),
    hold_s=st.sampled_from([0.0, 0.2, 0.5]),
    minimum_s=st.sampled_from([0.0, 0.3, 1.0]),
)
@settings(max_examples=200, deadline=None)
def test_every_start_has_exactly_one_end(
    history: list[tuple[int, np.ndarray | None]],
    confirm_s: float,
    hold_s: float,
    minimum_s: float,
) -> None:
    config = EventConfig(0, confirm_s=confirm_s, end_hold_s=hold_s, min_duration_s=minimum_s)
    machine = EventMachine(config)
    running: int | None = None
    began = 0
    for ms, probabilities in history:
        events = machine.update(ms * MS, probabilities)
        assert len(events) == 1 or [e.state for e in events] == [ENDED, STARTED]
        for event in events:
            if event.state == STARTED:
                assert running is None and event.class_id not in (None, 0)
                assert probabilities is not None and event.score >= config.start
                running, began = event.class_id, ms
            elif event.state == ONGOING:
                assert event.class_id == running is not None
            elif event.state == ENDED:
                assert event.class_id == running is not None
                assert ms - began >= minimum_s * 1000
                running = None
            else:
                assert running is None and event.class_id in (None, 0)
        assert machine.running == running
    closed = machine.close()
    assert (closed is None) == (running is None)


@given(rate=st.sampled_from([5, 10, 30, 100]))
def test_smoothing_depends_on_time_and_not_on_the_rate(rate: int) -> None:
    smoother = Smoother(0.5)
    smoother.update(0, likely(0, 1.0))
    for step in range(1, rate + 1):
        value = smoother.update(step * 1000 * MS // rate, likely(1, 1.0))
    assert value[0] == pytest.approx(np.exp(-2.0), abs=1e-4)
    assert value.sum() == pytest.approx(1.0, abs=1e-5)


def test_smoothing_can_be_off_or_start_afresh() -> None:
    off = Smoother(0.0)
    off.update(0, likely(0))
    assert np.array_equal(off.update(1, likely(1)), likely(1))
    smoother = Smoother(10.0)
    smoother.update(0, likely(0))
    smoother.reset()
    assert np.array_equal(smoother.update(1, likely(1)), likely(1))


@pytest.mark.parametrize(
    "options", [{"start": 1.5}, {"unknown": -0.1}, {"start": 0.3, "end": 0.5},
                {"confirm_s": -1.0}, {"end_hold_s": float("nan")}],
)  # fmt: skip
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        EventConfig(0, **options)
    with pytest.raises(ConfigurationError, match="smoothing"):
        Smoother(-1.0)


def test_a_class_may_need_more_than_the_others_to_start() -> None:
    config = EventConfig(0, start=0.6, end=0.4, unknown=0.5, class_start={2: 0.95})
    parts = [(0, 0.9), (2, 0.9), (1, 0.7), (2, 0.97)]
    assert changes(play([(500, likely(*part)) for part in parts], config)) == [
        (1100, STARTED, 1), (1600, ENDED, 1), (1600, STARTED, 2),
    ]  # fmt: skip
    # Once it runs, the common end holds: below its start it goes on.
    script = [(500, likely(2, 0.97)), (500, likely(2, 0.5))]
    assert changes(play(script, config)) == [(100, STARTED, 2)]


def test_the_start_of_a_class_is_a_probability_above_the_end() -> None:
    with pytest.raises(ConfigurationError, match=r"start of class 2 is 1\.5"):
        EventConfig(0, class_start={2: 1.5})
    with pytest.raises(ConfigurationError, match=r"above start 0\.3"):
        EventConfig(0, class_start={2: 0.3})


def test_an_urgent_action_starts_with_the_first_judgement_that_it_leads() -> None:
    config = EventConfig(
        0, start=0.6, end=0.4, unknown=0.5, confirm_s=0.5, min_duration_s=1.0, urgent={3: 0.3}
    )
    script = [(500, likely(0)), (50, likely(3, 0.35)), (1500, likely(0))]
    assert changes(play(script, config)) == [(500, STARTED, 3), (1500, ENDED, 3)]
    # Neither the confirmation nor the least duration of another action is waited for.
    script = [(600, likely(2)), (200, likely(3, 0.35)), (2000, likely(0))]
    assert changes(play(script, config))[:3] == [
        (500, STARTED, 2), (600, ENDED, 2), (600, STARTED, 3),
    ]  # fmt: skip
    # It goes on as long as it is as likely as it had to be, though below `end`.
    assert changes(play([(5000, likely(3, 0.31))], config)) == [(0, STARTED, 3)]
    # Below that, or when it does not lead, it is like nothing at all.
    assert changes(play([(1000, likely(3, 0.29))], config)) == []
    assert changes(play([(1000, np.array([0.6, 0.0, 0.0, 0.4], np.float32))], config)) == []
    with pytest.raises(ConfigurationError, match=r"urgent start of class 3 is 1\.5"):
        EventConfig(0, urgent={3: 1.5})


def test_a_judgement_that_an_urgent_class_leads_is_heard_alone() -> None:
    config = EventConfig(0, urgent={3: 0.3})
    averaged, newest = likely(0, 0.8), likely(3, 0.4)
    assert config.heard(averaged, newest) is newest
    assert config.heard(averaged, likely(3, 0.28)) is averaged  # not sure enough
    assert config.heard(averaged, likely(2, 0.9)) is averaged  # not urgent
    assert EventConfig(0).heard(averaged, newest) is averaged


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.floats(0.26, 1.0)), max_size=20),
    st.dictionaries(st.integers(1, 3), st.floats(0.0, 1.0), max_size=3),
)
def test_urgent_or_not_every_start_has_its_end(
    script: list[tuple[int, int, float]], urgent: dict[int, float]
) -> None:
    config = EventConfig(0, start=0.6, end=0.4, unknown=0.5, urgent=urgent)
    events = play([(50 * ticks, likely(*what)) for ticks, *what in script], config)
    states = [(e.state, e.class_id) for _, e in events if e.state in (STARTED, ENDED)]
    for (first, one), (second, other) in zip(states[::2], states[1::2], strict=False):
        assert (first, second, one) == (STARTED, ENDED, other)


def test_what_probably_means_nothing_does_not_start() -> None:
    config = EventConfig(0, start=0.5, end=0.3, unknown=0.5, unknown_id=1, max_doubt=0.2)

    def rows(*values: float) -> np.ndarray:
        return np.array(values, np.float32)

    # 0.3 of the probability lies with the background and "something else" ...
    assert changes(play([(1000, rows(0.1, 0.2, 0.7, 0.0))], config)) == []
    # ... or with another action: whichever it is, one is meant.
    assert changes(play([(1000, rows(0.0, 0.0, 0.7, 0.3))], config)) == [(100, STARTED, 2)]
    # Nothing is named meanwhile, and doubt that comes later ends nothing.
    assert all(e.class_id is None for _, e in play([(500, rows(0.1, 0.2, 0.7, 0.0))], config))
    script = [(500, rows(0.0, 0.1, 0.9, 0.0)), (500, rows(0.1, 0.3, 0.6, 0.0))]
    assert changes(play(script, config)) == [(100, STARTED, 2)]
    # What must not be late starts with any doubt; by default everything does.
    hurry = EventConfig(0, start=0.5, end=0.3, unknown_id=1, max_doubt=0.2, urgent={2: 0.4})
    assert changes(play([(500, rows(0.1, 0.4, 0.5, 0.0))], hurry)) == [(0, STARTED, 2)]
    assert not EventConfig(0, unknown_id=1).doubts(2, rows(0.2, 0.2, 0.6, 0.0))
    assert EventConfig(0, max_doubt=0.1).doubts(2, rows(0.2, 0.0, 0.8, 0.0))
    with pytest.raises(ConfigurationError, match=r"max_doubt is 1\.2"):
        EventConfig(0, max_doubt=1.2)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.floats(0.26, 1.0)), max_size=20),
    st.floats(0.0, 1.0),
)
def test_a_stricter_robot_never_starts_what_a_lenient_one_would_not(
    script: list[tuple[int, int, float]], limit: float
) -> None:
    moments = [(50 * ticks, likely(*what)) for ticks, *what in script]
    lenient, strict = (
        play(moments, EventConfig(0, start=0.6, end=0.4, unknown_id=1, max_doubt=doubt))
        for doubt in (1.0, limit)
    )
    running = {ms: e.class_id for ms, e in lenient if e.state in (STARTED, ONGOING)}
    assert all(running.get(ms) == e.class_id for ms, e in strict if e.state == STARTED)


def test_an_urgent_action_presses_until_it_is_over() -> None:
    config = EventConfig(0, confirm_s=0.1, end_hold_s=0.2, min_duration_s=0.3, urgent={3: 0.3})
    machine = EventMachine(config)

    def pressing(ms: int, probabilities: np.ndarray) -> bool:
        machine.observe(ms * MS, probabilities)
        found = machine.presses
        machine.advance()
        return found

    assert not pressing(0, likely(0))
    assert pressing(50, likely(3, 0.5)) and machine.running == 3  # it would start
    assert not machine.hurries and pressing(100, likely(3, 0.5))  # it goes on
    assert pressing(400, likely(0)) and pressing(550, likely(0))  # low, and not for long enough
    assert not pressing(600, likely(0)) and machine.running is None
    # Nor does one press that is about to turn into an action that is not urgent.
    assert pressing(1000, likely(3)) and pressing(1400, likely(2))
    assert not pressing(1500, likely(2)) and machine.running == 2
    assert not pressing(1550, likely(2))
