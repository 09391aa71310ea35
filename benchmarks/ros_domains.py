"""ROS domains that no other test session or measurement on this machine uses at the same time."""

from __future__ import annotations

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path

FIRST, LAST = 1, 101
"""Domains whose ports Linux gives to no outgoing connection; 0 is everybody's."""

_held: dict[Path, int] = {}
"""Open lock files; the locks are held as long as these are."""


def claim(folder: Path | None = None) -> int:
    """A domain of this process' own until it ends (or `release`s it), however it ends.

    folder: of the lock files, one for each domain; the folder for temporary files. What is claimed
    is locked by the kernel for this process alone, not for those it starts: they inherit the
    number by the environment. Raises RuntimeError when all are taken.
    """
    count = LAST - FIRST + 1
    # Sessions that know nothing of locks (older ones) count from their process numbers, too.
    for domain in (FIRST + (os.getpid() + i) % count for i in range(count)):
        path = _path(domain, folder)
        file = _opened(path)
        if file is None:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody has it, perhaps this process itself
            os.close(file)
        else:
            _held[path] = file
            return domain
    raise RuntimeError(
        f"All ROS domains from {FIRST} to {LAST} are taken; end other test sessions on this "
        f"machine (they hold {_path('*', folder)})."
    )


def release(domain: int, folder: Path | None = None) -> None:
    """Let others claim it."""
    os.close(_held.pop(_path(domain, folder)))


def is_claimed(domain: int) -> bool:
    """Whether it is this process' own."""
    return _path(domain, None) in _held


@cache
def second() -> int:
    """A domain of this process beside its own, for graphs that shall not meet the tests' nodes."""
    return claim()


def _path(domain: int | str, folder: Path | None) -> Path:
    where = Path(tempfile.gettempdir()) if folder is None else folder
    return where / f"bharnet_ros_domain_{domain}.lock"


def _opened(path: Path) -> int | None:
    """The lock file, made if need be; None for one that cannot be opened."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    # Linux lets nobody open another user's file with O_CREAT in a folder as /tmp; to lock it,
    # reading is enough. It is never removed: whoever had it open would hold a lock on nothing.
    for more in (os.O_CREAT, 0):
        try:
            return os.open(path, flags | more, 0o644)
        except OSError:
            continue
    return None
