"""Time spent inside networks, while everything around them goes on as always."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any


class NetworkClock:
    """Adds up the milliseconds spent in the calls it watches, until the context ends.

    Calls within calls count once. spent_ms may be set back to 0 at any time.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.spent_ms = 0.0
        self._clock = clock
        self._inside = False
        self._undo: list[Callable[[], None]] = []

    def watch(self, owner: Any, name: str) -> None:
        """Count the time of `owner.name(...)`; the owner is an object or a class."""
        original, own = getattr(owner, name), name in vars(owner)

        def timed(*arguments: Any, **options: Any) -> Any:
            if self._inside:
                return original(*arguments, **options)
            self._inside, begin = True, self._clock()
            try:
                return original(*arguments, **options)
            finally:
                self.spent_ms += (self._clock() - begin) * 1e3
                self._inside = False

        setattr(owner, name, timed)
        if own:
            self._undo.append(lambda: setattr(owner, name, original))
        else:
            self._undo.append(lambda: delattr(owner, name))

    def __enter__(self) -> NetworkClock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._undo:
            self._undo.pop()()
