"""python -m bharnet_ros models: list, fetch, verify."""

from __future__ import annotations

import argparse
import sys
import time

from bharnet_ros.models_store.fetch import downloaded_file, fetch, state, verify
from bharnet_ros.models_store.location import (
    GRAPH,
    VARIABLE,
    store_folder,
    stored_bundles,
    stored_weights,
    weights_folder,
)
from bharnet_ros.models_store.registry import (
    BUNDLE,
    KINDS,
    Model,
    get_model,
    registered_models,
)
from bharnet_ros.models_store.weights import fetch_command

_MEGABYTE = 1e6
_USE = {
    BUNDLE: "use it with --bundle {name}",
    "pose": "use it with pose_backend rtmpose, pose_options model={name}",
    "hand": "use it with pose_backend rtmpose, pose_options hand_model={name}",
    "detector": "use it with pose_options detector={name}",
}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `models`."""
    models = commands.add_parser(
        "models",
        help="models that do not come with this package: list, fetch, verify",
        description=f"Fetched models live in {store_folder()} (${VARIABLE}). Nothing is ever "
        "downloaded but by `fetch`.",
    )
    actions = models.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="what can be fetched, and what is there")
    listing.add_argument("name", nargs="*", help="everything about these models")
    listing.add_argument("--kind", choices=KINDS, help="only models of this kind")
    get = actions.add_parser("fetch", help="download models and make them ready")
    get.add_argument("name", nargs="+", help="see `models list`")
    get.add_argument(
        "--trust-first",
        action="store_true",
        help="take models of which nobody has published a checksum: the first file that comes is "
        "recorded, and anything else refused later",
    )
    actions.add_parser("verify", help="check everything in the store against its checksums")


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    if options.action == "fetch":
        for model in [get_model(name) for name in options.name]:
            _fetch(model, options.trust_first)
        return 0
    if options.action == "verify":
        return _verify()
    if options.name:
        for model in [get_model(name) for name in options.name]:
            _tell(model)
        return 0
    return _list([options.kind] if options.kind else list(KINDS))


def _list(kinds: list[str]) -> int:
    models = registered_models()
    for kind in kinds:
        print(f"{kind}:")
        for model in models.values():
            if model.kind == kind:
                print(f"  {model.name}  [{state(model)}]  {_size(model)}, {model.license}")
                print(f"    {model.summary}")
        for name in stored_bundles() if kind == BUNDLE else stored_weights(kind):
            if name not in models:
                print(f"  {name}  [ready]\n    put into the store")
    print(f"store: {store_folder()}")
    return 0


def _tell(model: Model) -> None:
    """Also all that a machine without a network needs."""
    print(f"{model.name}  [{state(model)}]  {model.kind}\n  {model.summary}")
    print(f"  source: {model.source}\n  license: {model.license}")
    if model.terms:
        print(f"  note: {model.terms}")
    for url in model.urls:
        print(f"  from: {url}")
    print(f"  size: {_size(model)}\n  sha256: {model.sha256}")
    if model.member:
        print(f"  in it: {model.member}, sha256: {model.weights_sha256}")
    print(f"  fetch: {fetch_command(model)}")
    print(f"  without a network: put that file at {downloaded_file(model)} and run the same")
    if model.kind != BUNDLE:
        graph = weights_folder(model.kind, model.name) / GRAPH
        print(f"  or the graph itself at {graph}")


def _fetch(model: Model, trust_first: bool) -> None:
    print(f"{model.name}: {model.source}, {_size(model)}, {model.license}")
    if model.terms:
        print(f"note: {model.terms}")
    ready = fetch(model, _Meter(), trust_first)
    print(f"{model.kind}: {ready}\n{_USE[model.kind].format(name=model.name)}")


def _verify() -> int:
    results = verify()
    for what, complaint in results:
        print(f"{what}: {complaint or 'ok'}")
    if not results:
        print(f"nothing is in {store_folder()}")
    return 1 if any(complaint for _, complaint in results) else 0


def _size(model: Model) -> str:
    return f"{model.bytes / _MEGABYTE:.1f} MB" if model.bytes else "size not known"


class _Meter:
    """Progress on stderr, at most twice a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next and done != total:
            return
        self._next = now + 0.5
        whole = f" of {total / _MEGABYTE:.1f} MB ({100 * done // total} %)" if total else " MB"
        print(
            f"\r  {done / _MEGABYTE:.1f}{whole}",
            end="\n" if done == total else "",
            file=sys.stderr,
            flush=True,
        )
