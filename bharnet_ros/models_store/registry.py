"""Which public models there are: data in `registry.yaml`."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros.errors import ConfigurationError

_REGISTRY = Path(__file__).with_name("registry.yaml")


@dataclass(frozen=True)
class Model:
    """A file on the network and what to do with it.

    url: https, at a pinned commit. file: its name in the store's `downloads`. bytes, sha256: what
    it must be. importer: which `python -m training import` makes a bundle of it.
    """

    name: str
    summary: str
    source: str
    commit: str
    url: str
    file: str
    sha256: str
    bytes: int
    license: str
    importer: str


@cache
def registered_models() -> dict[str, Model]:
    """The models this package knows, by name."""
    return read_registry(_REGISTRY)


def get_model(name: str) -> Model:
    """A model by name. Raises ConfigurationError with the known names."""
    models = registered_models()
    if name not in models:
        raise ConfigurationError(
            f"Model '{name}' is not known; `models fetch` can get {', '.join(models)}."
        )
    return models[name]


def read_registry(path: Path) -> dict[str, Model]:
    """Models of a registry file. Raises ConfigurationError that names the entry at fault."""
    data = yaml.safe_load(path.read_text("utf-8"))
    return {name: _model(str(name), entry, path) for name, entry in data.items()}


def _model(name: str, entry: Any, path: Path) -> Model:
    wanted = {field.name: field.type for field in fields(Model) if field.name != "name"}
    if not isinstance(entry, dict) or set(entry) != set(wanted):
        raise ConfigurationError(
            f"{path}: model '{name}' must have exactly the entries {', '.join(wanted)}."
        )
    for key, kind in wanted.items():
        if not isinstance(entry[key], int if kind == "int" else str):
            raise ConfigurationError(f"{path}: model '{name}' has {key} {entry[key]!r}.")
    for key, pattern in (
        ("url", r"https://[^\s]+"),
        ("file", r"[A-Za-z0-9_][A-Za-z0-9_.-]*"),
        ("sha256", r"[0-9a-f]{64}"),
        ("commit", r"[0-9a-f]{40}"),
    ):
        if not re.fullmatch(pattern, entry[key]):
            raise ConfigurationError(f"{path}: model '{name}' has {key} '{entry[key]}'.")
    if entry["commit"] not in entry["url"] or entry["bytes"] <= 0:
        raise ConfigurationError(f"{path}: model '{name}' is not pinned to its commit and size.")
    return Model(name=name, **entry)
