"""What a node finds wrong with itself, and how bad it is. Free of ROS.

WARN: it works, but not as it should (late, starved, half deaf); somebody should look.
ERROR: it does not do its work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

_REMEMBERED_S = 30.0
"""How long a failure that is over is still told."""


class Level(IntEnum):
    """The levels of diagnostic_msgs/DiagnosticStatus that a node says of itself."""

    OK = 0
    WARN = 1
    ERROR = 2

    def byte(self) -> bytes:
        """As the message has it."""
        return bytes([self])


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, in words that name the cause and the remedy."""

    level: Level
    text: str


def summary(findings: Sequence[Finding], otherwise: str = "working") -> tuple[bytes, str]:
    """Level and message of a diagnostic status: the worst first, all of them told."""
    if not findings:
        return Level.OK.byte(), otherwise
    ordered = sorted(findings, key=lambda finding: -finding.level)
    return ordered[0].level.byte(), "; ".join(finding.text for finding in ordered)


class Failures:
    """Parts of a node that fail and recover while it goes on.

    clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._parts: dict[str, _Part] = {}

    def failed(self, what: str, error: Exception | str) -> None:
        """A part failed at its work."""
        now = self._clock()
        part = self._parts.get(what)
        if part is None or (not part.failing and now - part.last_s > _REMEMBERED_S):
            part = self._parts[what] = _Part(now)
        if not part.failing:
            part.since_s = now
        part.failing, part.last_s, part.text = True, now, str(error)
        part.count += 1

    def worked(self, what: str) -> None:
        """A part did its work."""
        part = self._parts.get(what)
        if part is not None:
            part.failing = False

    def failing_s(self, what: str) -> float:
        """For how many seconds a part has done nothing but fail; 0 if it works."""
        part = self._parts.get(what)
        return self._clock() - part.since_s if part is not None and part.failing else 0.0

    def clear(self) -> None:
        """Forget all, as for parts that were loaded anew."""
        self._parts.clear()

    def findings(self) -> list[Finding]:
        """ERROR while a part fails, WARN for half a minute after it recovered."""
        now, found = self._clock(), []
        for what, part in list(self._parts.items()):
            times = "once" if part.count == 1 else f"{part.count} times"
            if part.failing:
                text = f"{what} failing for {now - part.since_s:.0f} s ({times}): {part.text}"
                found.append(Finding(Level.ERROR, text))
            elif now - part.last_s <= _REMEMBERED_S:
                text = f"{what} failed {times}, {now - part.last_s:.0f} s ago: {part.text}"
                found.append(Finding(Level.WARN, text))
            else:
                del self._parts[what]
        return found


@dataclass
class _Part:
    since_s: float
    last_s: float = 0.0
    failing: bool = False
    count: int = 0
    text: str = ""
