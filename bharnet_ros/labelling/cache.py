"""What was used last, within a bound in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """A thread-safe LRU cache. limit: bytes it may hold. size: bytes of a value.

    A value larger than the limit is not kept.
    """

    def __init__(self, limit: int, size: Callable[[Value], int]) -> None:
        self._limit = limit
        self._size = size
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Value] = OrderedDict()
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """Bytes held now; never more than the limit."""
        return self._bytes

    def get(self, key: Hashable) -> Value | None:
        """The value, which is then the last to go; None if it is not held."""
        with self._lock:
            value = self._held.get(key)
            if value is not None:
                self._held.move_to_end(key)
            return value

    def put(self, key: Hashable, value: Value) -> None:
        """Hold a value, and let go of those that were not used for longest."""
        size = self._size(value)
        with self._lock:
            old = self._held.pop(key, None)
            if old is not None:
                self._bytes -= self._size(old)
            if size > self._limit:
                return
            self._held[key] = value
            self._bytes += size
            while self._bytes > self._limit:
                _, dropped = self._held.popitem(last=False)
                self._bytes -= self._size(dropped)
