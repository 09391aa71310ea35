"""Gives back the shared memory of processes that were killed. Free of ROS.

Fast DDS keeps a segment per participant in /dev/shm (17 MB with config/fastdds.xml; version 2 names
it fastrtps_, version 3 fastdds_) and removes it when the participant ends in order. After kill -9
nobody does, and a process that is started again and again fills the memory of a small machine or
a container. Each segment has a lock file that its living owner holds; this is what
`fastdds shm clean` goes by, too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has it
_SEGMENT = re.compile(r"fast(dds|rtps)_[0-9a-f]{16}")
_YOUNG_S = 10.0
"""A lock file this new may be about to be locked; touching it then would make its owner fail."""


def clean_shared_memory(folder: Path = SHARED_MEMORY) -> int:
    """Remove the segments whose owner is gone; the bytes given back. Never raises."""
    freed = 0
    oldest_s = time.time() - _YOUNG_S
    try:
        names = os.listdir(folder)
    except OSError:
        return 0
    for name in filter(_SEGMENT.fullmatch, names):
        segment, lock = folder / name, folder / f"{name}_el"
        # Others may clean at the same moment; what is gone is gone.
        with contextlib.suppress(OSError):
            status = segment.lstat()
            if max(status.st_mtime, lock.lstat().st_mtime) > oldest_s or not _is_free(lock):
                continue
            segment.unlink()
            lock.unlink()
            freed += status.st_size
    return freed


def _is_free(lock: Path) -> bool:
    """Whether nobody holds it. Raises OSError if it cannot be opened, e.g. another user's."""
    descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
