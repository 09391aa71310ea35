"""Going on with an interrupted run: only with one of the same configuration, data and weights."""

from __future__ import annotations

import pickle  # for the name of its error alone
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import ConfigurationError
from training.engine.data import StoreDataModule
from training.engine.initial import weights_sha256
from training.engine.runs import CHECKPOINT_FILE, CHECKPOINTS

SKELETON = "the weights of --skeleton"


def grounds_of(data: StoreDataModule) -> dict[str, str]:
    """What the numbers of a run rest on beside its configuration, which tells names alone: the
    content of its stores, and the weights that it starts from."""
    found = {"the store": data.store.content_hash()}
    if data.background is not None:
        for folder, store in zip(
            data.config.data.background, data.background.stores, strict=True
        ):
            found[f"data.background {Path(folder).name}"] = store.content_hash()
    if data.config.init.bundle:
        weights = weights_sha256(load_bundle(data.config.init.bundle))
        found["the weights of init.bundle"] = weights
    return found


def checkpoint_of(
    run: Path, resume: bool, config_sha256: str, begun: bool = False
) -> Path | None:
    """Where to go on from, if it can be read without running anything and is of the configuration
    with that hash; None where nothing is to be resumed. ConfigurationError otherwise.

    begun: a training that comes before this one has, so that none is to be gone on with yet.
    """
    path = run / CHECKPOINTS / CHECKPOINT_FILE
    if not resume or (begun and not path.is_file()):
        return None
    if not path.is_file():
        raise ConfigurationError(f"There is nothing to resume at {path}; start without --resume.")
    if not is_of(path, config_sha256):
        raise ConfigurationError(
            f"{path} is of a run with another configuration; resume with that one, start without "
            "--resume, or choose another folder with --run."
        )
    return path


def is_of(path: Path, config_sha256: str) -> bool:
    """Whether a checkpoint is of a configuration, as far as it says: older ones do not say.

    Raises ConfigurationError if it cannot be read without running anything.
    """
    return (_read(path).get("config_sha256") or config_sha256) == config_sha256


def _read(path: Path) -> dict[str, Any]:
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(saved, dict):
            raise RuntimeError("it holds no mapping")
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigurationError(
            f"{path} cannot be resumed from ({str(error).splitlines()[0]}); it is damaged or no "
            "checkpoint of this program. Start without --resume."
        ) from error
    return saved


def refuse_other_grounds(path: Path | None, grounds: Mapping[str, str]) -> None:
    """Raise ConfigurationError if a checkpoint is of a run that rests on something else than these
    grounds (name -> hash), as far as it says: older ones do not say. None is no checkpoint."""
    if path is None:
        return
    saved = _read(path)
    begun = dict(saved.get("grounds") or {})
    if saved.get("skeleton_sha256"):  # all that was once kept of them
        begun.setdefault(SKELETON, saved["skeleton_sha256"])
    for name, now in grounds.items():
        if begun.get(name, now) != now:
            raise ConfigurationError(
                f"{path} is of a run that was begun on something else: of {name} the SHA-256 was "
                f"{begun[name][:12] or 'none'}..., now it is {now[:12] or 'none'}...; resume with "
                "what the run was begun on, start without --resume, or choose another folder with "
                "--run."
            )
