"""Files that are either the old ones or the new ones, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file beside `path`, bring it to the disk, and only then put it in its place.

    Links are followed, so what they point to is replaced. The permissions of a replaced file
    stay. What is no file, such as /dev/stdout or a pipe, is written to and not replaced. Raises
    OSError (no room, no permission); the file at `path` is then as it was.
    """
    given = Path(path)
    if given.exists() and not given.is_file():
        with given.open("wb") as stream:
            stream.write(content)
        return
    target = given.resolve()
    name = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.partial")
    try:
        with name.open("xb") as file:
            with contextlib.suppress(OSError):
                os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            name.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
