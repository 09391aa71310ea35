"""Bundles and their engines, as the parameters of the node action_recognizer ask for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.continual import build_step, open_engine
from bharnet_ros.inference import (
    Engine,
    build_engine,
    create_engine,
    engine_options,
)
from bharnet_ros.judging import check_together

Say = Callable[[str], None]
"""Takes a line about something that takes long."""

_BATCH_SIZES = (1, 2, 3, 4)
"""People at once to warm up for; engines on a GPU prepare each size when it first comes."""


def load_bundles(values: Mapping[str, Any]) -> list[Bundle]:
    """The bundles, verified. Raises BundleError, or ConfigurationError if they do not go together.

    values: the node's parameters by name.
    """
    names = [name.strip() for name in values["bundles"] if name.strip()]
    bundles = [load_bundle(name) for name in names]
    check_together(bundles)  # before the work of loading networks
    return bundles


def open_engines(values: Mapping[str, Any], bundles: Sequence[Bundle], say: Say) -> list[Engine]:
    """An engine per bundle: of its step graph if it has one and that is wanted, else of its
    windows; all warm. None stays open if one fails. Raises as `create_engine` does."""
    name, options = values["engine"], _options(values)
    engines: list[Engine] = []
    try:
        for bundle in bundles:
            engine = None
            if values["continual"] == "auto":
                engine = open_engine(bundle, name, report=say, **options)
            if engine is None:
                rgb = {"rgb": True} if values["rgb"] and bundle.manifest.rgb is not None else {}
                engine = create_engine(bundle, name, report=say, **rgb, **options)
            engines.append(engine)
            engines[-1].warm_up(_BATCH_SIZES)
    except BaseException:
        for engine in engines:
            engine.close()
        raise
    return engines


def build_engines(values: Mapping[str, Any], say: Say) -> None:
    """Build the files that `open_engines` would need. Raises as `build_engine` does."""
    name, options = values["engine"], _options(values)
    for bundle in load_bundles(values):
        built = [build_engine(bundle, name, report=say, **options)]
        if values["continual"] == "auto":
            built.append(build_step(bundle, name, report=say, **options))
        files = ", ".join(str(path) for path in built if path is not None)
        done = f"built {files}." if files else f"the engine {name} needs no building."
        say(f"Bundle {bundle.manifest.name}: {done}")


def _options(values: Mapping[str, Any]) -> dict[str, Any]:
    return engine_options(values["engine"], values["engine_options"], values["num_threads"])
