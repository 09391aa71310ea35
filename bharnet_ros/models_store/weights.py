"""Networks for perception in the store: found by name, checked, with what describes them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros.errors import DownloadError, WeightsError
from bharnet_ros.models_store.archive import unpack_member
from bharnet_ros.models_store.download import MAX_BYTES, digest, unwritable
from bharnet_ros.models_store.location import (
    DOWNLOADS,
    GRAPH,
    is_name,
    store_folder,
    stored_weights,
    weights_folder,
)
from bharnet_ros.models_store.registry import BUNDLE, KINDS, UNKNOWN, Model, registered_models
from bharnet_ros.models_store.trust import trust, trusted_digest

RECEIPT = "receipt.json"
_SIDECARS = {"pose": "pose.yaml", "hand": "pose.yaml", "detector": "detector.yaml"}


@dataclass(frozen=True)
class Receipt:
    """What a graph in the store was when it came."""

    sha256: str
    bytes: int


def find_weights(name_or_path: str | Path, kind: str) -> Path:
    """The graph of a network: a file, a folder that holds `model.onnx`, or a name in the store.

    kind: "pose", "hand" or "detector". Nothing is downloaded or unpacked here.
    Raises WeightsError that says what to run, or what to put where.
    """
    if kind not in KINDS or kind == BUNDLE:
        raise ValueError(f"kind '{kind}' is none of {', '.join(KINDS[1:])}")
    text = str(name_or_path)
    path = Path(os.path.expanduser(text))
    # os.path says no, where Path raises, if this user may not look into the folder.
    if text.strip() and os.path.isfile(path):
        return path
    if text.strip() and os.path.isfile(path / GRAPH):
        return path / GRAPH
    if is_name(text):
        return _in_the_store(text, kind)
    what = f"has no {GRAPH}" if os.path.isdir(path) else "does not exist, or not for this user"
    raise WeightsError(
        f"'{text}' {what}; give the path of an .onnx file, a folder that holds {GRAPH}, or one of "
        f"{_names(kind)}."
    )


def keep_weights(model: Model, downloaded: Path, trust_first: bool) -> Path:
    """Make the network of a downloaded file: the graph, what describes it, and its receipt.

    trust_first: whether a graph whose checksum nobody has published may be taken; it is recorded.
    Returns the graph. Raises DownloadError if it is not the expected one, or cannot be written.
    """
    folder = weights_folder(model.kind, model.name)
    unfinished = folder.with_name(folder.name + ".partial")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        graph = unfinished / GRAPH
        if model.member:
            unpack_member(downloaded, model.member, graph, MAX_BYTES)
        else:
            shutil.copyfile(downloaded, graph)
        found, expected = digest(graph), expected_digest(model)
        if expected not in (UNKNOWN, found):
            raise DownloadError(
                f"{downloaded} gives a graph with sha256 {found[:12]}… and not {expected[:12]}…; "
                "delete it and fetch again. If it stays so, the file was exchanged and must not "
                "be used."
            )
        if expected == UNKNOWN and not model.pinned:
            if not trust_first:
                raise DownloadError(untrusted(model))
            trust(model.name, found)
        _describe(graph, found, model)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(unfinished, folder)
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder / GRAPH


def check_weights(kind: str, name: str) -> None:
    """Hash a network in the store. Raises WeightsError if it is not what it was, or should be."""
    graph, model = weights_folder(kind, name) / GRAPH, _registered(name, kind)
    _check(graph, _hashed(graph), model)


def expected_digest(model: Model) -> str:
    """sha256 of the model's graph: the published one, or what was trusted first, or "unknown"."""
    if model.weights_sha256 != UNKNOWN:
        return model.weights_sha256
    return trusted_digest(model.name) or UNKNOWN


def untrusted(model: Model) -> str:
    """Why a model is not simply taken."""
    return (
        f"Nobody has published a checksum of model '{model.name}', so the file cannot be told from "
        f"an exchanged one. If you trust {model.urls[0]}, run `{fetch_command(model)}`: what comes "
        "first is recorded, and anything else refused from then on."
    )


