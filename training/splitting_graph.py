"""One ONNX graph of a body and a hand expert -> three: body, hand, and what fuses them.

Works on the graph alone, whatever the network was: a node that depends on the body only belongs to
the body's graph, one that depends on both to the fusion. The operations stay the same, and so do
the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import onnx
from onnx import TensorProto, helper

from bharnet_ros.errors import BundleError
from bharnet_ros.manifest_parts import FUSION, STREAMS

Needs = dict[str, frozenset[str]]
"""Of each value the streams it depends on; none for constants."""


def split_graph(model: onnx.ModelProto) -> dict[str, bytes]:
    """The serialized graphs by role: "body", "hand" and "fusion".

    model: with the inputs "body" and "hand", both of a free first dimension. What the fusion reads
    are outputs of the experts' graphs of the same names, `<stream>_evidence_<number>` unless they
    are outputs of the whole.
    Raises BundleError for a graph that cannot be split: of other inputs, one without experts of
    their own (a unified graph), or one whose parts exchange something that has no row per person.
    """
    names = {value.name for value in model.graph.input}
    if names != set(STREAMS):
        raise BundleError(
            f"The graph reads {', '.join(sorted(names)) or 'nothing'}; only one that reads "
            f"{' and '.join(STREAMS)} can be split."
        )
    model = onnx.shape_inference.infer_shapes(model)
    needs = _needs(model.graph)
    both = frozenset(STREAMS)
    for stream in STREAMS:
        if not any(needs[node.output[0]] == {stream} for node in model.graph.node):
            raise BundleError(
                f"The graph has no part that looks at the {stream} alone, as one network for all "
                "has none; keep it in one."
            )
    fusing = [node for node in model.graph.node if needs[node.output[0]] == both]
    outputs = [value.name for value in model.graph.output]
    names_of = _evidence(fusing, needs, outputs)
    shapes = _shapes(model.graph, names_of)
    _rename(model.graph, {old: new for old, new in names_of.items() if old != new})
    needs = _needs(model.graph)
    evidence = {
        stream: [name for name in shapes if needs[name] == {stream}] for stream in STREAMS
    }
    graphs = {
        stream: _part(model, [stream], evidence[stream], shapes, stream) for stream in STREAMS
    }
    used = {name for node in fusing for name in node.input}
    read = [name for stream in STREAMS for name in evidence[stream] if name in used]
    fused = [name for name in outputs if needs[name] == both]
    graphs[FUSION] = _part(model, read, fused, shapes, FUSION)
    return graphs


def row_bytes(part: bytes) -> int:
    """Bytes of the largest intermediate result for one person, as far as shapes can be inferred.

    part: a serialized graph whose inputs have a row per person.
    """
    model = onnx.load_from_string(part)
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    largest = 0
    for value in onnx.shape_inference.infer_shapes(model, data_prop=True).graph.value_info:
        sizes = value.type.tensor_type.shape.dim
        if all(size.HasField("dim_value") for size in sizes):
            largest = max(largest, 4 * math.prod(size.dim_value for size in sizes))
    return largest


def _needs(graph: onnx.GraphProto) -> Needs:
    needs: Needs = {value.name: frozenset({value.name}) for value in graph.input}
    for node in graph.node:
        if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
            raise BundleError(
                f"The graph holds a {node.op_type} with graphs inside; keep it in one."
            )
        found = frozenset().union(*(needs.get(name, frozenset()) for name in node.input))
        needs.update(dict.fromkeys(node.output, found))
    return needs


def _evidence(
    fusing: Iterable[onnx.NodeProto], needs: Needs, outputs: Sequence[str]
) -> dict[str, str]:
    """What the experts give: the fusion's inputs and the outputs that one expert makes. By name,
    the name it is to have."""
    found: dict[str, str] = {name: name for name in outputs if len(needs[name]) == 1}
    count = dict.fromkeys(STREAMS, 0)
    for node in fusing:
        for name in node.input:
            if len(needs.get(name, ())) == 1 and name not in found:
                (stream,) = needs[name]
                found[name] = name if name in STREAMS else f"{stream}_evidence_{count[stream]}"
                count[stream] += 1
    return found


def _shapes(
    graph: onnx.GraphProto, names: dict[str, str]
) -> dict[str, onnx.ValueInfoProto]:
    """By new name the values that pass between graphs, and the outputs; all must be float32 with a
    row per person."""
    known = {value.name: value for value in (*graph.value_info, *graph.output, *graph.input)}
    shapes = {}
    for old, new in {**names, **{value.name: value.name for value in graph.output}}.items():
        value = known.get(old)
        kind = value.type.tensor_type if value is not None else None
        if value is None or kind is None or kind.elem_type != TensorProto.FLOAT:
            raise BundleError(
                f"The experts and the fusion exchange '{old}', which is no float32; keep the graph "
                "in one."
            )
        sizes = [size.dim_param or size.dim_value for size in kind.shape.dim]
        if old in STREAMS or not sizes or isinstance(sizes[0], int):
            raise BundleError(
                f"The experts and the fusion exchange '{old}' of shape {sizes}, which has no row "
                "per person or is an input itself; keep the graph in one."
            )
        shapes[new] = helper.make_tensor_value_info(new, TensorProto.FLOAT, sizes)
    return shapes


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for node in graph.node:
        for values in (node.input, node.output):
            for index, name in enumerate(values):
                values[index] = names.get(name, name)


def _part(
    model: onnx.ModelProto,
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: dict[str, onnx.ValueInfoProto],
    name: str,
) -> bytes:
    """The nodes that lead from these inputs to these outputs, with the weights they use."""
    wanted = set(outputs)
    nodes = []
    for node in reversed(model.graph.node):
        if wanted & set(node.output) and not set(node.output) & set(inputs):
            nodes.append(node)
            wanted |= set(node.input)
    given = {value.name: value for value in model.graph.input}
    graph = helper.make_graph(
        nodes[::-1],
        name,
        [shapes.get(value) or given[value] for value in inputs],
        [shapes[value] for value in outputs],
        [weight for weight in model.graph.initializer if weight.name in wanted],
    )
    part = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    onnx.checker.check_model(part, full_check=True)
    serialized: bytes = part.SerializeToString()
    return serialized
