"""Messages of one topic in any order, quick when they follow each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bharnet_ros.bags import BagMessage, open_bag
from bharnet_ros.bags.messages import stamp_to_ns
from bharnet_ros.labelling.cache import ByteCache

_FORWARD_NS = 1_000_000_000
"""How far the loop under way goes on to a message rather than begin anew: the messages between
are in a chunk that is unpacked already, or will be wanted next."""
_SPAN_NS = 5_000_000_000
"""What one loop may reach; a loop over the rest of a long bag is dear to begin."""


class RandomAccess:
    """One topic of a bag, read by log time and stamp. Thread-safe.

    cache_bytes: how much is kept of what was read. size: bytes of a message.
    """

    def __init__(
        self, path: Path, topic: str, cache_bytes: int, size: Callable[[Any], int]
    ) -> None:
        self._bag = open_bag(path)
        self._topic = topic
        self._lock = threading.Lock()
        self._cache: ByteCache[Any] = ByteCache(cache_bytes, size)
        self._loop: Iterator[BagMessage] | None = None
        self._at = 0

    def message(self, log_ns: int, stamp_ns: int) -> Any | None:
        """The message that was recorded then with that stamp; None if it cannot be read."""
        with self._lock:
            held = self._cache.get((log_ns, stamp_ns))
            if held is not None:
                return held
            if self._loop is not None and self._at <= log_ns <= self._at + _FORWARD_NS:
                found = self._seek(log_ns, stamp_ns)
                if found is not None:
                    return found
            self._loop = self._bag.messages([self._topic], log_ns, log_ns + _SPAN_NS)
            return self._seek(log_ns, stamp_ns)

    def _seek(self, log_ns: int, stamp_ns: int) -> Any | None:
        """Go on with the loop until the message, or until it would have come."""
        for each in self._loop or ():
            self._at = each.log_ns
            stamp = stamp_to_ns(each.message.header.stamp)
            self._cache.put((each.log_ns, stamp), each.message)
            if each.log_ns == log_ns and stamp == stamp_ns:
                return each.message
            if each.log_ns > log_ns:
                return None
        self._loop = None
        return None

    def close(self) -> None:
        """Let go of the bag."""
        with self._lock:
            self._loop = None
            self._bag.close()
