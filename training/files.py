"""Files of arrays that are damaged, and places where nothing can be written."""

from __future__ import annotations

import lzma
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bharnet_ros.errors import ConfigurationError

DAMAGED: tuple[type[Exception], ...] = (
    OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, OverflowError, RuntimeError,
    struct.error, lzma.LZMAError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy raises while it reads an `.npz` that is cut off, or of which bytes have changed."""


def damage(error: Exception) -> str:
    """What is wrong with a file, without NumPy's advice to unpickle it."""
    return "it is no .npz of plain arrays" if "pickle" in str(error) else str(error)


def check_folder(option: str, folder: Path) -> None:
    """Raise ConfigurationError, which names the option, if nothing can be written to a folder, made
    or not. It is not made: what else is wrong comes first."""
    wanted = folder.absolute()
    try:
        place = next(each for each in (wanted, *wanted.parents) if _is_there(each))
    except OSError as error:
        raise ConfigurationError(
            f"{option} is '{folder}', which is no place for a folder ({error.strerror or error}); "
            "choose another."
        ) from None
    if not place.is_dir():
        where = "which" if place == wanted else f"but {place}"
        raise ConfigurationError(f"{option} is '{folder}', {where} is a file; give a folder.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"{option} is '{folder}', but nothing can be written to {place}; choose another folder."
        )


def _is_there(path: Path) -> bool:
    """As `Path.exists`, but what cannot be looked at is an OSError on every Python."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError into a ConfigurationError that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror or error}); make room or choose another "
            "folder, and run the same again."
        ) from error
