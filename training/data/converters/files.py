"""A folder or a zip archive, read the same way."""

from __future__ import annotations

import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath

from bharnet_ros.errors import ConfigurationError
from training.data.sample import SampleSkipped

MAX_BYTES = 1 << 30
"""No single text file of a data set is larger; a zip entry that claims to be is refused."""


def list_files(root: Path, suffix: str) -> list[str]:
    """Names with that suffix below a folder or in a zip archive, sorted; never empty.

    Raises ConfigurationError if there is no such folder or archive, or nothing in it.
    """
    if root.is_dir():
        names = [p.relative_to(root).as_posix() for p in root.rglob(f"*{suffix}") if p.is_file()]
    elif root.is_file() and zipfile.is_zipfile(root):
        try:
            names = [name for name in _archive(root).namelist() if name.endswith(suffix)]
        except (OSError, zipfile.BadZipFile) as error:
            raise ConfigurationError(f"{root} is a damaged zip archive ({error}).") from error
    else:
        raise ConfigurationError(
            f"{root} is neither a folder nor a zip archive; give --input one with the "
            f"'{suffix}' files."
        )
    names = [name for name in names if not PurePosixPath(name).name.startswith(".")]
    if not names:
        raise ConfigurationError(f"{root} holds no '{suffix}' file; check --input.")
    return sorted(names)


@lru_cache(maxsize=4)
def _archive(root: Path) -> zipfile.ZipFile:
    """Stays open: the directory of an archive of 60,000 files takes long to read."""
    return zipfile.ZipFile(root)


def read_text(root: Path, name: str) -> str:
    """One of the files of `list_files`; `SampleSkipped` ("corrupt") if it cannot be read."""
    try:
        if root.is_dir():
            return (root / name).read_text("utf-8")
        archive = _archive(root)
        if archive.getinfo(name).file_size > MAX_BYTES:
            raise SampleSkipped("corrupt", f"more than {MAX_BYTES} bytes")
        return archive.read(name).decode("utf-8")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError) as error:
        raise SampleSkipped("corrupt", f"{type(error).__name__}: {error}") from error
