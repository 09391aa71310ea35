"""Several time-ordered sources read as one, each opened only when its time has come."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from bharnet_ros.bags.records import RawMessage

Source = tuple[int, Callable[[], Iterator[RawMessage]]]
"""A time in nanoseconds before which it has no message, and how to begin reading."""


def merged(sources: Iterable[Source]) -> Iterator[RawMessage]:
    """All messages in the order of their log times; ties in the order of the sources.

    A source is held open only from its time until its end, so that sources that follow each
    other never need memory at once.
    """
    waiting = sorted(enumerate(sources), key=lambda item: (item[1][0], item[0]), reverse=True)
    running: list[tuple[int, int, RawMessage, Iterator[RawMessage]]] = []
    while waiting or running:
        while waiting and (not running or waiting[-1][1][0] <= running[0][0]):
            number, (_, begin) = waiting.pop()
            messages = begin()
            if (first := next(messages, None)) is not None:
                heapq.heappush(running, (first.log_ns, number, first, messages))
        if not running:
            continue
        _, number, message, messages = running[0]
        yield message
        if (following := next(messages, None)) is None:
            heapq.heappop(running)
        else:
            heapq.heapreplace(running, (following.log_ns, number, following, messages))
