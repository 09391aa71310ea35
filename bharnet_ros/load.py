"""Too many people for the machine: everybody is judged less often, evenly, and it is said.

Only where real time matters. It goes by the wall clock, so an evaluation, which must give the same
result every time, works without it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from bharnet_ros.errors import ConfigurationError

MIN_RATE_HZ = 1.0
"""The rate is not lowered below this: what is seen once a second only is not recognised anyway."""
_PERIOD_S = 1.0
_RECOVERY = 0.8
"""The period shrinks to this at once at most, so that a short pause does not bring the rate back
to where it was too high."""
_LOWERED = 1.05
"""Less than this is within what a measurement of a second is worth."""


@dataclass(frozen=True)
class Load:
    """How a recogniser keeps up.

    share: of the time spent in it, 0..1; 0 if nobody measures.
    rate_hz: how often everybody is judged a second, of wanted_hz.
    late: frames so far that were only taken in because newer ones were waiting.
    """

    share: float
    rate_hz: float
    wanted_hz: float
    late: int = 0

    @property
    def is_lowered(self) -> bool:
        """Whether the rate is below what was asked for."""
        return self.rate_hz * _LOWERED < self.wanted_hz

    @property
    def sentence(self) -> str:
        """For diagnostics: what is lowered and what helps; empty if nothing is."""
        if not self.is_lowered:
            return ""
        return (
            f"judging everybody {self.rate_hz:.1f} times a second instead of "
            f"{self.wanted_hz:g}: the machine is too slow for the people in view; lower rate_hz, "
            "use a smaller bundle, a faster engine or more threads"
        )


class LoadShedder:
    """Measures what judging takes and says by how much to stretch its period.

    max_load: share of the time that recognition may take (0..1]; the rest is for what else runs in
    the process, e.g. conversions and the pose estimator of a composed graph.
    clock: seconds, monotonic.
    Raises ConfigurationError for a max_load out of range.
    """

    def __init__(
        self, max_load: float = 0.8, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not (math.isfinite(max_load) and 0.0 < max_load <= 1.0):
            raise ConfigurationError(f"max_load is {max_load}; it is a share, above 0 to 1.")
        self._max_load = max_load
        self._clock = clock
        self._stretch = 1.0
        self._share = 0.0
        self._restart()

    @property
    def stretch(self) -> float:
        """By how much everybody's period is to be longer than wanted, at least 1."""
        return self._stretch

    @property
    def share(self) -> float:
        """Of the last second, the share of the time that recognition took."""
        return self._share

    def now(self) -> float:
        """Seconds of its clock, to measure with."""
        return self._clock()

    def note(
        self, taking_s: float, judging_s: float, judged: int, people: int, rate_hz: float
    ) -> None:
        """A frame is done.

        taking_s: what taking it in took; judging_s: what judging took, of `judged` of the `people`
        present; rate_hz: at which rate everybody should be.
        """
        self._frames += 1
        self._taking_s += taking_s
        self._judging_s += judging_s
        self._judged += judged
        self._people += people
        elapsed_s = self._clock() - self._begin_s
        if elapsed_s >= _PERIOD_S:
            self._decide(elapsed_s, rate_hz)
            self._restart()

    def _decide(self, elapsed_s: float, rate_hz: float) -> None:
        self._share = min(1.0, (self._taking_s + self._judging_s) / elapsed_s)
        # Not by the load, which cannot show more than the whole time, but by what it would be.
        each_s = self._judging_s / self._judged if self._judged else 0.0
        once_s = each_s * self._people / self._frames
        longest = max(1.0, rate_hz / MIN_RATE_HZ)
        room = self._max_load - self._taking_s / elapsed_s
        if once_s * min(rate_hz, self._frames / elapsed_s) <= room:
            wanted = 1.0  # nobody is judged more than once a frame, however high the rate
        else:
            demand = once_s * rate_hz
            wanted = demand / room if demand < room * longest else longest
        self._stretch = min(longest, max(1.0, wanted, self._stretch * _RECOVERY))

    def _restart(self) -> None:
        self._begin_s = self._clock()
        self._frames = self._judged = self._people = 0
        self._taking_s = self._judging_s = 0.0
