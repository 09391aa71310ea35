"""What the experts' networks cost a window, against CTR-GCN exported by the same code.

    python -m benchmarks.experts [--threads 2] [--rounds 60] [--only degcn ctrgcn]

One person, 64 steps, 25 joints (NTU RGB+D's skeleton) and, for body and hands together, two hands
of 21 joints; 60 classes; ONNX Runtime on the CPU. Every expert is exported twice: folded, as
bundles are, and as it is in training; pairs of experts folded only. All graphs take turns in every
round, so what else the machine does hits all of them alike; ratios are medians over rounds of a
graph's time to that of folded CTR-GCN in the same round. Weights are random; exports hold no
denormal numbers.

Aggregation is a matrix product everywhere, also in the baseline. Exporting everything takes some
minutes; `--only` leaves networks out. `pose` are the experts that the bundles `gestures` and
`asl_words` ship, over the same joints and steps.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bharnet_ros.skeleton import Graph, get_layout, hand_graph
from training.export import zero_denormals
from training.model_config import POSE_BLOCK, ExpertConfig, available_presets, expert_preset
from training.models import bharnet
from training.models.expert import Expert
from training.models.folding import exportable, fold
from training.models.posenet import PoseExpert
from training.onnx_graph import save_graph

STEPS, CLASSES = 64, 60
BASELINE = "ctrgcn"
POSE = "pose"
SHIPPED = {
    "body": ExpertConfig(POSE_BLOCK, (160, 128, 128), (1, 2, 2), ("joint",)),
    "hand": ExpertConfig(POSE_BLOCK, (256, 128, 128), (1, 2, 2), ("joint",), distances=True),
}
"""The experts of `gestures`, and of `asl_words`, which began as those."""
PAIRS = (
    ("degcn", "degcn"), ("degcn", "degcn_light"), ("degcn", "stgcnpp_light"), (POSE, POSE),
)  # fmt: skip
GOALS = {"body": 1.0, "together": 1.5}


@dataclass(frozen=True)
class Cost:
    """What one graph costs.

    times_ms: on the wall, one a round. cpu_ms: of all threads. ratios: of times_ms to the
    baseline's in the same round.
    """

    name: str
    folded: bool
    parameters: int
    gflops: float
    times_ms: np.ndarray[Any, Any]
    cpu_ms: np.ndarray[Any, Any]
    ratios: np.ndarray[Any, Any]


class Together(nn.Module):
    """A body expert and a hand expert in one graph, their logits added."""

    def __init__(self, body: str, hand: str) -> None:
        super().__init__()
        self.body, self.hand = make_expert(body, ntu_graph()), make_expert(hand, hand_graph())

    def forward(self, body: Tensor, hand: Tensor) -> Tensor:
        total: Tensor = self.body(body)[0] + self.hand(hand)[0]
        return total


def ntu_graph() -> Graph:
    """NTU RGB+D's 25 joints; each of the layout's edges leads to the joint nearer the chest."""
    layout = get_layout("ntu25")
    parents = np.arange(25)
    parents[layout.edges[:, 0]] = layout.edges[:, 1]
    return Graph("ntu_25", layout.keypoint_names, parents, layout.flip_indices)


def make_expert(preset: str, graph: Graph) -> Expert | PoseExpert:
    """A ready expert, or one of SHIPPED, with random weights, in evaluation mode."""
    torch.manual_seed(0)
    if preset == POSE:
        config = SHIPPED["hand" if graph.num_joints == hand_graph().num_joints else "body"]
    else:
        config = expert_preset(preset)
    return bharnet.make_expert(graph, config, STEPS, CLASSES).eval()


def networks(only: Sequence[str] = ()) -> Iterator[tuple[str, nn.Module, tuple[Tensor, ...]]]:
    """Name, network and example input (one window); the baseline always comes first."""
    torch.manual_seed(0)
    body, hand = torch.rand(1, 3, STEPS, 25, 1), torch.rand(1, 3, STEPS, 21, 2)
    presets = [BASELINE, *(name for name in available_presets() if name != BASELINE), POSE]
    for name in presets:
        if name == BASELINE or not only or name in only:
            yield name, make_expert(name, ntu_graph()), (body,)
    for pair in PAIRS:
        if not only or set(pair) <= set(only):
            yield f"{pair[0]} + hands {pair[1]}", Together(*pair).eval(), (body, hand)


@torch.no_grad()
def gigaflops(network: nn.Module, example: tuple[Tensor, ...]) -> float:
    """Two for each multiplication and addition of one window, in billions."""
    with FlopCounterMode(display=False) as counter:
        network(*example)
    return float(counter.get_total_flops()) / 1e9


def open_session(network: nn.Module, example: tuple[Tensor, ...], path: Path, threads: int) -> Any:
    """The exported network in ONNX Runtime, with the settings of the robot's engine."""
    import onnxruntime as ort

    zero_denormals(network)
    twice = [torch.cat([x, x]) for x in example]
    names = ("body", "hand")[: len(example)]
    outputs = ["logits"] if isinstance(network, Together) else ["logits", "observed"]
    save_graph(network, twice, names, outputs, path)
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def measure(threads: int, rounds: int, only: Sequence[str] = ()) -> list[Cost]:
    """Costs of all networks; the first is the baseline, folded."""
    facts, sessions = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, network, example in networks(only):
            parameters = sum(p.numel() for p in network.parameters())
            for folded in (True,) if isinstance(network, Together) else (True, False):
                ready = fold(network) if folded else exportable(network)
                gflops = gigaflops(ready, example)
                path = Path(folder) / f"{len(sessions)}.onnx"
                sessions.append(open_session(ready, example, path, threads))
                facts.append((name, folded, parameters, gflops))
    rng = np.random.default_rng(0)
    body = rng.random((1, 3, STEPS, 25, 1), np.float32)
    hand = rng.random((1, 3, STEPS, 21, 2), np.float32)
    given = [
        {node.name: {"body": body, "hand": hand}[node.name] for node in session.get_inputs()}
        for session in sessions
    ]
    for session, inputs in zip(sessions, given, strict=True):
        session.run(None, inputs)  # the first run of a graph plans its memory
    times, spent = np.zeros((2, rounds, len(sessions)))
    for index in range(rounds):
        for number, (session, inputs) in enumerate(zip(sessions, given, strict=True)):
            begin, cpu = time.perf_counter(), time.process_time()
            session.run(None, inputs)
            spent[index, number] = (time.process_time() - cpu) * 1e3
            times[index, number] = (time.perf_counter() - begin) * 1e3
    ratios = times / times[:, :1]
    return [
        Cost(*fact, times[:, number], spent[:, number], ratios[:, number])
        for number, fact in enumerate(facts)
    ]


