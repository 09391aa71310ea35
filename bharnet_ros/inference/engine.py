"""What every inference engine offers, and the choice among them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.types import FloatArray

_PACKAGES = {"onnxruntime": "onnxruntime"}


class Engine(Protocol):
    """Runs one graph with named inputs and outputs on batches of any size."""

    @property
    def identity(self) -> str:
        """One line for diagnostics: engine, version, device, threads."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """Shapes of the inputs by name; a text instead of a number is a free dimension."""

    @property
    def outputs(self) -> Mapping[str, Shape]:
        """Shapes of the outputs by name."""

    @property
    def last_ms(self) -> float:
        """Duration of the last `run` in milliseconds; 0 before the first."""

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """All outputs by name for float32 inputs that share their first dimension N."""

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        """Run zeros of these batch sizes, so that the first real run is not the slow one."""


def available_engines() -> tuple[str, ...]:
    """Names whose package is installed."""
    return tuple(n for n, package in _PACKAGES.items() if importlib.util.find_spec(package))


def create_engine(bundle: Bundle, name: str = "onnxruntime", **options: Any) -> Engine:
    """The engine of that name with the bundle's graph, checked against its manifest.

    options: those of the engine, e.g. `threads` and `providers` of onnxruntime.
    Raises ConfigurationError (name, options), BackendUnavailable (package), BundleError (graph).
    """
    if name != "onnxruntime":
        raise ConfigurationError(
            f"Inference engine '{name}' is not known; use one of {', '.join(_PACKAGES)}."
        )
    from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine

    engine = OnnxRuntimeEngine(bundle.onnx_path, **options)
    check_engine(bundle, engine)
    return engine


def check_engine(bundle: Bundle, engine: Engine) -> None:
    """Raise BundleError unless the engine takes and gives what the manifest states."""
    manifest = bundle.manifest
    for kind, stated, found in (
        ("input", manifest.inputs, engine.inputs),
        ("output", manifest.outputs, engine.outputs),
    ):
        for name, shape in stated.items():
            if name not in found:
                raise BundleError(
                    f"The graph {bundle.onnx_path} has no {kind} '{name}' (it has "
                    f"{', '.join(found) or 'none'}); export the bundle again."
                )
            if not _fits(shape, found[name]):
                raise BundleError(
                    f"The graph {bundle.onnx_path} has {kind} '{name}' of shape "
                    f"{list(found[name])}, its manifest states {list(shape)} "
                    f"({len(manifest.class_names)} classes, {manifest.num_steps} steps, any batch "
                    "size); export the bundle again."
                )
    extra = sorted(set(engine.inputs) - set(manifest.inputs))
    if extra:
        raise BundleError(
            f"The graph {bundle.onnx_path} also wants the input {', '.join(extra)}, which nobody "
            "fills; export the bundle again."
        )


def _fits(stated: Shape, found: Shape) -> bool:
    """The first dimension must be free; a free one elsewhere fits any number."""
    if len(stated) != len(found) or isinstance(found[0], int):
        return False
    return all(isinstance(b, str) or a == b for a, b in zip(stated[1:], found[1:], strict=True))
