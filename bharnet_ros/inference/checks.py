"""Whether a graph is the one that a bundle's manifest describes."""

from __future__ import annotations

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.inference.engine import Engine
from bharnet_ros.manifest_parts import Shape


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
