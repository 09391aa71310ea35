"""Leaving out the parts of a network whose outputs nobody wants.

The pose landmark network also paints a 256 x 256 silhouette; leaving those layers out makes it
about 40 % faster and changes nothing in the other outputs. The runtime does not do this by
itself: it computes whatever the file describes.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

FILE_IDENTIFIER = b"TFL3"


def trim(path: Path, keep: Sequence[int]) -> bytes | None:
    """The .tflite file at `path` with only the outputs `keep` (indices) and what they need.

    None when the file is not readable as a network with those outputs, or when the modules that
    understand the format (they come with ai_edge_litert) are missing; then use the whole file.
    """
    try:
        schema = importlib.import_module("ai_edge_litert.schema_py_generated")
        flatbuffers = importlib.import_module("flatbuffers")
    except ImportError:
        return None
    data = path.read_bytes()
    if data[4:8] != FILE_IDENTIFIER:
        return None
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
        (graph,) = model.subgraphs
        outputs = [int(graph.outputs[i]) for i in keep]
        needed, operators = set(outputs), []
        for operator in reversed(graph.operators):
            if not needed.isdisjoint(operator.outputs.tolist()):
                operators.append(operator)
                needed.update(operator.inputs.tolist())
    except (AttributeError, IndexError, TypeError, ValueError, struct.error):
        return None
    graph.operators = operators[::-1]
    graph.outputs = np.array(outputs, dtype=np.int32)
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())
