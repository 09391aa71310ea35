"""How long a message waited before it was taken, whatever the clocks of two machines say.
Free of ROS.

A node that hung (a frozen machine, a debugger, a long swap) finds what was published meanwhile
and would tell it as news. Stamps cannot show that: a bag or a simulation has a time of its own.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

TOO_LATE_S = 0.5
"""Beyond this much waiting a message tells the past."""
STALLED_S = 0.9
"""Beyond this much standing still in the middle of work its result does. A machine with too much
to do lets every piece of work stand still for a while, hence the larger number."""
CLEARED_S = 0.8
"""A node that wakes up clears away all that tells the past within so many seconds of the first
piece. Less than STALLED_S, so that of two pieces of work that stood still one is told: a machine
that is always late is not silent, too."""
_REMEMBERED = 32
_MAX_PUBLISHERS = 16


class Waiting:
    """Compares each message's way with the shortest one of late of the same publisher.

    The difference of the sender's and the receiver's clock is in every way, and so falls out;
    clocks that are set anew are learned within a second of camera images.
    """

    def __init__(self) -> None:
        self._ways_ns: OrderedDict[Hashable, deque[int]] = OrderedDict()

    def seconds(self, publisher: Hashable, source_ns: int, taken_ns: int) -> float:
        """How much longer than the quickest of the newest messages this one was on its way.

        source_ns, taken_ns: when it was published and when it was taken, nanoseconds of the system
        clocks there and here; source_ns <= 0 = not known, and then it did not wait.
        """
        if source_ns <= 0:
            return 0.0
        way_ns = taken_ns - source_ns
        ways_ns = self._ways_ns.pop(publisher, None) or deque(maxlen=_REMEMBERED)
        ways_ns.append(way_ns)
        self._ways_ns[publisher] = ways_ns
        if len(self._ways_ns) > _MAX_PUBLISHERS:
            self._ways_ns.popitem(last=False)
        return (way_ns - min(ways_ns)) * 1e-9


class Clearing:
    """Decides what is thrown away because it tells the past: what was in hand when the node hung,
    and all that waited behind it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None

    def throws_away(self, tells_the_past: bool) -> bool:
        """Whether to drop the piece that is at hand."""
        if not tells_the_past:
            return False
        now = self._clock()
        if self._since is None:
            self._since = now
        return now - self._since < CLEARED_S

    def told(self) -> None:
        """Something went out: the next piece that tells the past begins another clearing."""
        self._since = None


class Work:
    """A piece of work that begins now. A process that was stopped in the middle of it, or got no
    processor, has a result of the past in hand."""

    def __init__(self) -> None:
        self._began = time.monotonic(), time.process_time()

    @property
    def stalled_s(self) -> float:
        """Seconds in which nothing of this process ran (more threads than one may hide some)."""
        wall_s, cpu_s = time.monotonic() - self._began[0], time.process_time() - self._began[1]
        return wall_s - cpu_s
