from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.conflicts import MARGIN, settle
from bharnet_ros.events import Event, EventConfig, EventMachine
from bharnet_ros.types import ActionState

MS = 1_000_000
NONE, STARTED, ONGOING, ENDED = ActionState
CONFIG = EventConfig(0, start=0.6, end=0.4, unknown=0.5, confirm_s=0.0)
IDLE = (0, 0.9)


def likely(class_id: int, value: float) -> np.ndarray:
    out = np.full(3, (1.0 - value) / 2, np.float32)
    out[class_id] = value
    return out


def play(
    conflict: str,
    *script: tuple[int, tuple[int, float], tuple[int, float]],
    first: EventConfig = CONFIG,
    second: EventConfig = CONFIG,
) -> list[tuple[int, int, Event]]:
    """[(ms, (class, probability) by the first bundle, by the second)] at 20 Hz ->
    [(ms, bundle, event)]."""
    machines, said, now = [EventMachine(first), EventMachine(second)], [], 0
    for duration, *opinions in script:
        for _ in range(duration // 50):
            judged = [likely(*opinion) for opinion in opinions]
            said += [(now, n, e) for n, e in settle(machines, now * MS, judged, conflict)]
            now += 50
    return said


def changes(said: list[tuple[int, int, Event]]) -> list[tuple[int, int, ActionState]]:
    return [(ms, n, e.state) for ms, n, e in said if e.state in (STARTED, ENDED)]


BOTH_ACT = (1000, (1, 0.7), (2, 0.9))


def test_all_speak_for_themselves() -> None:
    said = play("all", (200, IDLE, IDLE), BOTH_ACT, (500, IDLE, IDLE))
    assert changes(said) == [
        (200, 0, STARTED), (200, 1, STARTED), (1400, 0, ENDED), (1400, 1, ENDED),
    ]  # fmt: skip
    assert {ms: sum(other == ms for other, _, _ in said) for ms, _, _ in said} == dict.fromkeys(
        range(0, 1700, 50), 2
    )


def test_best_lets_the_surest_act_alone() -> None:
    said = play("best", (200, IDLE, (0, 0.95)), BOTH_ACT, (500, IDLE, IDLE))
    assert changes(said) == [(200, 1, STARTED), (1400, 1, ENDED)]
    assert len(said) == len({ms for ms, _, _ in said})  # one statement at a time
    assert said[0] == (0, 1, Event(NONE, 0, pytest.approx(0.95)))


def test_priority_lets_the_first_act() -> None:
    said = play("priority", (200, IDLE, (0, 0.95)), BOTH_ACT, (500, IDLE, IDLE))
    assert changes(said) == [(200, 0, STARTED), (1400, 0, ENDED)]
    assert said[0][1] == 0


def test_the_second_acts_while_the_first_has_nothing_to_say() -> None:
    said = play("priority", (500, IDLE, (2, 0.9)), (500, (1, 0.7), (2, 0.9)), (500, IDLE, (2, 0.9)))
    assert changes(said) == [
        (0, 1, STARTED), (500, 1, ENDED), (500, 0, STARTED), (1200, 0, ENDED), (1250, 1, STARTED),
    ]  # fmt: skip
    at_change = [n for ms, n, _ in said if ms == 500]
    assert at_change == [1, 0]  # the end is told before the start


def test_who_acts_is_not_replaced_by_one_hardly_surer() -> None:
    steady = (500, (1, 0.7), IDLE)
    rival = (500, (1, 0.7), (2, 0.7 + MARGIN - 0.02))
    assert changes(play("best", steady, rival)) == [(0, 0, STARTED)]
    surer = (500, (1, 0.7), (2, 0.7 + MARGIN + 0.02))
    assert changes(play("best", steady, surer)) == [
        (0, 0, STARTED), (500, 0, ENDED), (500, 1, STARTED),
    ]  # fmt: skip


@pytest.mark.parametrize("conflict", ["best", "priority"])
def test_an_action_lasts_its_least_duration(conflict: str) -> None:
    weak, strong = ((1, 0.65), (2, 0.99)) if conflict == "best" else ((2, 0.99), (1, 0.65))
    before = (IDLE, weak) if conflict == "priority" else (weak, IDLE)
    after = (strong, weak) if conflict == "priority" else (weak, strong)
    said = changes(play(conflict, (100, *before), (900, *after)))
    assert [(ms, state) for ms, _, state in said] == [(0, STARTED), (300, ENDED), (300, STARTED)]


@pytest.mark.parametrize("conflict", ["all", "best", "priority"])
def test_a_turn_within_one_bundle_stays_in_it(conflict: str) -> None:
    said = play(conflict, (500, (1, 0.9), IDLE), (500, (2, 0.9), IDLE))
    acting = [(n, e.state, e.class_id) for _, n, e in said if e.state in (STARTED, ENDED)]
    assert acting == [(0, STARTED, 1), (0, ENDED, 1), (0, STARTED, 2)]


def test_unknown_is_said_when_no_bundle_names_anything() -> None:
    for conflict in ("best", "priority"):
        assert play(conflict, (50, (1, 0.4), (2, 0.4))) == [(0, 0, Event(NONE, None, 0.0))]
        assert play(conflict, (50, (1, 0.4), IDLE))[0][1] == 1


opinions = st.tuples(st.integers(0, 2), st.floats(0.34, 1.0))


@given(
    conflict=st.sampled_from(["best", "priority"]),
    script=st.lists(st.tuples(st.sampled_from([50, 100, 400]), opinions, opinions), max_size=30),
)
@settings(max_examples=200, deadline=None)
def test_one_action_at_a_time_and_every_start_has_one_end(
    conflict: str, script: list[tuple[int, tuple[int, float], tuple[int, float]]]
) -> None:
    running: tuple[int, int | None] | None = None
    for _, number, event in play(conflict, *script):
        if event.state == STARTED:
            assert running is None
            running = (number, event.class_id)
        elif event.state in (ONGOING, ENDED):
            assert running == (number, event.class_id)
            if event.state == ENDED:
                running = None
        else:
            assert running is None and event.class_id in (None, 0)


HURRY = EventConfig(0, start=0.6, end=0.4, unknown=0.5, confirm_s=0.0, urgent={2: 0.4})


def test_an_urgent_action_goes_before_a_surer_one() -> None:
    hurry = HURRY
    script = [(100, (1, 0.95), IDLE), (500, (1, 0.95), (2, 0.45)), (500, IDLE, IDLE)]
    assert changes(play("best", *script, second=hurry)) == [
        (0, 0, STARTED), (100, 0, ENDED), (100, 1, STARTED), (800, 1, ENDED),
    ]  # fmt: skip
    # Whoever gave the first bundle priority gets it.
    assert changes(play("priority", *script, second=hurry))[:1] == [(0, 0, STARTED)]
    assert (100, 1, STARTED) not in changes(play("priority", *script, second=hurry))


def test_an_urgent_action_stays_while_another_bundle_is_surer() -> None:
    surer = (1, 0.95)
    script = [(3000, surer, (2, 0.45)), (100, surer, IDLE), (1000, surer, (2, 0.45))]
    # Nor does a dip that ends no action let the other one in.
    assert changes(play("best", *script, second=HURRY)) == [(0, 1, STARTED)]
    # When it is over by its own rules, the other one has its turn at once.
    said = changes(play("best", (1000, surer, (2, 0.45)), (1000, surer, IDLE), second=HURRY))
    assert said == [(0, 1, STARTED), (1200, 1, ENDED), (1200, 0, STARTED)]
    # The same when it turns into an action of its own bundle that is not urgent.
    script = [(1000, surer, (2, 0.45)), (1000, surer, (1, 0.7))]
    said = changes(play("best", *script, second=HURRY))
    assert said == [(0, 1, STARTED), (1000, 1, ENDED), (1000, 0, STARTED)]


def test_of_two_urgent_actions_one_stays_unless_the_other_is_clearly_surer() -> None:
    both = {"first": HURRY, "second": HURRY}
    assert changes(play("best", (2000, (2, 0.6), (2, 0.6 + MARGIN - 0.02)), **both)) == [
        (0, 1, STARTED)
    ]
    script = [(100, (2, 0.6), IDLE), (2000, (2, 0.6), (2, 0.9))]
    assert changes(play("best", *script, **both)) == [
        (0, 0, STARTED), (100, 0, ENDED), (100, 1, STARTED),
    ]  # fmt: skip


@given(
    conflict=st.sampled_from(["best", "priority"]),
    seen=st.tuples(opinions, opinions),
    urgent=st.tuples(*[st.dictionaries(st.integers(1, 2), st.floats(0.0, 1.0), max_size=2)] * 2),
    confirm_s=st.tuples(*[st.sampled_from([0.0, 0.1, 0.4])] * 2),
)
@settings(max_examples=200, deadline=None)
def test_nobody_takes_turns_while_nothing_changes(
    conflict: str,
    seen: tuple[tuple[int, float], tuple[int, float]],
    urgent: tuple[dict[int, float], dict[int, float]],
    confirm_s: tuple[float, float],
) -> None:
    first, second = (
        EventConfig(0, start=0.6, end=0.4, unknown=0.5, confirm_s=s, urgent=u)
        for s, u in zip(confirm_s, urgent, strict=True)
    )
    said = changes(play(conflict, (4000, *seen), first=first, second=second))
    # One that needs less time begins, one that may speak first or is surer takes over.
    assert len(said) <= 3
