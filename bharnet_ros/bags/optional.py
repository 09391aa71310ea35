"""The library `rosbags`, imported when a bag is opened and not before."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from bharnet_ros.errors import BackendUnavailable


def library(module: str) -> Any:
    """A module of rosbags, or of what it brings. Raises BackendUnavailable where it is absent."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BackendUnavailable(
            f"Bags need the library rosbags ({error}); install it with "
            "`python -m pip install rosbags`."
        ) from error


def zstd() -> Any:
    """Zstandard: in the standard library from Python 3.14 on, before that its backport."""
    return library("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
