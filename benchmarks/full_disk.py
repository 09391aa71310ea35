"""A file system on which nothing can be written."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.graph_world import WorldError


@contextmanager
def full_disk(folder: Path) -> Iterator[str]:
    """A file system of 64 KB that is full; raises WorldError where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        raise WorldError("not tried: mounting a small file system needs root")
    try:
        with contextlib.suppress(OSError):  # full, as wanted
            (folder / "filler").write_bytes(bytes(1 << 20))
        yield str(folder)
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], capture_output=True)


TO_FULL = (
    "import os, sys; full = os.open('/dev/full', os.O_WRONLY); os.dup2(full, 1); "
    "os.dup2(full, 2); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Standard output and error on a device where every write fails with "no space left"."""
