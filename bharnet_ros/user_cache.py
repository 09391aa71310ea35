"""Where the package keeps what it fetched or built for one user."""

from __future__ import annotations

import os
from pathlib import Path

_NO_HOME = "/nonexistent"
"""The home that Debian writes down for users who have none: nothing is found in it, and whoever
wants to write there is told so."""


def user_cache() -> Path:
    """`~/.cache/bharnet_ros`; it need not exist.

    A container may run as a user whom nobody has heard of, with no HOME either; Path.home raises
    then, also for those who would only have looked whether there is something.
    """
    home = os.path.expanduser("~")
    return Path(_NO_HOME if home == "~" else home) / ".cache" / "bharnet_ros"
