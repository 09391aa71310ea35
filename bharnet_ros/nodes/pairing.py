"""Results of images and the depth images that belong to them, put together by stamp. Free of ROS.

A result comes later than its image, so its depth image usually waits already; of two cameras that
are not synchronised the depth image may be the later one, and then the result waits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")
Depth = TypeVar("Depth")

_MAX_WAITING = 16
_OTHER_TIME_NS = 2_000_000_000
"""Depth images later than a new result by more than this are of before time began anew."""


@dataclass(frozen=True)
class Pair(Generic[Result, Depth]):
    """offset_ns: how much later the depth image was taken."""

    result: Result
    depth: Depth
    offset_ns: int


class StampPairs(Generic[Result, Depth]):
    """Bounded buffers of both kinds.

    within_ns: how far apart the stamps of a pair may be. keep: newest depth images kept.
    unpaired: results given up so far.
    """

    def __init__(self, within_ns: int, keep: int) -> None:
        self.within_ns = within_ns
        self.unpaired = 0
        self._depth: deque[tuple[int, Depth]] = deque(maxlen=keep)
        self._waiting: deque[tuple[int, Result]] = deque()
        self._newest_ns: int | None = None
        """Of the results."""

    def clear(self) -> None:
        """Forget everything, as when time begins anew."""
        self._depth.clear()
        self._waiting.clear()
        self._newest_ns = None

    def add_depth(self, stamp_ns: int, depth: Depth) -> list[Pair[Result, Depth]]:
        """The pairs that this depth image completes, oldest first."""
        if self._depth and stamp_ns < self._depth[-1][0] - _OTHER_TIME_NS:
            self.clear()
        self._depth.append((stamp_ns, depth))
        return self._completed()

    def add_result(self, stamp_ns: int, result: Result) -> list[Pair[Result, Depth]]:
        """The pairs that this result completes, oldest first."""
        # Depth images that are far ahead are mostly those of results to come: the estimator is
        # slow. They are of another time if results jump back, or if all of them are ahead.
        far_ns = stamp_ns + _OTHER_TIME_NS
        if self._newest_ns is not None and stamp_ns < self._newest_ns:
            self._waiting.clear()
            while self._depth and self._depth[-1][0] > far_ns:
                self._depth.pop()
        elif self._depth and self._depth[0][0] > far_ns:
            self._depth.clear()
        self._newest_ns = stamp_ns
        self._waiting.append((stamp_ns, result))
        if len(self._waiting) > _MAX_WAITING:
            self._waiting.popleft()
            self.unpaired += 1
        return self._completed()

    def _completed(self) -> list[Pair[Result, Depth]]:
        found: list[Pair[Result, Depth]] = []
        still: deque[tuple[int, Result]] = deque()
        newest_ns = max((stamp for stamp, _ in self._depth), default=None)
        for stamp_ns, result in self._waiting:
            nearest = min(self._depth, key=lambda item: abs(item[0] - stamp_ns), default=None)
            # While only earlier depth images are here, the next one may be nearer.
            if nearest is None or newest_ns is None or newest_ns < stamp_ns:
                still.append((stamp_ns, result))
            elif abs(nearest[0] - stamp_ns) <= self.within_ns:
                found.append(Pair(result, nearest[1], nearest[0] - stamp_ns))
            else:
                self.unpaired += 1
        self._waiting = still
        return found
