"""Order of stamps: what is new, what came too late, and when time began anew. Free of ROS."""

from __future__ import annotations

from enum import Enum

_NS = 1_000_000_000


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
