"""Trained weights on disk: arrays and JSON text in one `.npz`, nothing that could run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bharnet_ros.errors import ConfigurationError
from training.files import DAMAGED, damage, writing

_TEXT = "__description__"


def save_weights(path: Path, network: nn.Module, description: dict[str, Any]) -> None:
    """Write the network's state and what belongs to it; `ConfigurationError` if that cannot be
    written."""
    arrays: dict[str, Any] = {n: v.detach().numpy() for n, v in network.state_dict().items()}
    text = json.dumps(description, sort_keys=True).encode()
    part = path.with_name(f".{path.name}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            # Not allow_pickle=False: before NumPy 2 that is one more array of this name.
            np.savez(file, **{**arrays, _TEXT: np.frombuffer(text, np.uint8)})
        part.replace(path)


def read_description(path: Path) -> dict[str, Any]:
    """What was saved beside the weights; `ConfigurationError` if there is no such file."""
    if not path.is_file():
        raise ConfigurationError(
            f"There are no trained weights at {path}; run `python -m training fit` first."
        )
    try:
        with np.load(path, allow_pickle=False) as data:
            description: dict[str, Any] = json.loads(data[_TEXT].tobytes())
    except DAMAGED as error:
        raise _no_weights(path, error) from error
    return description


def load_weights(path: Path, network: nn.Module) -> None:
    """Fill `network`; `ConfigurationError` if the file is damaged or of another architecture."""
    read_description(path)
    try:
        with np.load(path, allow_pickle=False) as data:
            state = {name: torch.from_numpy(data[name]) for name in data.files if name != _TEXT}
    except DAMAGED as error:
        raise _no_weights(path, error) from error
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ConfigurationError(
            f"{path} was trained with another model or vocabulary than the configuration "
            f"describes; train again. ({str(error).splitlines()[0]})"
        ) from error


def _no_weights(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is not a weights file of this package ({damage(error)}); train again."
    )
