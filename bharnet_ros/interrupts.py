"""Ctrl-C in the seconds in which a program loads its modules, while there is nothing to undo."""

from __future__ import annotations

import os
import signal
from types import FrameType

INTERRUPTED = 130
"""The exit status that shells give to what Ctrl-C has ended."""


def quiet_while_loading() -> None:
    """Until `loaded` or another handler, Ctrl-C ends this process: INTERRUPTED and not a word.

    To be called before other modules are imported. An exception would not do: libraries in C++
    make an ImportError of it, which reads as if they were not installed. Where Ctrl-C is ignored,
    as shells have it for what runs in the background, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def loaded() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt again; nothing without `quiet_while_loading`."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