def report(costs: Sequence[Cost], threads: int) -> str:
    """The table, and whether the goals are met."""
    lines = [
        f"ONNX Runtime, {threads} thread{'s' if threads > 1 else ''}, {platform.machine()}, "
        f"{len(costs[0].times_ms)} rounds, {STEPS} steps, one person",
        "",
        "| network | graph | parameters | GFLOPs | ms median | ms p95 | CPU ms | to CTR-GCN |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for cost in costs:
        lines.append(
            f"| {cost.name} | {'folded' if cost.folded else 'as trained'} "
            f"| {cost.parameters / 1e6:.2f} M | {cost.gflops:.2f} "
            f"| {np.median(cost.times_ms):.1f} | {np.percentile(cost.times_ms, 95):.1f} "
            f"| {np.median(cost.cpu_ms):.1f} | {np.median(cost.ratios):.2f} |"
        )
    lines.append("")
    for cost in costs:
        goal = GOALS["together" if "+" in cost.name else "body"]
        if cost.folded and cost.name.startswith(("degcn", POSE)):
            ratio = float(np.median(cost.ratios))
            word = "met" if ratio <= goal else "missed"
            lines.append(f"{cost.name}: {ratio:.2f} of CTR-GCN, goal {goal:.1f}: {word}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="of ONNX Runtime (default 2)")
    parser.add_argument("--rounds", type=int, default=60, help="runs of each graph (default 60)")
    parser.add_argument(
        "--only", nargs="+", default=(), choices=(*available_presets(), POSE),
        help="experts to time",
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(report(measure(options.threads, options.rounds, options.only), options.threads))


if __name__ == "__main__":
    main()
