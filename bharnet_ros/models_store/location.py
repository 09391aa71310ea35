"""The folder in which fetched models live."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bharnet_ros.user_cache import user_cache

VARIABLE = "BHARNET_ROS_MODELS"
DOWNLOADS = "downloads"
GRAPH = "model.onnx"
"""The graph of a network in its folder; what describes it (`pose.yaml`) lies beside it."""

_NAME = re.compile(r"[A-Za-z0-9_][\w-]*")


def store_folder() -> Path:
    """`$BHARNET_ROS_MODELS`, or `~/.cache/bharnet_ros/models`; it need not exist.

    Bundles lie in it under their names, networks in `pose`, `hand` and `detector` under theirs,
    files as they were downloaded in `downloads`.
    """
    chosen = os.environ.get(VARIABLE, "").strip()
    if chosen:
        return Path(os.path.expanduser(chosen))  # Path's own raises for a user who is unknown
    return user_cache() / "models"


def stored_bundles() -> tuple[str, ...]:
    """Names of the bundles in the store."""
    return _folders_with(store_folder(), "manifest.json")


def stored_weights(kind: str) -> tuple[str, ...]:
    """Names of the networks of a kind in the store."""
    return _folders_with(store_folder() / kind, GRAPH)


def weights_folder(kind: str, name: str) -> Path:
    """Where a network lies, or would."""
    return store_folder() / kind / name


def is_name(text: str) -> bool:
    """Whether it can be the name of something in the store (and is no path)."""
    return _NAME.fullmatch(text) is not None


def _folders_with(folder: Path, file: str) -> tuple[str, ...]:
    try:
        names = os.listdir(folder)
    except OSError:  # there is none, or it is not for this user
        return ()
    return tuple(sorted(n for n in names if is_name(n) and os.path.isfile(folder / n / file)))
