"""What is given to start a graph with: files, bundles and sources, checked before any process is
started. No ROS."""

from __future__ import annotations

import os
from collections.abc import Sequence

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.sources import is_device, same_device


def params_path(text: str) -> str:
    """The absolute path of a parameter file; "" for none. Raises ConfigurationError if there is no
    such file."""
    path = os.path.expanduser(text)
    if path and not os.path.isfile(path):
        raise ConfigurationError(f"The params_file {text} does not exist.")
    return os.path.abspath(path) if path else ""


def parts(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def bundle_names(text: str) -> list[str]:
    """The bundles of a text like "a, folder/b"; folders become absolute paths, because processes
    may run elsewhere. Raises ConfigurationError for a folder that does not exist."""
    names = [os.path.expanduser(name) for name in parts(text)]
    for name in names:
        if os.sep in name and not os.path.isdir(name):
            raise ConfigurationError(f"The bundle {name} does not exist; give a folder or a name.")
    return [os.path.abspath(name) if os.path.isdir(name) else name for name in names]


def camera_sources(text: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """(camera, its input_source); the only camera has no name. Raises ConfigurationError unless
    there is one source for all or one for each camera, and no device twice; for a source that does
    not exist too."""
    sources = parts(text) if names else [text]
    if len(sources) == 1:
        sources *= max(1, len(names))
    if names and len(sources) != len(names):
        raise ConfigurationError(
            f"input is {text!r}, which is {len(sources)} sources for {len(names)} cameras; give "
            "one for all, or one each, separated by commas."
        )
    for source in sources:
        known = source in ("none", "simulated") or is_device(source)
        if not known and not os.path.isfile(os.path.expanduser(source)):
            raise ConfigurationError(
                f"input is {source!r}; give none, simulated, an existing video file or a camera "
                "device: its number, or its path below /dev."
            )
        if sum(same_device(source, other) for other in sources) > 1:
            raise ConfigurationError(
                f"input is {text!r}: two cameras cannot share a device; give each its own, "
                "separated by commas."
            )
    return list(zip(names or ("",), sources, strict=True))
