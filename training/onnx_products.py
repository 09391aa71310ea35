"""Convolutions over time in an exported graph become matrix products over everybody's steps.

A convolution over 8 to 32 steps is a small product for each window, and runtimes on a CPU compute
one window after the other. As one product over the rows of all steps of all windows (im2col:
Chellapilla, Puri and Simard, 2006), several people cost little more than their arithmetic. What is
added to a convolution by a shortcut that reads the step in the middle of what it reads becomes part
of the product. A norm before a convolution stays: what it evens out is what whole numbers of 8 bits
can hold (`inference.precision`). The numbers stay the same up to rounding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

Array = np.ndarray[Any, np.dtype[Any]]


class Rows(NamedTuple):
    """A value (N, channels, steps) that is kept as rows (N steps, channels) under another name."""

    name: str
    steps: int
    channels: int


@dataclass(frozen=True, eq=False)
class Convolution:
    """(N, C, T) -> (N, O, T') with weight (O, C, kernel) and bias (O,)."""

    source: str
    result: str
    weight: Array
    bias: Array
    stride: int
    pads: tuple[int, int]
    steps: int
    found_steps: int

    @property
    def kernel(self) -> int:
        return int(self.weight.shape[2])


def as_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose convolutions over one axis are matrix products; what has none stays as it is.

    model: with constants as initializers. Convolutions in groups, with dilation or of unknown size
    are left alone.
    """
    rewriter = _Rewriter(onnx.shape_inference.infer_shapes(model))
    if not rewriter.convolutions:
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    rewriter.rewrite(result.graph)
    onnx.checker.check_model(result, full_check=True)
    return result


class _Rewriter:
    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self._constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        values = (*graph.value_info, *graph.input, *graph.output)
        self._shapes = {value.name: _sizes(value) for value in values}
        self._users: dict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self._users[name].append(node)
        self._wanted = {value.name for value in graph.output}
        self.convolutions = {
            node.output[0]: found
            for node in graph.node
            if node.op_type == "Conv" and (found := self._convolution(node)) is not None
        }
        self._rows: dict[str, Rows] = {}
        self._there: set[str] = set()
        """Values that are kept as rows, too, but also there as they were."""
        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []

    def rewrite(self, graph: onnx.GraphProto) -> None:
        """Replace nodes, weights and shapes of `graph`, a copy of the one that was read."""
        joined = self._with_shortcuts(graph.node)
        inside = {name for pair in joined.values() for name in pair}
        for node in graph.node:
            name = node.output[0]
            if name in inside:
                continue
            if name in joined:
                main, shortcut = (self.convolutions[each] for each in joined[name])
                self._product(_joined(main, shortcut, name))
            elif name in self.convolutions:
                self._product(self.convolutions[name])
            elif node.op_type == "Relu" and node.input[0] in self._rows:
                rows = self._rows[node.input[0]]
                self._add("Relu", [rows.name], f"{name}_rows")
                self._rows[name] = rows._replace(name=f"{name}_rows")
            else:
                for each in node.input:
                    self._as_it_was(each)
                self._nodes.append(node)
        for each in self._wanted:
            self._as_it_was(each)
        nodes = [_copy(node) for node in self._nodes]
        made = {name for node in nodes for name in node.output}
        used = {name for node in nodes for name in node.input}
        infos = [each for each in graph.value_info if each.name in made]
        weights = [each for each in graph.initializer if each.name in used] + self._weights
        for field, kept in (
            (graph.node, nodes), (graph.value_info, infos), (graph.initializer, weights),
        ):  # fmt: skip
            kept = list(kept)
            del field[:]
            field.extend(kept)

    def _convolution(self, node: NodeProto) -> Convolution | None:
        options = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        weight = self._constants.get(node.input[1])
        source, result = self._shapes.get(node.input[0], ()), self._shapes.get(node.output[0], ())
        plain = (
            weight is not None
            and weight.ndim == 3
            and options.get("group", 1) == 1
            and list(options.get("dilations", [1])) == [1]
            and options.get("auto_pad", b"NOTSET") == b"NOTSET"
            and len(source) == len(result) == 3
            and isinstance(source[2], int)
            and isinstance(result[2], int)
        )
        if not plain or weight is None:
            return None
        bias: Array | None = np.zeros(len(weight), weight.dtype)
        if len(node.input) > 2:
            bias = self._constants.get(node.input[2])
        if bias is None:
            return None
        first, last = options.get("pads", (0, 0))
        return Convolution(
            node.input[0], node.output[0], weight, bias, int(options.get("strides", [1])[0]),
            (int(first), int(last)), int(source[2]), int(result[2]),
        )  # fmt: skip

    def _with_shortcuts(self, nodes: Sequence[NodeProto]) -> dict[str, tuple[str, str]]:
        """By sum: a convolution and a pointwise one that reads the step in the middle of it."""
        found = {}
        for node in nodes:
            if node.op_type != "Add" or not all(self._once(name) for name in node.input):
                continue
            both = [self.convolutions.get(name) for name in node.input]
            pair = sorted((c for c in both if c is not None), key=lambda c: -c.kernel)
            if len(pair) < 2:
                continue
            main, shortcut = pair
            half = main.kernel // 2
            if (
                main.source == shortcut.source and main.stride == shortcut.stride
                and main.kernel % 2 and main.pads == (half, half)
                and shortcut.kernel == 1 and shortcut.pads == (0, 0)
            ):  # fmt: skip
                found[node.output[0]] = (main.result, shortcut.result)
        return found

    def _once(self, name: str) -> bool:
        return len(self._users[name]) == 1 and name not in self._wanted

    def _product(self, convolution: Convolution) -> None:
        out, channels = convolution.weight.shape[:2]
        name, steps = convolution.result, convolution.found_steps
        rows = self._as_rows(convolution.source, channels, convolution.steps)
        if convolution.kernel > 1 or convolution.stride > 1 or any(convolution.pads):
            rows = self._taps(convolution, rows)
        weight = convolution.weight.transpose(0, 2, 1).reshape(out, -1)
        inputs = [rows, self._constant(f"{name}_weight", weight)]
        inputs.append(self._constant(f"{name}_bias", convolution.bias))
        self._add("Gemm", inputs, f"{name}_rows", transB=1)
        self._rows[name] = Rows(f"{name}_rows", steps, int(out))

    def _taps(self, convolution: Convolution, rows: str) -> str:
        """Rows that hold the steps of the kernel one after the other."""
        name, kernel, stride = convolution.result, convolution.kernel, convolution.stride
        channels, (before, after) = int(convolution.weight.shape[1]), convolution.pads
        steps = self._reshaped(rows, f"{name}_steps", [-1, convolution.steps, channels])
        if before or after:
            pads = self._constant(f"{name}_pads", np.array([0, before, 0, 0, after, 0]))
            steps = self._add("Pad", [steps, pads], f"{name}_padded")
        if kernel > 1 and kernel == convolution.steps + before + after:
            return self._reshaped(steps, f"{name}_taps", [-1, kernel * channels])
        along = [
            self._constant(f"{name}_{what}", np.array([value]))
            for what, value in (("axis", 1), ("stride", stride))
        ]
        parts = []
        for tap in range(kernel):
            end = tap + (convolution.found_steps - 1) * stride + 1
            limits = [
                self._constant(f"{name}_{what}_{tap}", np.array([value]))
                for what, value in (("from", tap), ("to", end))
            ]
            parts.append(self._add("Slice", [steps, *limits, *along], f"{name}_tap_{tap}"))
        if kernel > 1:
            parts = [self._add("Concat", parts, f"{name}_side", axis=2)]
        return self._reshaped(parts[0], f"{name}_taps", [-1, kernel * channels])

    def _as_rows(self, source: str, channels: int, steps: int) -> str:
        if source not in self._rows:
            turned = self._add("Transpose", [source], f"{source}_turned", perm=[0, 2, 1])
            rows = self._reshaped(turned, f"{source}_rows", [-1, channels])
            self._rows[source] = Rows(rows, steps, channels)
            self._there.add(source)
        return self._rows[source].name

    def _as_it_was(self, name: str) -> None:
        """Make the value itself for those who read it as it was."""
        if name not in self._rows or name in self._there:
            return
        rows = self._rows[name]
        if rows.steps == 1:
            self._reshaped(rows.name, name, [-1, rows.channels, 1])
        else:
            steps = self._reshaped(
                rows.name, f"{name}_in_order", [-1, rows.steps, rows.channels]
            )
            self._add("Transpose", [steps], name, perm=[0, 2, 1])
        self._there.add(name)

    def _reshaped(self, source: str, name: str, sizes: list[int]) -> str:
        shape = self._constant(f"{name}_shape", np.array(sizes))
        return self._add("Reshape", [source, shape], name)

    def _constant(self, name: str, values: Array) -> str:
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _add(self, kind: str, inputs: Sequence[str], output: str, **options: Any) -> str:
        self._nodes.append(helper.make_node(kind, list(inputs), [output], output, **options))
        return output


def _joined(main: Convolution, shortcut: Convolution, result: str) -> Convolution:
    weight = main.weight.copy()
    weight[:, :, main.kernel // 2] += shortcut.weight[:, :, 0]
    return Convolution(
        main.source, result, weight, main.bias + shortcut.bias, main.stride, main.pads,
        main.steps, main.found_steps,
    )  # fmt: skip


def _sizes(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    sizes = value.type.tensor_type.shape.dim
    return tuple(size.dim_value or size.dim_param for size in sizes)


def _copy(node: NodeProto) -> NodeProto:
    copied = NodeProto()
    copied.CopyFrom(node)
    return copied
