"""Order of stamps: what is new, what came too late, when time began anew, and when it stands still.
Free of ROS."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

_NS = 1_000_000_000
_STANDS_S = 2.0
"""Time that has not moved for so long stands still; a simulation may hesitate."""


class Order(Enum):
    """How a stamp relates to the newest one so far."""

    NEW = "new"
    OLD = "stamp not newer"
    UNSET = "stamp is zero, the driver does not set it"
    RESTART = "time restarted"


class StampGuard:
    """Judges one topic's stamps, one after another.

    restart_s: a jump back further than this means that time began anew (a bag loops, a
    simulation restarts); anything smaller is a duplicate or came out of order.
    """

    def __init__(self, restart_s: float = 0.5) -> None:
        self._restart_ns = int(restart_s * _NS)
        self._newest_ns: int | None = None

    def judge(self, stamp_ns: int) -> Order:
        """NEW and RESTART make this stamp the newest one; the others leave everything as it was."""
        if stamp_ns == 0:  # what a message holds that nobody stamped
            return Order.UNSET
        newest, order = self._newest_ns, Order.NEW
        if newest is not None and stamp_ns <= newest:
            if newest - stamp_ns <= self._restart_ns:
                return Order.OLD
            order = Order.RESTART
        self._newest_ns = stamp_ns
        return order

    def reset(self) -> None:
        """The next stamp is NEW whatever it is."""
        self._newest_ns = None


class StandingTime:
    """Notices that the time of /clock does not move, so that nothing with a pace can happen.

    steady: seconds that only rise.
    """

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._now_ns = -1
        self._since_s = 0.0

    def sentence(self, now_ns: int) -> str:
        """What is wrong and what helps, "" if time moves. To be asked again and again.

        now_ns: the simulated time; 0 as long as nobody has published it.
        """
        steady_s = self._steady()
        if now_ns != self._now_ns:
            self._now_ns, self._since_s = now_ns, steady_s
        for_s = steady_s - self._since_s
        if for_s < _STANDS_S:
            return ""
        if now_ns == 0:
            return (
                f"nothing came on /clock for {for_s:.0f} s, but use_sim_time is on: publish it "
                "(ros2 bag play --clock, the simulation), or leave use_sim_time off"
            )
        return f"the time on /clock stands still for {for_s:.0f} s: paused, or nobody publishes it"
