"""When the person detector runs."""

from __future__ import annotations

EMPTY_S = 0.2
"""Between two runs while nobody is followed: somebody who comes should not wait for long."""
RETRY_S, MAX_RETRY_S = 0.1, 0.4
"""From one run to the next after somebody was lost: it doubles with every run up to the second."""
SEARCH_S = 3.0
"""So long somebody lost is looked for: as long as the tracker remembers their id."""


class DetectorSchedule:
    """Seconds of stamps between runs, so that slow and fast cameras are treated alike.

    every_s: while somebody is followed; 0 = in every image. Who is lost is looked for at once,
    then less often, then no more: who was blurred for a moment is found again in the next, who
    came out from behind somebody soon after, and who walked out costs a dozen runs.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._ran_ns: int | None = None
        self._lost_ns: int | None = None
        self._retry_s = RETRY_S

    def reset(self) -> None:
        """Treat the next image as the first."""
        self._ran_ns = self._lost_ns = None

    def due(self, stamp_ns: int, somebody: bool) -> bool:
        """Whether to run now. somebody: whether anybody is followed."""
        if self._ran_ns is None or self._every_s <= 0.0:
            return True
        wait_s = self._every_s if somebody else min(self._every_s, EMPTY_S)
        if self._lost_ns is not None and stamp_ns - self._lost_ns <= round(SEARCH_S * 1e9):
            wait_s = min(wait_s, self._retry_s)
        return stamp_ns - self._ran_ns >= round(wait_s * 1e9)

    def lost(self, stamp_ns: int) -> None:
        """Somebody was lost in the image of that stamp: look for them at once."""
        self._lost_ns, self._retry_s = stamp_ns, RETRY_S

    def ran(self, stamp_ns: int) -> None:
        """The detector ran on the image of that stamp."""
        self._ran_ns = stamp_ns
        self._retry_s = min(2.0 * self._retry_s, MAX_RETRY_S)
