"""Who is judged when: everybody once a period, large groups spread over the frames between.

Stamps decide alone, so the same recording gives the same ticks at any speed of playing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection

from bharnet_ros.errors import ConfigurationError

_NS = 1_000_000_000
BATCH = 4
"""Groups up to this size are judged in one tick: splitting them would cost more in all than it
spares at a time (`python -m benchmarks.tick` has the cost of a person by the size of the batch)."""
_INTERVALS = 9
"""Newest frame intervals of which the median counts; odd, and a lost frame or two do not matter."""
_NEARLY = 0.25
"""A period of 1.75 frame intervals or more is two ticks: 30 frames/s are rarely 30.000."""

_MAKE_UP = 1.25
_ROUNDING = 1e-6


class Schedule:
    """The ticks of a recogniser, and whose turn it is at each.

    rate_hz: judgements of a person per second of stamp time, at most one per frame.
    batch: how many people may share a tick before they are spread.
    Raises ConfigurationError for a rate that is not above 0.
    """

    def __init__(self, rate_hz: float, batch: int = BATCH) -> None:
        self._stretch = 1.0
        self._batch = batch
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)
        self.set_rate(rate_hz)
        self.restart()

    def set_rate(self, rate_hz: float) -> None:
        """Another rate from the next tick on."""
        if not (math.isfinite(rate_hz) and rate_hz > 0.0):
            raise ConfigurationError(f"rate_hz is {rate_hz}; it must be above 0.")
        self._rated_ns = round(_NS / rate_hz)

    @property
    def stretch(self) -> float:
        """By how much the period is longer than asked for, at least 1; the same for everybody."""
        return self._stretch

    @stretch.setter
    def stretch(self, value: float) -> None:
        self._stretch = max(1.0, value)

    def restart(self) -> None:
        """Time begins anew: the next frame is a tick."""
        self._newest_ns: int | None = None
        self._ready_ns: int | None = None
        self._credit = 1.0
        self._intervals.clear()
        self._turns: dict[int, int] = {}
        self._count = 0

    def forget(self, track_id: int) -> None:
        """Who comes with this id from now on is somebody else."""
        self._turns.pop(track_id, None)

    def due(
        self, stamp_ns: int, present: Collection[int], ready: bool = True
    ) -> list[int] | None:
        """Whose turn it is at this frame; None if it is no tick.

        stamp_ns: must rise from call to call. present: everybody, each once. ready: False = it
        cannot be done now; what is due stays due.

        The time that passes is a credit, so that the rate is right on average whatever the frame
        rate; the frame nearest to a tick is taken, so that a camera's jitter does not cost a whole
        frame. Who had no turn yet has one at the next tick; of the others those who waited longest.
        """
        period_ns = self._rated_ns * self._stretch
        since = 0.0 if self._newest_ns is None else (stamp_ns - self._newest_ns) / period_ns
        self._newest_ns = stamp_ns
        self._credit = min(self._credit + since, 1.5)
        if not ready:
            return None
        if self._ready_ns is not None:
            self._intervals.append(stamp_ns - self._ready_ns)
        self._ready_ns = stamp_ns
        groups = self._groups(len(present), period_ns)
        if self._credit + min(since, 1.0 / groups) / 2 < 1.0 / groups - _ROUNDING:
            return None
        return self._take_turns(present, groups)

    def _groups(self, people: int, period_ns: float) -> int:
        """Into how many ticks of a period people are spread; no more than there are frames."""
        if people <= self._batch or not self._intervals:
            return 1
        interval_ns = sorted(self._intervals)[len(self._intervals) // 2]
        frames = math.floor(period_ns / interval_ns + _NEARLY)
        return max(1, min(math.ceil(people / self._batch), frames))

    def _take_turns(self, present: Collection[int], groups: int) -> list[int]:
        turns = self._turns = {t: self._turns[t] for t in present if t in self._turns}
        waiting = sorted(turns, key=turns.__getitem__)
        count = len(waiting)
        if groups == 1 or not waiting:
            self._credit = min(self._credit - 1.0 / groups, 0.5)
        else:
            # Taken early a tick is as large as any; a lost frame is made up for little by little,
            # so that no tick takes twice as long.
            least, most = count // groups, math.ceil(count / groups * _MAKE_UP)
            count = min(max(math.floor(self._credit * count + _ROUNDING), least), most)
            self._credit = min(self._credit - count / len(waiting), 1.0)
        new = [track_id for track_id in present if track_id not in turns]
        for track_id in (*waiting[:count], *new):
            turns[track_id] = self._count
            self._count += 1
        chosen = {*waiting[:count], *new}
        return [track_id for track_id in present if track_id in chosen]
