"""Files of arrays that are damaged, and places where nothing can be written."""

from __future__ import annotations

import lzma
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
