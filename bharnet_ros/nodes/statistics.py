"""What a node counts and times between two diagnostic messages. Free of ROS."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

_KEPT = 256
"""Newest values kept per duration; bounds the memory of a node that nobody asks."""


@dataclass(frozen=True)
class Period:
    """One stretch between two reports.

    rates_hz: events per second by name. durations_ms: name -> (median, 95th percentile).
    drops, total_drops: dropped items by reason, in this period and since the start.
    """

    rates_hz: Mapping[str, float]
    durations_ms: Mapping[str, tuple[float, float]]
    drops: Mapping[str, int]
    total_drops: Mapping[str, int]


class Statistics:
    """Counts events, durations and drops; `close_period` sums up and begins anew."""

    def __init__(self) -> None:
        self._events: Counter[str] = Counter()
        self._durations: dict[str, deque[float]] = {}
        self._drops: Counter[str] = Counter()
        self._total_drops: Counter[str] = Counter()
        self._begin = time.monotonic()

    def event(self, name: str) -> None:
        """Something happened once, for a rate."""
        self._events[name] += 1

    def duration(self, name: str, milliseconds: float) -> None:
        """A stage took so long."""
        self._durations.setdefault(name, deque(maxlen=_KEPT)).append(milliseconds)

    def durations(self, stages: Mapping[str, float]) -> None:
        """Several stages, name -> milliseconds."""
        for name, milliseconds in stages.items():
            self.duration(name, milliseconds)

    def drop(self, reason: str, count: int = 1) -> None:
        """Something was not used, for this reason."""
        self._drops[reason] += count
        self._total_drops[reason] += count

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
        )
        # Names stay, so that a rate that fell to nothing is reported as 0 instead of vanishing.
        self._events = Counter(dict.fromkeys(self._events, 0))
        for values in self._durations.values():
            values.clear()
        self._drops.clear()
        self._begin = now
        return period


def _percentile(values: deque[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
