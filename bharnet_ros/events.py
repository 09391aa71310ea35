"""From probabilities over time to events: when an action starts, goes on and ends.

All durations are compared with stamps, so the outcome does not depend on how often one looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import ActionState, FloatArray

_NS = 1_000_000_000


@dataclass(frozen=True)
class EventConfig:
    """When to believe.

    background_id: the class that is no action; it never starts.
    unknown_id: a class that means "something else"; it never starts and is never named.
    start: probability at which an action may start; end: below it, it may end.
    class_start: by class id, the start of classes that have one of their own.
    urgent: by class id, the probability at which a class that must not be late starts at once: in
        a single judgement that it leads (see `heard`), without confirm_s, whatever `unknown` is,
        and also while another action has not lasted its least duration.
    unknown: below it not even the background class is named.
    max_doubt: the largest probability of the background and the unknown class together with which
        an action may start; urgent ones start with any. Two gestures that are hard to tell apart
        share a probability that is far from what means nothing; a hand that means nothing does
        not, however surely it is more this gesture than any other.
    confirm_s: how long a class must stay at `start` before it starts or takes over.
    end_hold_s: how long it must stay below `end` before it is over; shorter dips are flicker.
    min_duration_s: an action that started lasts at least this long.
    """

    background_id: int
    start: float = 0.6
    end: float = 0.4
    unknown: float = 0.5
    confirm_s: float = 0.1
    end_hold_s: float = 0.2
    min_duration_s: float = 0.3
    unknown_id: int | None = None
    max_doubt: float = 1.0
    class_start: Mapping[int, float] = field(default_factory=dict)
    urgent: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in ("start", "end", "unknown", "max_doubt")}
        values |= {f"start of class {number}": v for number, v in self.class_start.items()}
        values |= {f"urgent start of class {number}": v for number, v in self.urgent.items()}
        for name, value in values.items():
            if not 0.0 <= value <= 1.0:
                raise ConfigurationError(f"{name} is {value}; it is a probability, 0 to 1.")
        lowest = min(self.start, *self.class_start.values(), 1.0)
        if self.end > lowest:
            raise ConfigurationError(
                f"end is {self.end}, above start {lowest}; an action would end the moment it "
                "starts."
            )
        for name in ("confirm_s", "end_hold_s", "min_duration_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ConfigurationError(f"{name} is {value}; it must be 0 seconds or more.")

    def heard(self, averaged: FloatArray, newest: FloatArray) -> FloatArray:
        """(C,) what an event machine takes in: the average over judgements, or the newest
        judgement alone if an urgent class leads it with what it needs."""
        best = int(newest.argmax())
        return newest if float(newest[best]) >= self.urgent.get(best, math.inf) else averaged

    def needed(self, class_id: int) -> float:
        """What it takes to start; what is not named cannot."""
        if class_id in self.urgent:
            return self.urgent[class_id]
        return max(self.class_start.get(class_id, self.start), self.unknown)

    def doubts(self, class_id: int, probabilities: FloatArray) -> bool:
        """Whether a class cannot start because it is likely that nothing is meant."""
        if self.max_doubt >= 1.0 or class_id in self.urgent:
            return False
        silent = float(probabilities[self.background_id])
        if self.unknown_id is not None:
            silent += float(probabilities[self.unknown_id])
        return silent > self.max_doubt

    def kept(self, class_id: int) -> float:
        """Below it an action may end; not above what it started with."""
        return min(self.end, self.urgent.get(class_id, self.end))


@dataclass(frozen=True)
class Event:
    """What became of one person at one moment.

    class_id: the action; for NONE the background class, or None = unknown.
    score: its probability now; for ENDED the highest it had, since now it is low.
    """

    state: ActionState
    class_id: int | None
    score: float


class EventMachine:
    """One person's actions as one bundle sees them: at any time none or one.

    Every STARTED is followed by exactly one ENDED of the same class, with only ONGOING between.
    A moment is taken in with `observe` and answered with `advance`; between the two, `bid` tells
    whoever must choose among several machines what this one has to say.
    """

    def __init__(self, config: EventConfig) -> None:
        self.config = config
        """May be exchanged at any time; what runs goes on by the new rules."""
        self._now_ns = 0
        self._probabilities: FloatArray | None = None
        self._running: int | None = None
        self._started_ns = 0
        self._peak = 0.0
        self._below_since: int | None = None
        self._candidate: int | None = None
        self._candidate_since = 0

    @property
    def running(self) -> int | None:
        """Class of the action in progress."""
        return self._running

    @property
    def standing(self) -> Event:
        """How things stand since the moment observed last: nothing, or the action in progress."""
        if self._running is None:
            return self._none()
        return Event(ActionState.ONGOING, self._running, self._score(self._running))

    @property
    def is_settled(self) -> bool:
        """Whether the action in progress, if there is one, may end: after its least duration, or
        for an urgent one."""
        if self.hurries:
            return True
        lasted_ns = self._now_ns - self._started_ns
        return self._running is None or lasted_ns >= _ns(self.config.min_duration_s)

    @property
    def hurries(self) -> bool:
        """Whether an urgent action would start now."""
        return self._candidate in self.config.urgent

    @property
    def presses(self) -> bool:
        """Whether an urgent action would start now, or is in progress and would neither end now
        nor turn into another one."""
        stays = not self._is_over and not self._is_confirmed
        return self.hurries or (self._running in self.config.urgent and stays)

    @property
    def bid(self) -> float | None:
        """Probability of the action in progress or of one that would start now, whichever is
        higher; None if there is neither."""
        wanted = [self._running, self._candidate if self._is_confirmed else None]
        return max((self._score(each) for each in wanted if each is not None), default=None)

    def update(self, stamp_ns: int, probabilities: FloatArray | None) -> tuple[Event, ...]:
        """`observe` and `advance` in one, for a machine that is alone."""
        self.observe(stamp_ns, probabilities)
        return self.advance()

    def observe(self, stamp_ns: int, probabilities: FloatArray | None) -> None:
        """Take in a moment later than the last one.

        probabilities: (C,), or None if nothing can be said.
        """
        self._now_ns, self._probabilities = stamp_ns, probabilities
        self._follow_candidate(self._best_action())
        if self._running is None:
            return
        score = self._score(self._running)
        self._peak = max(self._peak, score)
        if score >= self.config.kept(self._running):
            self._below_since = None
        elif self._below_since is None:
            self._below_since = stamp_ns

    def advance(self, allowed: bool = True) -> tuple[Event, ...]:
        """What became of the person at the moment observed last.

        allowed: False while somebody else has the say: what runs ends, nothing starts.
        Returns one event; two, ENDED and STARTED, when one action turns into another.
        """
        if self._running is None:
            return (self._begin() if allowed and self._is_confirmed else self._none(),)
        if not allowed:
            return (self._finish(),)
        if self.is_settled:
            if self._is_confirmed:
                return (self._finish(), self._begin())
            if self._is_over:
                return (self._finish(),)
        return (self.standing,)

    def close(self) -> Event | None:
        """End the action in progress, if there is one (the person left, or time began anew)."""
        self._candidate = None
        return None if self._running is None else self._finish()

    def _score(self, class_id: int | None) -> float:
        if self._probabilities is None or class_id is None:
            return 0.0
        return float(self._probabilities[class_id])

    def _best_action(self) -> int | None:
        if self._probabilities is None:
            return None
        best = int(self._probabilities.argmax())
        return None if best in (self.config.background_id, self.config.unknown_id) else best

    def _follow_candidate(self, best: int | None) -> None:
        if best is None or best == self._running or not self._suffices(best):
            self._candidate = None
        elif best != self._candidate:
            self._candidate, self._candidate_since = best, self._now_ns

    def _suffices(self, class_id: int) -> bool:
        if self._probabilities is None or self._score(class_id) < self.config.needed(class_id):
            return False
        return not self.config.doubts(class_id, self._probabilities)

    @property
    def _is_confirmed(self) -> bool:
        waited_ns = self._now_ns - self._candidate_since
        return self.hurries or (
            self._candidate is not None and waited_ns >= _ns(self.config.confirm_s)
        )

    @property
    def _is_over(self) -> bool:
        """Whether the action in progress was below its end for long enough."""
        since = self._below_since
        return since is not None and self._now_ns - since >= _ns(self.config.end_hold_s)

    def _begin(self) -> Event:
        self._running, self._candidate = self._candidate, None
        self._started_ns, self._below_since = self._now_ns, None
        self._peak = self._score(self._running)
        return Event(ActionState.STARTED, self._running, self._peak)

    def _finish(self) -> Event:
        event = Event(ActionState.ENDED, self._running, self._peak)
        self._running, self._below_since = None, None
        return event

    def _none(self) -> Event:
        background = self.config.background_id
        score = self._score(background)
        leads = self._probabilities is not None and self._probabilities.argmax() == background
        if leads and score >= self.config.unknown:
            return Event(ActionState.NONE, background, score)
        return Event(ActionState.NONE, None, 0.0)


class Smoother:
    """A running average of probabilities with a time constant, whatever the frame rate."""

    def __init__(self, time_constant_s: float) -> None:
        if not (math.isfinite(time_constant_s) and time_constant_s >= 0.0):
            raise ConfigurationError(
                f"The smoothing time is {time_constant_s}; it must be 0 seconds or more."
            )
        self._tau_ns = time_constant_s * _NS
        self._value: FloatArray | None = None
        self._stamp_ns = 0

    def set_time_constant(self, time_constant_s: float) -> None:
        """Another one from the next value on. Raises ConfigurationError as the constructor."""
        self._tau_ns = Smoother(time_constant_s)._tau_ns

    def update(self, stamp_ns: int, value: FloatArray) -> FloatArray:
        """(C,) the average up to now; the first value counts in full."""
        if self._value is None or self._tau_ns == 0.0:
            self._value = value
        else:
            kept = math.exp(-(stamp_ns - self._stamp_ns) / self._tau_ns)
            self._value = value + (self._value - value) * value.dtype.type(kept)
        self._stamp_ns = stamp_ns
        return self._value

    def reset(self) -> None:
        """Forget what was averaged."""
        self._value = None


def _ns(seconds: float) -> int:
    return round(seconds * _NS)
