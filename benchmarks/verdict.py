"""What must hold of the actions whatever happens to the graph, checked on what was heard.

- Nothing stale is published as new: a state rests on an image that was really sent, that was
  sent less than STALE_S ago, and that is newer than the one before (unless time began anew).
- Every action is told whole: STARTED, ONGOING, exactly one ENDED. What a killed recogniser had
  in progress stays open; that is the fault itself and counted apart.
- Nobody is said to do what nobody does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.heard import ENDED, NONE, ONGOING, STARTED, Arrival

STALE_S = 1.0
_NS = 1_000_000_000


@dataclass
class Verdict:
    """messages: looked at. stale, unsent, backwards: messages with a state that rests on an old
    image, on one that was never sent, on one older than before. broken: orders of states that
    may not be, in words. wrong: names that were started and that nobody did. left_open: actions
    whose recogniser was killed. joined_late: actions whose STARTED the next recogniser sent before
    the listener's middleware had found it. ages_s: of every message, arrival minus sending of its
    image."""

    messages: int = 0
    stale: int = 0
    unsent: int = 0
    backwards: int = 0
    broken: list[str] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    left_open: int = 0
    joined_late: int = 0
    ages_s: list[float] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What was wrong, in words; empty when nothing was."""
        found = []
        for count, what in (
            (self.stale, "rested on images that were too old"),
            (self.unsent, "rested on images never sent"),
            (self.backwards, "stepped back in time"),
        ):
            if count:
                found.append(f"{count} states {what}")
        found += self.broken
        found += [f"{count} x {name} started that nobody did" for name, count in self.wrong.items()]
        return found


class Checker:
    """Looks at actions messages one after another.

    sent: stamp -> when that image was sent; may grow while checking. really: actions that
    somebody does; None = whatever they are. time_restarts: how often stamps may step back.
    stale_s: age of an image beyond which a state that rests on it is stale.
    """

    def __init__(
        self,
        sent: Mapping[int, int],
        really: Iterable[str] | None = None,
        time_restarts: int = 0,
        stale_s: float = STALE_S,
    ) -> None:
        self.verdict = Verdict()
        self._sent = sent
        self._allowed = None if really is None else set(really)
        self._time_restarts = time_restarts
        self._stale_s = stale_s
        self._running: dict[tuple[str, int], str] = {}
        self._newest_ns = 0
        self._is_first = False

    def recogniser_killed(self, counts: bool = True) -> None:
        """What it had in progress stays open; the next one begins with nobody."""
        self.verdict.left_open += len(self._running) if counts else 0
        self._running.clear()
        self._is_first = True

    def feed(self, arrival: Arrival, counts: bool = True) -> None:
        """The next message. counts: False = it only sets the scene."""
        verdict = self.verdict if counts else Verdict()
        verdict.messages += 1
        if self._is_first:
            self._is_first = False
            for entry in arrival.entries:
                if entry.state == ONGOING:
                    verdict.joined_late += 1
                    self._running[entry.bundle, entry.track_id] = entry.name
        if not arrival.only_ends:
            _check_time(verdict, arrival, self._sent, self._stale_s)
            if counts and arrival.stamp_ns <= self._newest_ns:
                if self._time_restarts > 0:
                    self._time_restarts -= 1
                else:
                    verdict.backwards += 1
            self._newest_ns = arrival.stamp_ns
        _check_order(verdict, arrival, self._running, self._allowed)


def check(
    actions: Sequence[Arrival],
    sent: Mapping[int, int],
    *,
    really: Iterable[str] | None = None,
    restarts_ns: Sequence[int] = (),
    begin_ns: int = 0,
    time_restarts: int = 0,
    stale_s: float = STALE_S,
) -> Verdict:
    """Look at every actions message from begin_ns on; those before only set the scene.

    restarts_ns: when the recogniser was killed. The rest as in `Checker`.
    """
    checker, pending = Checker(sent, really, time_restarts, stale_s), sorted(restarts_ns)
    for arrival in actions:
        while pending and arrival.received_ns > pending[0]:
            checker.recogniser_killed(pending.pop(0) >= begin_ns)
        checker.feed(arrival, arrival.received_ns >= begin_ns)
    return checker.verdict


def _check_time(
    verdict: Verdict, arrival: Arrival, sent: Mapping[int, int], stale_s: float
) -> None:
    sent_ns = sent.get(arrival.stamp_ns)
    if sent_ns is None:
        verdict.unsent += 1
        return
    age_s = (arrival.received_ns - sent_ns) / _NS
    verdict.ages_s.append(age_s)
    if age_s > stale_s:
        verdict.stale += 1


def _check_order(
    verdict: Verdict,
    arrival: Arrival,
    running: dict[tuple[str, int], str],
    allowed: set[str] | None,
) -> None:
    for entry in arrival.entries:
        key = (entry.bundle, entry.track_id)
        now = running.get(key)
        who = f"person {entry.track_id}: "
        if entry.state == STARTED:
            if now is not None:
                verdict.broken.append(f"{who}{entry.name} started while {now} was in progress")
            if allowed is not None and entry.name not in allowed:
                verdict.wrong[entry.name] += 1
            running[key] = entry.name
        elif entry.state == ONGOING:
            if now is None:
                verdict.broken.append(f"{who}{entry.name} went on without a start")
                running[key] = entry.name
        elif entry.state == ENDED:
            if now is None:
                verdict.broken.append(f"{who}{entry.name} ended without a start")
            running.pop(key, None)
        elif entry.state == NONE and now is not None:
            verdict.broken.append(f"{who}{now} was in progress and was never ended")
            del running[key]
