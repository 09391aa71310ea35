"""Which public models there are: data in `registry.yaml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bharnet_ros.errors import ConfigurationError

BUNDLE = "bundle"
KINDS = (BUNDLE, "pose", "hand", "detector")
"""What a model is: a bundle for the recogniser, keypoints of people or of a hand, boxes of
people."""
UNKNOWN = "unknown"
"""A checksum that nobody has published."""

_REGISTRY = Path(__file__).with_name("registry.yaml")
_DIGEST = rf"[0-9a-f]{{64}}|{UNKNOWN}"
_REQUIRED = ("kind", "summary", "source", "license", "urls", "sha256")
_OPTIONAL = ("terms", "bytes", "member", "member_sha256", "importer", "settings")


@dataclass(frozen=True)
class Model:
    """A file on the network and what to do with it.

    urls: https, the same file at each. sha256, bytes: what that file must be; "unknown" and 0 =
    nobody has published it. member: the graph's path in the archive, or its bare name if that is
    unique there ("" = the file itself is the model). terms: what else to know before use.
    importer: which `python -m training import` makes a bundle of it. settings: what the graph does
    not say of itself, as (name, value).
    """

    name: str
    kind: str
    summary: str
    source: str
    license: str
    urls: tuple[str, ...]
    sha256: str
    terms: str = ""
    bytes: int = 0
    member: str = ""
    member_sha256: str = ""
    importer: str = ""
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def file(self) -> str:
        """Its name in the store's `downloads`."""
        return urlsplit(self.urls[0]).path.rsplit("/", 1)[-1]

    @property
    def weights_sha256(self) -> str:
        """Of the graph that comes of it; "unknown" if only the archive's is known, or none."""
        return self.member_sha256 if self.member else self.sha256

    @property
    def pinned(self) -> bool:
        """Whether something published says what the graph must be."""
        return self.sha256 != UNKNOWN or self.weights_sha256 != UNKNOWN


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
    models = {str(name): _model(str(name), entry, path) for name, entry in data.items()}
    files: dict[str, str] = {}
    for name, model in models.items():
        other = files.setdefault(model.file, name)
        if other != name:
            raise ConfigurationError(
                f"{path}: model '{name}' and '{other}' are both downloaded as {model.file}."
            )
    return models


def _model(name: str, entry: Any, path: Path) -> Model:
    def wrong(what: str) -> ConfigurationError:
        return ConfigurationError(f"{path}: model '{name}' {what}.")

    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
        raise wrong("must be named in lower-case letters, digits and _")
    known = {*_REQUIRED, *_OPTIONAL}
    if not isinstance(entry, dict) or not set(_REQUIRED) <= set(entry) <= known:
        raise wrong(f"must have {', '.join(_REQUIRED)}, and may have {', '.join(_OPTIONAL)}")
    for key, value in entry.items():
        wanted = {"bytes": int, "urls": list, "settings": dict}.get(key, str)
        if not isinstance(value, wanted) or isinstance(value, bool) or not value:
            raise wrong(f"has {key} {value!r}")
    settings = tuple(entry.get("settings", {}).items())
    entry = {**entry, "urls": tuple(entry["urls"]), "settings": settings}
    checks = [("kind", entry["kind"], "|".join(KINDS)), ("sha256", entry["sha256"], _DIGEST)]
    checks += [("urls", url, r"https://[^\s?#]+/[A-Za-z0-9_][\w.-]*") for url in entry["urls"]]
    if "member" in entry:
        checks.append(("member_sha256", entry.get("member_sha256"), _DIGEST))
    for key, value, pattern in checks:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise wrong(f"has {key} '{value}'")
    if entry.get("bytes", 1) <= 0:
        raise wrong(f"has bytes {entry['bytes']}")
    if ("importer" in entry) != (entry["kind"] == BUNDLE):
        raise wrong("needs an importer if, and only if, it is a bundle")
    if entry["kind"] == BUNDLE and (entry["sha256"] == UNKNOWN or "member" in entry):
        raise wrong("is a bundle: it must be one file with a known checksum")
    return Model(name=name, **entry)
