"""Bundles made of downloaded checkpoints, by the training package where that is installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from pathlib import Path

from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BackendUnavailable
from bharnet_ros.models_store.location import store_folder
from bharnet_ros.models_store.registry import Model


def make_bundle(model: Model, checkpoint: Path) -> Path:
    """Import a downloaded checkpoint into the store; the folder of the bundle.

    Raises BackendUnavailable with the command to run elsewhere if the training package or PyTorch
    is not installed here.
    """
    folder = store_folder() / model.name
    missing = [name for name in ("training", "torch") if not _installed(name)]
    if missing:
        raise BackendUnavailable(
            f"{checkpoint} is fetched and verified, but making a bundle of it needs "
            f"{' and '.join(missing)}, which this machine lacks. Where this package's sources and "
            f"PyTorch are, run `{import_command(model, checkpoint, folder)}`, and put the folder "
            f"it writes at {folder}."
        )
    importing = importlib.import_module("training.importing.to_bundle")
    unfinished = folder.with_name(folder.name + ".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        importing.import_pyskl(
            checkpoint,
            unfinished,
            importing.ImportOptions(
                name=model.name,
                license=model.license,
                origin=f"{model.source}, {model.urls[0]}",
            ),
        )
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return load_bundle(folder).path


def import_command(model: Model, path: Path, folder: Path) -> str:
    """The command that makes the bundle of a file that is there."""
    return (
        f"python -m training import {model.importer} --checkpoint {path} --output {folder} "
        f"--license {model.license}"
    )


def _installed(name: str) -> bool:
    """Whether a package that importing needs can be imported; our own by its part."""
    wanted = f"{name}.importing" if name == "training" else name
    try:
        return importlib.util.find_spec(wanted) is not None
    except ModuleNotFoundError:
        return False
