"""When to look where for people nobody follows yet."""

from __future__ import annotations

from bharnet_ros.pose.mediapipe.detector import squares
from bharnet_ros.pose.mediapipe.regions import Region

LOST_INTERVAL_S = 0.5
"""A full scan because somebody was lost happens at most this often."""
EMPTY_LOOKS = 2
"""Squares per image, beside the whole image, while nobody is in view."""
MAX_LOOKS = 2
"""Squares per image at most while people are followed, so that the frame time stays even."""


class ScanSchedule:
    """Spreads the detector's squares over images.

    The first image gets all of them, as does one in which somebody was lost. While nobody is
    in view each image gets the whole view and a few squares, in turn; while somebody is, one
    round of all squares takes `period_s` seconds of stamps. period_s = 0: all, always.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._regions: list[Region] = []
        self._size = (0, 0)
        self._next = 0
        self._owed = 0.0
        self._last_ns = 0
        self._full_ns: int | None = None

    def reset(self) -> None:
        """Treat the next image as the first."""
        self._full_ns = None

    def due(self, size: tuple[int, int], stamp_ns: int, somebody: bool, lost: bool) -> list[Region]:
        """The squares to look at now. size: (height, width) pixels of the image."""
        if size != self._size:
            self._size, self._regions, self._full_ns = size, squares(*size), None
        since_full_s = 0.0 if self._full_ns is None else (stamp_ns - self._full_ns) * 1e-9
        first = self._full_ns is None or self._period_s <= 0.0
        if first or (lost and since_full_s >= LOST_INTERVAL_S):
            self._full_ns = self._last_ns = stamp_ns
            self._next, self._owed = 0, 0.0
            return list(self._regions)
        elapsed_s, self._last_ns = (stamp_ns - self._last_ns) * 1e-9, stamp_ns
        if not somebody:
            self._owed = 0.0
            return list(dict.fromkeys([self._regions[0], *self._take(EMPTY_LOOKS)]))
        self._owed += max(elapsed_s, 0.0) / self._period_s * len(self._regions)
        count = min(int(self._owed), MAX_LOOKS)
        self._owed = min(self._owed - count, 1.0)
        return self._take(count)

    def _take(self, count: int) -> list[Region]:
        """The next `count` squares of the round."""
        taken = [self._regions[(self._next + i) % len(self._regions)] for i in range(count)]
        self._next = (self._next + count) % len(self._regions)
        return taken
