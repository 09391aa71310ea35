"""A PyTorch module as an ONNX file: batch of any size, weights inside, nothing of this machine."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from bharnet_ros.errors import BundleError


def save_graph(
    network: nn.Module,
    example: Sequence[Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
    gathered: int = 0,
) -> None:
    """Write `network` as it is. example: inputs with two rows, whose first dimension is free;
    gathered: so many of the last ones `forward` takes as `*arguments`."""
    batch = torch.export.Dim("N", min=1, max=1024)
    free: tuple[object, ...] = tuple({0: batch} for _ in range(len(example) - gathered))
    if gathered:
        free = (*free, tuple({0: batch} for _ in range(gathered)))
    # The exporter reports every optional package it looks for; none of that is for the user.
    chatter = logging.getLogger("torch.onnx")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                tuple(example),
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=free,
                dynamo=True,
                verbose=False,
            )
    finally:
        chatter.setLevel(level)
    if program is None:
        raise BundleError("The ONNX exporter gave no graph; install the pinned torch version.")
    model = program.model_proto
    _strip_machine_details(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _strip_machine_details(model: onnx.ModelProto) -> None:
    """Stack traces and paths of the machine that exported say nothing to the one that runs."""
    model.doc_string = ""
    del model.metadata_props[:]
    model.graph.doc_string = ""
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.doc_string = ""
        del value.metadata_props[:]
