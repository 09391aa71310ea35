"""Giving memory back to the system when something large was let go."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def return_memory() -> None:
    """Collect what is unreachable, and let glibc hand free pages back.

    Without the second step a process keeps the memory of a network it no longer has: glibc
    holds freed pages for later. Other C libraries have no malloc_trim and are left alone.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
