"""What the judge of the fault runs takes for wrong, and what for right."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.heard import ENDED, NONE, ONGOING, STARTED, Arrival, Entry, longest_gap_s
from benchmarks.verdict import check

SECOND = 1_000_000_000
AGE = SECOND // 10


def arrival(stamp_s: float, *states: int, name: str = "stop", age_ns: int = AGE) -> Arrival:
    """A message about one person, that long after the image was sent."""
    stamp = round(stamp_s * SECOND)
    entries = tuple(Entry(state, 1, "tiny", name) for state in states)
    return Arrival(stamp + age_ns, stamp, len(entries), entries)


def faults(
    messages: Sequence[Arrival], really: Sequence[str] | None = ("stop",), restarts: int = 0
) -> list[str]:
    sent = {message.stamp_ns: message.stamp_ns for message in messages if message.stamp_ns < 10**12}
    return check(messages, sent, really=really, time_restarts=restarts).faults()


WHOLE = (
    arrival(1.0, NONE, name=""), arrival(1.1, STARTED), arrival(1.2, ONGOING), arrival(1.3, ENDED),
    arrival(1.4, NONE, name=""),
)  # fmt: skip


def test_a_whole_action_is_right() -> None:
    assert faults(WHOLE) == []
    assert check(WHOLE, {}).messages == 5


def test_closing_after_silence_is_no_news_and_may_be_late() -> None:
    late = arrival(1.2, ENDED, age_ns=3 * SECOND)
    assert faults([*WHOLE[:3], late]) == []


def test_old_unsent_and_backward_states_are_found() -> None:
    old = arrival(1.5, NONE, age_ns=2 * SECOND)
    unsent = arrival(5000.0, NONE)
    back = arrival(1.0, NONE)
    assert faults([old]) == ["1 states rested on images that were too old"]
    assert faults([unsent]) == ["1 states rested on images never sent"]
    assert faults([*WHOLE, back]) == ["1 states stepped back in time"]
    assert faults([*WHOLE, back], restarts=1) == []


def test_actions_that_are_not_told_whole_are_found() -> None:
    assert faults([arrival(1.0, ONGOING)]) == ["person 1: stop went on without a start"]
    assert faults([arrival(1.0, ENDED)]) == ["person 1: stop ended without a start"]
    (again,) = faults([arrival(1.0, STARTED), arrival(1.1, STARTED)])
    assert "while stop was in progress" in again
    (never,) = faults([arrival(1.0, STARTED), arrival(1.1, NONE)])
    assert "never ended" in never


def test_what_nobody_does_is_found() -> None:
    other = [arrival(1.0, STARTED, name="fist"), arrival(1.1, ENDED, name="fist")]
    assert faults(other) == ["1 x fist started that nobody did"]
    assert faults(other, really=None) == []


def test_what_a_killed_recogniser_had_in_progress_is_counted_apart() -> None:
    begun, anew = arrival(1.0, STARTED), arrival(3.0, STARTED)
    sent = {message.stamp_ns: message.stamp_ns for message in (begun, anew)}
    verdict = check([begun, anew], sent, really=("stop",), restarts_ns=[2 * SECOND])
    assert verdict.faults() == [] and verdict.left_open == 1
    later = check([begun, anew], sent, restarts_ns=[2 * SECOND], begin_ns=5 * SECOND // 2)
    assert later.left_open == 0


def test_the_next_recogniser_may_have_begun_before_it_was_found() -> None:
    begun, found, later = arrival(1.0, STARTED), arrival(3.0, ONGOING), arrival(3.1, ENDED)
    messages = [begun, found, later]
    sent = {message.stamp_ns: message.stamp_ns for message in messages}
    verdict = check(messages, sent, really=("stop",), restarts_ns=[2 * SECOND])
    assert verdict.faults() == [] and verdict.joined_late == 1


def test_what_came_before_the_fault_only_sets_the_scene() -> None:
    sent = {message.stamp_ns: message.stamp_ns for message in WHOLE}
    verdict = check(WHOLE, sent, really=("stop",), begin_ns=WHOLE[2].received_ns)
    assert verdict.messages == 3 and verdict.faults() == []


def test_the_longest_silence_counts_the_ends_too() -> None:
    messages = [arrival(1.0), arrival(1.2)]
    begin, end = 0, 4 * SECOND
    assert longest_gap_s(messages, begin, end) == 4.0 - 1.3
    assert longest_gap_s([], begin, end) == 4.0
