"""The kinds of configuration, and the commands that each is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from training.config import read_yaml


@dataclass(frozen=True)
class Kind:
    """What a configuration is about, in words, and the commands that take it."""

    about: str
    commands: tuple[str, ...]


FILMS = Kind("films of drawn people", ("generate", "fit", "export", "evaluate", "first-light"))
STORE = Kind("a store of recordings", ("fit", "export", "evaluate", "ablate"))
RGB = Kind("the RGB branch", ("fit-rgb",))
_OF_RGB = {"groups", "confused_share", "min_mass"}
"""Keys that nothing else has."""


def kind_of(path: Path) -> Kind | None:
    """What a file is about; None if it is not there or could be anything, so that whoever reads it
    says what is wrong. Raises ConfigurationError if it is no YAML."""
    content: Any = read_yaml(path) if path.is_file() else None
    if not isinstance(content, dict):
        return None
    data = content.get("data")
    if isinstance(data, dict):
        return STORE if "store" in data else FILMS
    return RGB if _OF_RGB & set(content) else None


def check_kind(path: Path, command: str) -> Kind | None:
    """`kind_of`. Raises ConfigurationError, which names the right commands, if it is one that the
    command does not take."""
    kind = kind_of(path)
    if kind is not None and command not in kind.commands:
        *first, last = kind.commands
        told = f"{', '.join(first)} and {last}" if first else last
        raise ConfigurationError(
            f"{path} is about {kind.about}, which `{command}` does not take; it goes with {told}."
        )
    return kind
