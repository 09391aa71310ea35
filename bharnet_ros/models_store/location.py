"""The folder in which fetched models live."""

from __future__ import annotations

import os
import re
from pathlib import Path

VARIABLE = "BHARNET_ROS_MODELS"
DOWNLOADS = "downloads"


def store_folder() -> Path:
    """`$BHARNET_ROS_MODELS`, or `~/.cache/bharnet_ros/models`; it need not exist.

    Bundles lie in it under their names, files as they were downloaded in `downloads`.
    """
    chosen = os.environ.get(VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser()
    return Path.home() / ".cache" / "bharnet_ros" / "models"


def stored_bundles() -> tuple[str, ...]:
    """Names of the bundles in the store."""
    folder = store_folder()
    if not folder.is_dir():
        return ()
    found = (p.name for p in folder.iterdir() if (p / "manifest.json").is_file())
    return tuple(sorted(name for name in found if re.fullmatch(r"[A-Za-z0-9_][\w-]*", name)))
