"""Whether a graph is the one that a bundle's manifest describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.inference.engine import Engine
from bharnet_ros.manifest_parts import RGB, Shape


def check_engine(bundle: Bundle, engine: Engine) -> None:
    """Raise BundleError unless the engine takes and gives what the manifest states."""
    manifest = bundle.manifest
    _check(bundle.onnx_path, engine, manifest.inputs, manifest.outputs)
    rgb: Engine | None = getattr(engine, "rgb", None)
    if rgb is not None:
        _check(bundle.graphs[RGB], rgb, manifest.rgb_inputs, manifest.rgb_outputs)


def _check(
    path: Path, engine: Engine, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> None:
    for kind, stated, found in (
        ("input", inputs, engine.inputs),
        ("output", outputs, engine.outputs),
    ):
        for name, shape in stated.items():
            if name not in found:
                raise BundleError(
                    f"The graph {path} has no {kind} '{name}' (it has "
                    f"{', '.join(found) or 'none'}); export the bundle again."
                )
            if not _fits(shape, found[name]):
                raise BundleError(
                    f"The graph {path} has {kind} '{name}' of shape {list(found[name])}, its "
                    f"manifest states {list(shape)} (the first is any batch size); export the "
                    "bundle again."
                )
    extra = sorted(set(engine.inputs) - set(inputs))
    if extra:
        raise BundleError(
            f"The graph {path} also wants the input {', '.join(extra)}, which nobody "
            "fills; export the bundle again."
        )


def _fits(stated: Shape, found: Shape) -> bool:
    """The first dimension must be free; a free one elsewhere fits any number."""
    if len(stated) != len(found) or isinstance(found[0], int):
        return False
    return all(isinstance(b, str) or a == b for a, b in zip(stated[1:], found[1:], strict=True))
