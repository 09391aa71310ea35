"""python -m bharnet_ros models: list, fetch, verify."""

from __future__ import annotations

import argparse
import sys
import time

from bharnet_ros.models_store.fetch import fetch, state, verify
from bharnet_ros.models_store.location import VARIABLE, store_folder, stored_bundles
from bharnet_ros.models_store.registry import get_model, registered_models

_MEGABYTE = 1e6


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `models`."""
    models = commands.add_parser(
        "models",
        help="models that do not come with this package: list, fetch, verify",
        description=f"Fetched models live in {store_folder()} (${VARIABLE}). Nothing is ever "
        "downloaded but by `fetch`.",
    )
    actions = models.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="what can be fetched, and what is there")
    get = actions.add_parser("fetch", help="download a model and make a bundle of it")
    get.add_argument("name", help="see `models list`")
    actions.add_parser("verify", help="check everything in the store against its checksums")


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    if options.action == "fetch":
        return _fetch(options.name)
    return _list() if options.action == "list" else _verify()


def _list() -> int:
    models = registered_models()
    for name, model in models.items():
        size = f"{model.bytes / _MEGABYTE:.1f} MB"
        print(f"{name}  [{state(model)}]  {size}, {model.license}\n  {model.summary}")
        print(f"  {model.source}, commit {model.commit[:12]}")
    for name in stored_bundles():
        if name not in models:
            print(f"{name}  [ready]\n  a bundle in the store")
    print(f"store: {store_folder()}")
    return 0


def _fetch(name: str) -> int:
    model = get_model(name)
    print(f"{name}: {model.source}, {model.bytes / _MEGABYTE:.1f} MB, {model.license}")
    folder = fetch(model, _Meter())
    print(f"bundle: {folder}\nuse it with --bundle {name}")
    return 0


def _verify() -> int:
    results = verify()
    for what, complaint in results:
        print(f"{what}: {complaint or 'ok'}")
    if not results:
        print(f"nothing is in {store_folder()}")
    return 1 if any(complaint for _, complaint in results) else 0


class _Meter:
    """Progress on stderr, at most twice a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next or done == total:
            self._next = now + 0.5
            print(
                f"\r  {done / _MEGABYTE:.1f} of {total / _MEGABYTE:.1f} MB "
                f"({100 * done // total} %)",
                end="\n" if done == total else "",
                file=sys.stderr,
                flush=True,
            )
