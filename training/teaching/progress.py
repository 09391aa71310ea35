"""How far the training is, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable

Report = Callable[[str], None]
EVERY_S = 20.0


class Progress:
    """Counts the steps of several trainings and says now and then how much time is left.

    steps: of all of them together. clock: seconds, for tests.
    """

    def __init__(
        self, steps: int, report: Report, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._steps = max(steps, 1)
        self._report = report
        self._clock = clock
        self._done = 0
        self._begun: float | None = None
        self._said = 0.0

    def step(self, _number: int = 0) -> None:
        """One more step begins."""
        now = self._clock()
        if self._begun is None:
            self._begun = self._said = now
        elif now - self._said >= EVERY_S:
            self._said = now
            left = (now - self._begun) / self._done * (self._steps - self._done)
            self._report(f"  {100 * self._done // self._steps} % trained, {_text(left)} left")
        self._done += 1


def _text(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
