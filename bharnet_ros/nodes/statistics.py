"""What a node counts and times between two diagnostic messages. Free of ROS."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

_KEPT = 256
"""Newest values kept per duration; bounds the memory of a node that nobody asks."""

WORK = "work"
"""The duration of all that is done with one input message."""


@dataclass(frozen=True)
class Period:
    """One stretch between two reports.

    rates_hz: events per second by name. durations_ms: name -> (median, 95th percentile).
    drops, total_drops: dropped items by reason, in this period and since the start.
    elapsed_s: its length. busy_share: the share of it spent on input, 0..1.
    missed, total_missed: items that were published but never taken, by reason, likewise.
    gauges: the newest value of whatever has one, by name.
    """

    rates_hz: Mapping[str, float]
    durations_ms: Mapping[str, tuple[float, float]]
    drops: Mapping[str, int]
    total_drops: Mapping[str, int]
    elapsed_s: float = 1.0
    busy_share: float = 0.0
    missed: Mapping[str, int] = field(default_factory=dict)
    total_missed: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)

    def rate_hz(self, ending: str) -> float | None:
        """All events whose names end so ("in", "out") together; None if there are none."""
        rates = [rate for name, rate in self.rates_hz.items() if name.split()[-1] == ending]
        return sum(rates) if rates else None


class Statistics:
    """Counts events, durations and drops; `close_period` sums up and begins anew.

    whole: what this is a part of, and where all but the gauges is counted too.
    """

    def __init__(self, whole: Statistics | None = None) -> None:
        self._whole = whole
        self._events: Counter[str] = Counter()
        self._durations: dict[str, deque[float]] = {}
        self._drops: Counter[str] = Counter()
        self._total_drops: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()
        self._total_missed: Counter[str] = Counter()
        self._gauges: dict[str, float] = {}
        self._busy_ms = 0.0
        self._begin = time.monotonic()

    def event(self, name: str) -> None:
        """Something happened once, for a rate. Names end in "in" or "out"."""
        if self._whole is not None:
            self._whole.event(name)
        self._events[name] += 1

    def duration(self, name: str, milliseconds: float) -> None:
        """A stage took so long."""
        if self._whole is not None:
            self._whole.duration(name, milliseconds)
        self._durations.setdefault(name, deque(maxlen=_KEPT)).append(milliseconds)

    def durations(self, stages: Mapping[str, float]) -> None:
        """Several stages, name -> milliseconds."""
        for name, milliseconds in stages.items():
            self.duration(name, milliseconds)

    def work(self, milliseconds: float) -> None:
        """All that was done with one input message took so long."""
        if self._whole is not None:
            self._whole.work(milliseconds)
        self._busy_ms += milliseconds
        self._durations.setdefault(WORK, deque(maxlen=_KEPT)).append(milliseconds)

    def drop(self, reason: str, count: int = 1) -> None:
        """Something was not used, for this reason."""
        if self._whole is not None:
            self._whole.drop(reason, count)
        self._drops[reason] += count
        self._total_drops[reason] += count

    def miss(self, reason: str, count: int = 1) -> None:
        """Something was published but never taken, for this reason."""
        if self._whole is not None:
            self._whole.miss(reason, count)
        self._missed[reason] += count
        self._total_missed[reason] += count

    def gauge(self, name: str, value: float) -> None:
        """Something stands at this value now."""
        self._gauges[name] = value

    @property
    def total_drops(self) -> Mapping[str, int]:
        """Drops by reason since the start."""
        return dict(self._total_drops)

    def close_period(self) -> Period:
        """Everything since the last call (or the start)."""
        now = time.monotonic()
        elapsed = max(now - self._begin, 1e-6)
        period = Period(
            rates_hz={name: count / elapsed for name, count in self._events.items()},
            durations_ms={
                name: (_percentile(values, 0.5), _percentile(values, 0.95))
                for name, values in self._durations.items()
                if values
            },
            drops=dict(self._drops),
            total_drops=dict(self._total_drops),
            elapsed_s=elapsed,
            busy_share=min(self._busy_ms / 1e3 / elapsed, 1.0),
            missed=dict(self._missed),
            total_missed=dict(self._total_missed),
            gauges=dict(self._gauges),
        )
        # Names stay, so that a rate that fell to nothing is reported as 0 instead of vanishing.
        self._events = Counter(dict.fromkeys(self._events, 0))
        for values in self._durations.values():
            values.clear()
        self._drops.clear()
        self._missed.clear()
        self._busy_ms = 0.0
        self._begin = now
        return period


def _percentile(values: deque[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
