"""Which outputs of an imported network mean something, and what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError

SHIPPED = Path(__file__).parent / "classes"
NO_ACTION = "no_action"


@dataclass(frozen=True)
class Classes:
    """Names of the outputs that are kept.

    outputs: their numbers in the network, rising; names: one each; background: the name of the
    one that is no action, or "" if the network has none.
    """

    outputs: tuple[int, ...]
    names: tuple[str, ...]
    background: str


def trained_outputs(weight: Tensor, bias: Tensor) -> list[int]:
    """The outputs that training ever told apart.

    weight: (C, F); bias: (C,). Classes without samples are pushed alike, so they end with one
    and the same row; such rows, and rows of zeros, are dead.
    """
    rows = torch.cat([weight, bias[:, None]], dim=1)
    size = rows.abs().amax(dim=1)
    apart = (rows[:, None, :] - rows[None, :, :]).abs().amax(dim=2)
    alike = apart <= 1e-6 * torch.maximum(size[:, None], size[None, :])
    alike.fill_diagonal_(False)
    alive = (size > 0) & ~alike.any(dim=1)
    return [int(i) for i in torch.nonzero(alive).flatten()]


def choose_classes(
    trained: list[int], count: int, path: Path | None, background: str | None
) -> Classes:
    """Names for the trained outputs.

    count: outputs in all. path: a YAML file, either a list of all names or a mapping with
    `names` {output: name} and, if wanted, `outputs` (their number) and `background`; None
    numbers them. background: overrides the file's.
    Raises ConfigurationError if the file is malformed or leaves a trained output without name.
    """
    if len(trained) < 2:
        raise ConfigurationError(
            f"Only {len(trained)} of {count} outputs of this network were ever trained, the others "
            "are all alike; take a trained checkpoint."
        )
    names: Mapping[Any, Any] = {i: f"class_{i:02d}" for i in trained}
    if path is not None:
        names, stated = _read(path, count)
        background = stated if background is None else background
    missing = [i for i in trained if not isinstance(names.get(i), str) or not names[i].strip()]
    if missing:
        raise ConfigurationError(
            f"Class file {path} names no class for the trained outputs "
            f"{', '.join(map(str, missing[:8]))}; add them under 'names'."
        )
    chosen = tuple(names[i].strip() for i in trained)
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    if twice:
        raise ConfigurationError(
            f"Class file {path} names several outputs '{twice[0]}'; every class needs its own name."
        )
    if background and background not in chosen:
        raise ConfigurationError(
            f"The background class '{background}' is not one of the trained classes "
            f"({', '.join(chosen)}); name one of them, or none."
        )
    return Classes(tuple(trained), chosen, background or "")


def _read(path: Path, count: int) -> tuple[Mapping[Any, Any], str]:
    try:
        data = plain_yaml.load_once(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"Class file {path} cannot be read ({str(error).splitlines()[0]}); give a YAML file "
            "with a list of names, or a mapping with 'names'."
        ) from None
    if isinstance(data, list):
        data = {"outputs": len(data), "names": dict(enumerate(data))}
    if not isinstance(data, dict) or not isinstance(data.get("names"), dict):
        raise ConfigurationError(
            f"Class file {path} holds neither a list of names nor a mapping with 'names'; see "
            "training/importing/classes for an example."
        )
    unknown = sorted(map(str, set(data) - {"outputs", "names", "background"}))
    if unknown:
        raise ConfigurationError(
            f"Class file {path} has the unknown entry {unknown[0]}; it may hold outputs, names and "
            "background."
        )
    if data.get("outputs", count) != count:
        raise ConfigurationError(
            f"Class file {path} is for a network of {data['outputs']} outputs, this one has "
            f"{count}; give the file that belongs to this checkpoint."
        )
    return data["names"], str(data.get("background", "") or "")
