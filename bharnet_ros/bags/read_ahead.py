"""Messages of a bag read in a thread, while earlier ones are still being used. Free of ROS."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from bharnet_ros.bags.records import RawMessage


class ReadAhead:
    """Iterates over messages that a thread reads in advance, so that unpacking a chunk delays
    nothing; at most `count` messages and about `size` bytes wait. Use it in a `with`."""

    def __init__(
        self, messages: Iterator[RawMessage], count: int, size: int = 64_000_000
    ) -> None:
        self._messages, self._count, self._size = messages, max(1, count), size
        self._ready: deque[RawMessage] = deque()
        self._bytes = 0
        self._ended, self._closed = False, False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> ReadAhead:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[RawMessage]:
        """Each message once. Raises what reading raised."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._ended)
                if not self._ready:
                    if self._error is not None:
                        raise self._error
                    return
                message = self._ready.popleft()
                self._bytes -= len(message.data)
                self._changed.notify_all()
            yield message

    @property
    def waiting(self) -> int:
        """How many messages were read and not yet taken."""
        return len(self._ready)

    def wait_filled(self, timeout_s: float) -> None:
        """Return when as much as fits was read, or all, or after some real seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._full() or self._ended, timeout_s)

    def _full(self) -> bool:
        return len(self._ready) >= self._count or self._bytes >= self._size

    def _read(self) -> None:
        try:
            for message in self._messages:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or not self._full())
                    if self._closed:
                        return
                    self._ready.append(message)
                    self._bytes += len(message.data)
                    self._changed.notify_all()
        except Exception as error:  # given to the thread that plays
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
