"""What a network costs: parameters, operations, milliseconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bharnet_ros.types import FloatArray
from training.engine.networks import Network, SingleExpert
from training.export import write_graph, zero_denormals
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.models.folding import fold
from training.onnx_graph import save_graph

WARM_UP, RUNS = 10, 60


def count_parameters(network: nn.Module) -> int:
    """Numbers that are learned."""
    return sum(p.numel() for p in network.parameters())


@torch.no_grad()
def gflops(network: Network, body: Tensor, hand: Tensor) -> float:
    """Billions of operations for one window, a multiplication and an addition counting as two.

    body, hand: inputs with one row, or more, of which the first is taken.
    """
    counter = FlopCounterMode(display=False)
    with counter:
        network.eval()(body[:1], hand[:1])
    return float(counter.get_total_flops()) / 1e9


def milliseconds(network: Network, body: Tensor, hand: Tensor, threads: int = 1) -> float:
    """Median time of ONNX Runtime for one window on the CPU, folded as for the robot."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        feeds = {"body": body[:1].numpy(), "hand": hand[:1].numpy()}
        if isinstance(network, BHaRNet):
            write_graph(CalibratedBHaRNet(network).eval(), body.shape[2], path)
        else:
            stream = network.stream
            feeds = {stream: feeds[stream]}
            write_single(network, torch.from_numpy(feeds[stream]), path)
        return time_graph(path, feeds, threads)


def write_single(network: SingleExpert, example: Tensor, path: Path) -> None:
    """The graph of one expert, folded."""
    ready = fold(_Logits(network))
    zero_denormals(ready)
    both = torch.cat([example, example])
    save_graph(ready, (both,), (network.stream,), ("logits",), path)


def time_graph(path: Path, feeds: Mapping[str, FloatArray], threads: int) -> float:
    """Median milliseconds of a run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    times = []
    for number in range(WARM_UP + RUNS):
        begin = time.perf_counter()
        session.run(None, dict(feeds))
        if number >= WARM_UP:
            times.append(time.perf_counter() - begin)
    return float(np.median(times) * 1e3)


class _Logits(nn.Module):
    """One input, one output."""

    def __init__(self, single: SingleExpert) -> None:
        super().__init__()
        self.expert = single.expert

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.expert(x)[0]
        return logits
