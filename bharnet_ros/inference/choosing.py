"""The choice among engines: by name, with checked options, for a bundle or any graph."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BackendUnavailable, EngineError
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference.checks import check_engine
from bharnet_ros.inference.engine import Engine, Report
from bharnet_ros.inference.options import (
    PROVIDERS,
    OnnxRuntimeOptions,
    TensorRTOptions,
    TorchOptions,
    check_options,
)
from bharnet_ros.inference.rows import SharedRows
from bharnet_ros.manifest_parts import FUSION, RGB, WHOLE
from bharnet_ros.workers import Workers

_PACKAGES = {
    "onnxruntime": ("onnxruntime",),
    "tensorrt": ("tensorrt",),
    "tensorrt_rtx": ("tensorrt_rtx",),
    "torch": ("torch", "onnx"),
}
ENGINE_FOLDER = "engines"
"""Beside a bundle's graph; what was built for it lies there."""


def available_engines() -> tuple[str, ...]:
    """Names whose packages are installed; whether there is a GPU is not looked at."""
    return tuple(
        name
        for name, packages in _PACKAGES.items()
        if all(importlib.util.find_spec(package) for package in packages)
    )


def create_engine(
    bundle: Bundle,
    name: str = "onnxruntime",
    *,
    rgb: bool = False,
    report: Report | None = None,
    **options: Any,
) -> Engine:
    """The engine of that name with the bundle's graph or graphs, checked against its manifest.

    rgb: also open the graph that looks at pixels, if the bundle has one (`ExpertGraphs.rgb`).
    options: those of the engine, see `bharnet_ros.inference.options`. report: takes lines about
    a build that takes long; by default they are logged as warnings.
    Raises ConfigurationError (name, options), BackendUnavailable (package, driver, GPU),
    BundleError (graph), EngineError (build, memory).
    """
    folder = bundle.path / ENGINE_FOLDER
    engines: dict[str, Engine] = {}
    alone = _on_processor(check_options(name, options))
    try:
        for role, path in bundle.graphs.items():
            if role == RGB and not rgb:
                continue
            engines[role] = (
                open_graph(path)
                if _stays_on_the_cpu(role, name)
                else _on_one_core(path, alone)
                if alone is not None and role != RGB
                else open_graph(path, name, folder, report=report, **_of_role(role, options))
            )
        workers = None if alone is None else Workers(alone.threads)
        engine: Engine
        if bundle.manifest.graphs:
            engine = ExpertGraphs(bundle.manifest, engines, workers)
        else:
            engine = engines[WHOLE] if workers is None else SharedRows(engines[WHOLE], workers)
        check_engine(bundle, engine)
    except BaseException:
        for each in engines.values():
            each.close()
        raise
    return engine


def open_graph(
    graph: str | Path,
    name: str = "onnxruntime",
    folder: str | Path | None = None,
    *,
    report: Report | None = None,
    **options: Any,
) -> Engine:
    """An engine for an ONNX file that need not be a bundle's.

    folder: where its built engines are kept, `engines` beside it if None. Else as `create_engine`.
    """
    chosen = check_options(name, options)
    path = Path(graph)
    place = path.parent / ENGINE_FOLDER if folder is None else Path(folder)
    if isinstance(chosen, OnnxRuntimeOptions):
        from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(path, folder=place, options=chosen)
    if isinstance(chosen, TorchOptions):
        return _open_torch(path, chosen)
    from bharnet_ros.inference.tensorrt.engine import TensorRTEngine
    from bharnet_ros.inference.tensorrt.flavours import FLAVOURS

    return TensorRTEngine(FLAVOURS[name], path, place, chosen, report or _log)


def build_engine(
    bundle: Bundle, name: str = "onnxruntime", *, report: Report | None = None, **options: Any
) -> Path | None:
    """Build what the engine needs before it can run, or find that it is there already.

    Returns its file, of several the last; None where there is nothing to build. Raises as
    `create_engine` does, and EngineError if the file cannot be kept.
    """
    folder = bundle.path / ENGINE_FOLDER
    built = None
    for role, path in bundle.graphs.items():
        if not _stays_on_the_cpu(role, name):
            built = build_graph(path, name, folder, report=report, **_of_role(role, options))
    return built


def build_graph(
    graph: str | Path,
    name: str = "onnxruntime",
    folder: str | Path | None = None,
    *,
    report: Report | None = None,
    **options: Any,
) -> Path | None:
    """`build_engine` for an ONNX file that need not be a bundle's."""
    chosen = check_options(name, options)
    path = Path(graph)
    place = path.parent / ENGINE_FOLDER if folder is None else Path(folder)
    if isinstance(chosen, TensorRTOptions):
        from bharnet_ros.inference.tensorrt.finding import find_or_build
        from bharnet_ros.inference.tensorrt.flavours import FLAVOURS

        built = find_or_build(FLAVOURS[name], path, place, chosen, report or _log)
        if built.path is None:
            raise EngineError(f"The engine of {path} was built but could not be kept in {place}.")
        return built.path
    if isinstance(chosen, OnnxRuntimeOptions) and PROVIDERS["tensorrt"] in chosen.providers:
        engine = open_graph(path, name, place, report=report, **options)
        engine.warm_up((1, chosen.max_batch))  # ONNX Runtime builds when it first runs
        engine.close()
        return place
    return None


def without_calibration(options: Mapping[str, Any]) -> dict[str, Any]:
    """Of a graph whose inputs are in no windows: fp16 in place of int8."""
    if options.get("precision") != "int8" or "calibration" not in options:
        return dict(options)  # the engine says what is wrong with int8
    return {**options, "precision": "fp16", "calibration": ""}


def _of_role(role: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Windows hold no pixels."""
    return without_calibration(options) if role == RGB else dict(options)


def _stays_on_the_cpu(role: str, name: str) -> bool:
    """A fusion is a few sums over logits: sooner done than copied to a GPU and back, and it
    keeps its 32 bits."""
    return role == FUSION and name != "onnxruntime"


def _on_processor(options: object) -> OnnxRuntimeOptions | None:
    """The options, if nothing but a processor computes: its cores can take people side by side."""
    if isinstance(options, OnnxRuntimeOptions) and options.providers == (PROVIDERS["cpu"],):
        return options
    return None


def _on_one_core(path: Path, options: OnnxRuntimeOptions) -> Engine:
    from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(path, options=options, one_core=True)


def _open_torch(path: Path, options: TorchOptions) -> Engine:
    try:
        from bharnet_ros.inference.torch.engine import TorchEngine
    except ImportError as error:
        raise BackendUnavailable(
            f"The engine torch cannot be loaded ({error}); install the build of PyTorch for your "
            "GPU and `pip install onnx`."
        ) from None
    return TorchEngine(path, options)


def _log(text: str) -> None:
    """A warning, so that it is seen: the program stands still meanwhile."""
    logging.getLogger("bharnet_ros.inference").warning(text)
