"""An ONNX graph as a torch module: the same operators in the same order, weights as buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bharnet_ros.errors import BackendUnavailable, BundleError
from bharnet_ros.inference.engine import first_line
from bharnet_ros.inference.torch.ops import FLAT, OPS, STATIC, Op
from bharnet_ros.manifest_parts import Shape

_FLOAT32 = 1
_NUMBERS = (_FLOAT32, 6, 7, 10, 11)
"""What outputs may hold, by ONNX's numbers: int32 and int64, such as labels, and float16 and
float64 too."""


class _Step(NamedTuple):
    """One node. hosted: its values are sizes, which stay on the CPU."""

    op: Op
    kind: str
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    static: tuple[int, ...]
    hosted: bool


class TorchGraph(nn.Module):
    """Runs the graph of an ONNX file.

    input_shapes, output_shapes: by name; a text is a free dimension.
    Raises BackendUnavailable (package onnx) or BundleError (no graph, an operator that is not
    known here, inputs or outputs other than float32).
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        onnx = _onnx()
        try:
            model = onnx.load(str(path))
            onnx.checker.check_model(model)
        except Exception as error:  # protobuf, onnx and the file system each raise their own
            raise BundleError(
                f"The graph {path} cannot be read ({first_line(error)}); export or copy it again."
            ) from None
        graph = model.graph
        unknown = sorted({node.op_type for node in graph.node} - OPS.keys() - {"Constant"})
        if unknown or any(node.domain not in ("", "ai.onnx") for node in graph.node):
            raise BundleError(
                f"The graph {path} has the operator {', '.join(unknown) or 'of another domain'}, "
                "which the engine torch does not know; use the engine onnxruntime for it."
            )
        self._path = path
        constants = {t.name: _tensor(onnx, t) for t in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                constants[node.output[0]] = _constant(onnx, node, path)
        self._host = constants
        self._names: dict[str, str] = {}
        for index, (name, value) in enumerate(constants.items()):
            self._names[name] = f"constant_{index}"
            self.register_buffer(f"constant_{index}", value)
        inputs = [value for value in graph.input if value.name not in constants]
        self.input_shapes = {v.name: _shape(v, path) for v in inputs}
        self.output_shapes = {v.name: _shape(v, path, _NUMBERS) for v in graph.output}
        versions = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
        self._steps = self._plan(onnx, graph, versions.get("ai.onnx", 1))

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name."""
        values: dict[str, Tensor] = dict(inputs)
        for step in self._steps:
            given: list[Any] = []
            for place, name in enumerate(step.inputs):
                if not name:
                    given.append(None)
                elif place in step.static:
                    source = self._host.get(name, values.get(name))
                    given.append(None if source is None else source.reshape(-1).tolist())
                elif name in values:
                    given.append(values[name])
                else:
                    given.append(
                        self._host[name] if step.hosted else self.get_buffer(self._names[name])
                    )
            try:
                found = step.op(step.attributes, *given)
            except (RuntimeError, TypeError, ValueError, LookupError) as error:
                if isinstance(error, torch.cuda.OutOfMemoryError):
                    raise
                raise BundleError(
                    f"The engine torch fails at {step.kind} '{step.outputs[0]}' of {self._path} "
                    f"({first_line(error)}); use the engine onnxruntime for it."
                ) from error
            many = [found] if isinstance(found, Tensor) else found
            values.update(zip(step.outputs, many, strict=False))
        return {name: values[name] for name in self.output_shapes}

    def _plan(self, onnx: Any, graph: Any, version: int) -> list[_Step]:
        """Which values are sizes: those that come from Shape and from nothing else.

        An input that is known beforehand (`STATIC`) says what shape a result has, not what it
        holds: a constant that is expanded to the shape of an input is no size.
        """
        sizes: set[str] = set()
        steps = []
        for node in graph.node:
            if node.op_type == "Constant":
                continue
            fresh = [name for name in node.input if name and name not in self._host]
            static = STATIC.get(node.op_type, ())
            read = [n for place, n in enumerate(node.input) if place not in static and n in sizes]
            hosted = node.op_type == "Shape" or (bool(read) and set(fresh) <= sizes)
            if hosted:
                sizes.update(node.output)
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Split" and len(node.input) < 2:
                attributes.setdefault("num_outputs", len(node.output))
            if node.op_type in ("Softmax", "LogSoftmax"):
                attributes[FLAT] = version < 13
            steps.append(
                _Step(
                    OPS[node.op_type], node.op_type, attributes, tuple(node.input),
                    tuple(node.output), static, hosted,
                )
            )  # fmt: skip
        return steps


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise BackendUnavailable(
            f"The engine torch reads graphs with the package onnx ({error}); install it with "
            "`pip install onnx`."
        ) from None
    return onnx


def _tensor(onnx: Any, proto: Any) -> Tensor:
    return torch.from_numpy(np.array(onnx.numpy_helper.to_array(proto)))


def _constant(onnx: Any, node: Any, path: Path) -> Tensor:
    attribute = node.attribute[0]
    if attribute.name == "value":
        return _tensor(onnx, attribute.t)
    value = onnx.helper.get_attribute_value(attribute)
    kind = {"value_int": torch.int64, "value_ints": torch.int64}.get(attribute.name, torch.float32)
    if not isinstance(value, int | float | list):
        raise BundleError(
            f"The graph {path} has a constant of kind {attribute.name}, which the engine torch "
            "does not know; use the engine onnxruntime for it."
        )
    return torch.tensor(value, dtype=kind)


def _shape(value: Any, path: Path, kinds: Sequence[int] = (_FLOAT32,)) -> Shape:
    tensor = value.type.tensor_type
    if tensor.elem_type not in kinds:
        raise BundleError(
            f"'{value.name}' of the graph {path} is of another kind; inputs must be float32, and "
            "outputs numbers: export it again so."
        )
    return tuple(
        # Some exporters write -1 for a free dimension.
        int(d.dim_value) if d.HasField("dim_value") and d.dim_value >= 0 else (d.dim_param or "?")
        for d in tensor.shape.dim
    )
