"""Get a registered model and make a bundle of it; say what is there."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BackendUnavailable, BharnetError, DownloadError
from bharnet_ros.models_store.download import Progress, digest, download
from bharnet_ros.models_store.location import DOWNLOADS, store_folder, stored_bundles
from bharnet_ros.models_store.registry import Model, registered_models


def downloaded_file(model: Model) -> Path:
    """Where the model's file lies, or would; putting it there by hand saves the download."""
    return store_folder() / DOWNLOADS / model.file


def fetch_file(model: Model, progress: Progress | None = None) -> Path:
    """The model's file, downloaded unless it is there already. Raises DownloadError."""
    path = downloaded_file(model)
    if path.exists():
        _check(path, model)
    else:
        download(model.url, path, model.sha256, model.bytes, progress)
    return path


def fetch(model: Model, progress: Progress | None = None) -> Path:
    """Download and import; the folder of the bundle.

    Raises DownloadError, or BackendUnavailable with the command to run elsewhere if the training
    package or PyTorch is not installed here.
    """
    path = fetch_file(model, progress)
    folder = store_folder() / model.name
    missing = [name for name in ("training", "torch") if not _installed(name)]
    if missing:
        raise BackendUnavailable(
            f"{path} is fetched and verified, but making a bundle of it needs "
            f"{' and '.join(missing)}, which this machine lacks. Where this package's sources and "
            f"PyTorch are, run `{import_command(model, path, folder)}`, and put the folder it "
            f"writes at {folder}."
        )
    importing = importlib.import_module("training.importing.to_bundle")
    unfinished = folder.with_name(folder.name + ".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        importing.import_pyskl(
            path,
            unfinished,
            importing.ImportOptions(
                name=model.name, license=model.license, origin=f"{model.source} at {model.commit}"
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


def state(model: Model) -> str:
    """One of "ready" (a bundle), "downloaded" (to be imported), "begun", "not fetched"."""
    path = downloaded_file(model)
    if model.name in stored_bundles():
        return "ready"
    if path.exists():
        return "downloaded"
    return "begun" if path.with_name(path.name + ".partial").exists() else "not fetched"


def verify() -> list[tuple[str, str]]:
    """(what, what is wrong) of everything in the store; "" = nothing is."""
    checks: list[tuple[str, Callable[[], object]]] = []
    for model in registered_models().values():
        path = downloaded_file(model)
        if path.exists():
            checks.append((f"{DOWNLOADS}/{model.file}", partial(_check, path, model)))
    for name in stored_bundles():
        checks.append((name, partial(load_bundle, store_folder() / name)))
    return [(what, _complaint(check)) for what, check in checks]


def _complaint(check: Callable[[], object]) -> str:
    try:
        check()
    except BharnetError as error:
        return str(error)
    return ""


def _check(path: Path, model: Model) -> None:
    found = digest(path) if path.is_file() else "no file"
    if found != model.sha256:
        raise DownloadError(
            f"{path} is not the file of model '{model.name}' (sha256 {found[:12]}… instead of "
            f"{model.sha256[:12]}…); delete it and fetch again, or put the right one there."
        )


def _installed(name: str) -> bool:
    """Whether a package that importing needs can be imported; our own by its part."""
    wanted = f"{name}.importing" if name == "training" else name
    try:
        return importlib.util.find_spec(wanted) is not None
    except ModuleNotFoundError:
        return False