def fetch_command(model: Model) -> str:
    """What brings it here."""
    option = "" if model.pinned else "--trust-first "
    return f"python -m bharnet_ros models fetch {option}{model.name}"


def _in_the_store(name: str, kind: str) -> Path:
    graph = weights_folder(kind, name) / GRAPH
    if os.path.isfile(graph):
        _look(graph, _registered(name, kind))
        return graph
    model = registered_models().get(name)
    if model is None:
        raise WeightsError(
            f"'{name}' is neither a file nor a network in the store; give the path of an .onnx "
            f"file, put one at {graph}, or take one of {_names(kind)}."
        )
    if model.kind != kind:
        raise WeightsError(
            f"Model '{name}' is of the kind {model.kind}, and one of the kind {kind} is needed; "
            f"take one of {_names(kind)}."
        )
    placed = store_folder() / DOWNLOADS / model.file
    if os.path.exists(placed):
        raise WeightsError(
            f"Model '{name}' is downloaded but not made ready; run `{fetch_command(model)}` (it "
            "needs no network)."
        )
    raise WeightsError(
        f"Model '{name}' is not in {store_folder()}; run `{fetch_command(model)}`. Without a "
        f"network, fetch {model.urls[0]} elsewhere, put it at {placed} and run the same command."
    )


def _look(graph: Path, model: Model | None) -> None:
    """At start-up hundreds of megabytes are hashed once, when somebody has put them there."""
    receipt = _receipt(graph)
    if receipt is not None:
        if receipt.bytes != graph.stat().st_size:
            raise WeightsError(
                f"{graph} has {graph.stat().st_size} bytes and not the {receipt.bytes} it came "
                f"with; delete its folder and {_again(model)}."
            )
    elif model is not None:
        found = _hashed(graph)
        _check(graph, found, model)
        with contextlib.suppress(OSError):  # a store that is shared and read-only
            _describe(graph, found, model)


def _hashed(graph: Path) -> str:
    try:
        return digest(graph)
    except OSError as error:
        raise WeightsError(
            f"{graph} cannot be read ({error.strerror or error}); let this user read it, or put "
            "it there again."
        ) from None


def _check(graph: Path, found: str, model: Model | None) -> None:
    receipt = _receipt(graph)
    expected = UNKNOWN if model is None else expected_digest(model)
    if expected == UNKNOWN and receipt is not None:
        expected = receipt.sha256
    if expected not in (UNKNOWN, found):
        raise WeightsError(
            f"{graph} is not what it should be (sha256 {found[:12]}… instead of "
            f"{expected[:12]}…); delete its folder and {_again(model)}."
        )


def _describe(graph: Path, sha256: str, model: Model) -> None:
    """Receipt, and what the graph does not say of itself unless somebody has said it already."""
    receipt = Receipt(sha256, graph.stat().st_size)
    graph.with_name(RECEIPT).write_text(json.dumps(asdict(receipt)) + "\n", "utf-8")
    sidecar = graph.with_name(_SIDECARS[model.kind])
    if model.settings and not sidecar.exists():
        sidecar.write_text(yaml.safe_dump(dict(model.settings), sort_keys=False), "utf-8")


def _receipt(graph: Path) -> Receipt | None:
    path = graph.with_name(RECEIPT)
    try:
        data: Any = json.loads(path.read_text("utf-8"))
        receipt = Receipt(**data)
        if not isinstance(receipt.sha256, str) or not isinstance(receipt.bytes, int):
            raise TypeError("its values are no checksum and no size")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise WeightsError(
            f"{path} cannot be read ({error}); delete it, and the graph is checked anew."
        ) from None
    return receipt


def _again(model: Model | None) -> str:
    return "put the right file there" if model is None else f"run `{fetch_command(model)}`"


def _registered(name: str, kind: str) -> Model | None:
    model = registered_models().get(name)
    return model if model is not None and model.kind == kind else None


def _names(kind: str) -> str:
    known = [m.name for m in registered_models().values() if m.kind == kind]
    return ", ".join([*known, *(n for n in stored_weights(kind) if n not in known)])
