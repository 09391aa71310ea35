"""Get a registered model and make it ready; say what is there and whether it is intact."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BharnetError, BundleError, DownloadError
from bharnet_ros.models_store.bundles import make_bundle
from bharnet_ros.models_store.download import Progress, digest, download, one_at_a_time
from bharnet_ros.models_store.location import (
    DOWNLOADS,
    GRAPH,
    store_folder,
    stored_bundles,
    stored_weights,
    weights_folder,
)
from bharnet_ros.models_store.registry import (
    BUNDLE,
    KINDS,
    UNKNOWN,
    Model,
    registered_models,
)
from bharnet_ros.models_store.weights import (
    check_weights,
    expected_digest,
    keep_weights,
    untrusted,
)


def downloaded_file(model: Model) -> Path:
    """Where the model's file lies, or would; putting it there by hand saves the download."""
    return store_folder() / DOWNLOADS / model.file


def fetch_file(model: Model, progress: Progress | None = None) -> Path:
    """The model's file, downloaded unless it is there already. Raises DownloadError."""
    path = downloaded_file(model)
    if os.path.exists(path):
        _check(path, model)
    else:
        download(model.urls, path, model.sha256, model.bytes, progress)
    return path


def fetch(model: Model, progress: Progress | None = None, trust_first: bool = False) -> Path:
    """Download and make ready: the folder of a bundle, or the graph of a network.

    What is ready and intact is left as it is. trust_first: take a model of which nobody has
    published a checksum, and record what came.
    Raises DownloadError, WeightsError, or BackendUnavailable with the command to run elsewhere if a
    bundle cannot be made here.
    """
    ready = _ready(model)
    if ready is not None:
        return ready
    if not model.pinned and not trust_first and expected_digest(model) == UNKNOWN:
        raise DownloadError(untrusted(model))
    path = downloaded_file(model)
    with one_at_a_time(path.with_name(f"{path.name}.lock"), path.name):
        # Another process may have been at it meanwhile.
        return _ready(model) or _make_ready(model, progress, trust_first)


def _ready(model: Model) -> Path | None:
    """The folder of a bundle or the graph of a network if it is in the store and intact.

    A bundle that is not is made again of its file. Raises WeightsError if a network is not.
    """
    if model.kind == BUNDLE:
        with contextlib.suppress(BundleError):
            if model.name in stored_bundles():
                return load_bundle(store_folder() / model.name).path
        return None
    graph = weights_folder(model.kind, model.name) / GRAPH
    if not os.path.isfile(graph):
        return None
    check_weights(model.kind, model.name)
    return graph


def _make_ready(model: Model, progress: Progress | None, trust_first: bool) -> Path:
    placed = os.path.exists(downloaded_file(model))
    path = fetch_file(model, progress)
    if model.kind == BUNDLE:
        return make_bundle(model, path)
    try:
        graph = keep_weights(model, path, trust_first)
    except DownloadError:
        if not placed and model.sha256 == UNKNOWN:  # it may be anything: no reason to keep it
            path.unlink()
        raise
    if not placed:  # only the graph is ever read; what somebody put there stays theirs
        path.unlink()
    return graph


def state(model: Model) -> str:
    """One of "ready", "ready, trusted" (nobody has published its checksum), "downloaded" (to be
    made ready), "begun", "not fetched"."""
    path = downloaded_file(model)
    if model.kind == BUNDLE and model.name in stored_bundles():
        return "ready"
    if model.kind != BUNDLE and model.name in stored_weights(model.kind):
        return "ready" if model.pinned else "ready, trusted"
    if os.path.exists(path):
        return "downloaded"
    begun = path.with_name(path.name + ".partial")
    return "begun" if os.path.exists(begun) and begun.stat().st_size else "not fetched"


def verify() -> list[tuple[str, str]]:
    """(what, what is wrong) of everything in the store; "" = nothing is."""
    checks: list[tuple[str, Callable[[], object]]] = []
    for model in registered_models().values():
        path = downloaded_file(model)
        if os.path.exists(path):
            checks.append((f"{DOWNLOADS}/{model.file}", partial(_check, path, model)))
    for name in stored_bundles():
        checks.append((name, partial(load_bundle, store_folder() / name)))
    for kind in KINDS[1:]:
        for name in stored_weights(kind):
            checks.append((f"{kind}/{name}", partial(check_weights, kind, name)))
    return [(what, _complaint(check)) for what, check in checks]


def _complaint(check: Callable[[], object]) -> str:
    try:
        check()
    except BharnetError as error:
        return str(error)
    return ""


def _check(path: Path, model: Model) -> None:
    if model.sha256 == UNKNOWN:
        return  # the graph in it is checked when it is unpacked
    try:
        found = digest(path) if path.is_file() else "no file"
    except OSError as error:
        raise DownloadError(
            f"{path} cannot be read ({error.strerror or error}); let this user read it, or delete "
            "it and fetch again."
        ) from None
    if found != model.sha256:
        raise DownloadError(
            f"{path} is not the file of model '{model.name}' (sha256 {found[:12]}… instead of "
            f"{model.sha256[:12]}…); delete it and fetch again, or put the right one there."
        )
