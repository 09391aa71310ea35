"""A bar with the time left, and an orderly stop."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, TextIO

from tqdm import tqdm  # type: ignore[import-untyped]


class Interrupt:
    """In a `with`, turns the first SIGINT or SIGTERM into a flag; a second SIGINT ends at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._before: dict[int, Any] = {}

    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked.is_set()

    def stop(self) -> None:
        """Ask."""
        self._asked.set()

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self._asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._asked.set()


class Bar:
    """Progress of one recording: how much is done and how long the rest will take."""

    def __init__(self, title: str, total: float, unit: str, stream: TextIO | None = None) -> None:
        # Where nobody watches, a line every now and then is enough.
        stream = stream or sys.stderr
        speed = "" if unit == "s" else ", {rate_fmt}"
        self._bar = tqdm(
            total=total, desc=title, unit=unit, file=stream, dynamic_ncols=True,
            mininterval=0.3 if stream.isatty() else 10.0,
            bar_format="{desc}: {percentage:3.0f}% |{bar}| {n:.0f}/{total:.0f} {unit} "
            f"[{{elapsed}}, {{remaining}} left{speed}]",
        )  # fmt: skip

    def at(self, done: float) -> None:
        """So much is done."""
        self._bar.update(max(0.0, min(done, self._bar.total) - self._bar.n))

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


@contextlib.contextmanager
def bar(title: str, total: float, unit: str) -> Iterator[Bar]:
    """A bar that is closed whatever happens."""
    shown = Bar(title, total, unit)
    try:
        yield shown
    finally:
        shown.close()
