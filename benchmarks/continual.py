"""What a new frame costs: one step of a continual network against its whole window again.

    python -m benchmarks.continual [--threads 1 2] [--people 1 4 16] [--rounds 60]

Body experts on 19 joints with 60 classes, ONNX Runtime on the CPU, exported as bundles are (the
window's graph folded). Both graphs take turns in every round, so what else the machine does hits
both alike; the ratio is the median over rounds. A step's time includes its states in and out of
the graph; for a bundle also finding and storing them (`bharnet_ros.continual.Stepper`), and both
experts and the fusion. Windows use all the threads that are named, steps no more than
`STEP_THREADS`, as the robot runs them. GFLOPs are of convolutions and matrix products, a
multiplication and an addition counting as two. Weights of networks without a bundle are random.

stgcnpp is the published network of 10 blocks; its steps cost the same whether it looks ahead or
back. stgcnpp_causal is the light one that `causal: true` makes, the bundle was trained.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.steppable import as_if_trained
from bharnet_ros.bundle import load_bundle
from bharnet_ros.continual import Stepper, open_engine
from bharnet_ros.continual.graph import STEP_THREADS
from bharnet_ros.inference import create_engine
from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine
from bharnet_ros.inference.options import OnnxRuntimeOptions
from bharnet_ros.skeleton import body_graph
from training.export import zero_denormals
from training.model_config import expert_preset
from training.models import Expert
from training.models.continual import StepAlone
from training.models.folding import fold
from training.onnx_graph import save_graph

NETWORKS = {"stgcnpp": 64, "stgcnpp_causal": 48}
"""Ready experts, and steps of the window."""
BUNDLE = "asl_words_continual"
CLASSES = 60
GOALS = {"flops": 8.0, "time": 4.0}

Run = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Two ways to judge: name; steps of the window; multiplications and additions of each, 0 if
    not counted; bytes kept of a person; and for a number of people and threads what runs each."""

    name: str
    steps: int
    flops: tuple[float, float]
    state_bytes: int
    open: Callable[[int, int], tuple[Run, Run]]


@dataclass(frozen=True)
class Timing:
    """Milliseconds of every round of a pair, whole window and step."""

    pair: Pair
    people: int
    threads: int
    window_ms: np.ndarray[Any, Any]
    step_ms: np.ndarray[Any, Any]

    @property
    def ratio(self) -> float:
        """Median over rounds."""
        return float(np.median(self.window_ms / self.step_ms))


@torch.no_grad()
def flops(network: nn.Module, *inputs: Tensor) -> float:
    """Of one run."""
    with FlopCounterMode(display=False) as counter:
        network(*inputs)
    return float(counter.get_total_flops())


def expert_pair(name: str, folder: Path) -> Pair:
    """A ready expert, exported both ways into the folder."""
    steps = NETWORKS[name]
    torch.manual_seed(0)
    expert = as_if_trained(Expert(body_graph(), expert_preset(name), steps, CLASSES))
    whole, step = fold(expert), StepAlone(expert).eval()  # type: ignore[arg-type]
    zero_denormals(whole)
    zero_denormals(step)
    window, periods = torch.rand(2, 3, steps, 19, 1), list(step.memory.sizes)
    frame, states = window[:, :, :1], step.memory.blank(2)
    paths = folder / f"{name}_window.onnx", folder / f"{name}_step.onnx"
    save_graph(whole, (window,), ("body",), ("logits", "observed"), paths[0])
    names = ("body", *(f"state_{p}" for p in periods)), ("logits", *(f"next_{p}" for p in periods))
    save_graph(step, (frame, *states), *names, paths[1], len(states))

    def opened(people: int, threads: int) -> tuple[Run, Run]:
        runs = []
        for path, cores in zip(paths, (threads, min(threads, STEP_THREADS)), strict=True):
            engine = OnnxRuntimeEngine(path, options=OnnxRuntimeOptions(threads=cores))
            rng = np.random.default_rng(0)
            inputs = {
                key: rng.random([d if isinstance(d, int) else people for d in shape], np.float32)
                for key, shape in engine.inputs.items()
            }
            runs.append(_running(engine, inputs))
        return runs[0], runs[1]

    counted = flops(whole, window[:1]), flops(step, frame[:1], *(s[:1] for s in states))
    kept = 4 * sum(period * size for period, size in step.memory.sizes.items())
    return Pair(name, steps, counted, kept, opened)


def bundle_pair(name: str) -> Pair:
    """A bundle with a step graph: body, hands and fusion."""
    bundle = load_bundle(name)
    engine = open_engine(bundle)
    if engine is None:
        raise SystemExit(f"The bundle '{name}' has no step graph.")
    kept = Stepper(bundle, engine).bytes_per_person

    def opened(people: int, threads: int) -> tuple[Run, Run]:
        whole, one = create_engine(bundle, threads=threads), open_engine(bundle, threads=threads)
        if one is None:
            raise SystemExit(f"The bundle '{name}' has no step graph.")
        rng = np.random.default_rng(0)
        windows = {
            key: rng.random((people, *map(int, shape[1:])), np.float32)
            for key, shape in bundle.manifest.inputs.items()
        }
        frames = {key: np.ascontiguousarray(value[:, :, :1]) for key, value in windows.items()}
        stepper = Stepper(bundle, one)
        rows, number = np.array([stepper.add() for _ in range(people)]), np.zeros(people, int)

        def step() -> object:
            number[:] += 1
            return stepper.step(rows, number, frames)

        return (lambda: whole.run(windows)), step

    return Pair(f"bundle {name}", bundle.manifest.num_steps, (0.0, 0.0), kept, opened)


def measure(
    pairs: Sequence[Pair], people: Sequence[int], threads: Sequence[int], rounds: int
) -> list[Timing]:
    """Every pair with every number of people and threads."""
    found = []
    for pair in pairs:
        for count in people:
            for cores in threads:
                window, step = pair.open(count, cores)
                times = np.zeros((2, rounds))
                for index in range(-5, rounds):  # the first runs plan their memory
                    for kind, run in enumerate((window, step)):
                        begin = time.perf_counter()
                        run()
                        if index >= 0:
                            times[kind, index] = (time.perf_counter() - begin) * 1e3
                found.append(Timing(pair, count, cores, times[0], times[1]))
    return found


def report(timings: Sequence[Timing]) -> str:
    """Tables, and whether the goals are met for the published network and one person."""
    lines = [
        f"ONNX Runtime, {platform.machine()}, {len(timings[0].window_ms)} rounds",
        "",
        "| network | steps | MFLOPs, window | MFLOPs, step | ratio | kept of a person |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    pairs = list(dict.fromkeys(timing.pair for timing in timings))
    for pair in pairs:
        whole, step = pair.flops
        counted = "- | - | -"
        if step:
            counted = f"{whole / 1e6:.1f} | {step / 1e6:.2f} | {whole / step:.1f}"
        kept = f"{pair.state_bytes / 1024:.0f} KiB"
        lines.append(f"| {pair.name} | {pair.steps} | {counted} | {kept} |")
    lines += [
        "",
        "| network | people | threads | window ms, median / p95 | step ms, median / p95 | ratio |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for timing in timings:
        cells = [
            f"{np.median(ms):.2f} / {np.percentile(ms, 95):.2f}"
            for ms in (timing.window_ms, timing.step_ms)
        ]
        lines.append(
            f"| {timing.pair.name} | {timing.people} | {timing.threads} | {cells[0]} | {cells[1]} "
            f"| {timing.ratio:.1f} |"
        )
    lines.append("")
    for pair in pairs:
        if pair.flops[1]:
            ratio = pair.flops[0] / pair.flops[1]
            lines.append(f"{pair.name}: {_verdict(ratio, 'flops')} fewer FLOPs")
    for timing in timings:
        if timing.people == 1 and timing.pair.flops[1]:
            plural = "s" if timing.threads > 1 else ""
            lines.append(
                f"{timing.pair.name}, {timing.threads} thread{plural}: "
                f"{_verdict(timing.ratio, 'time')} less time"
            )
    return "\n".join(lines)


def _verdict(ratio: float, goal: str) -> str:
    word = "met" if ratio >= GOALS[goal] else "missed"
    return f"{ratio:.1f}x (goal {GOALS[goal]:.0f}x: {word})"


def _running(engine: OnnxRuntimeEngine, inputs: dict[str, Any]) -> Run:
    return lambda: engine.run(inputs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--people", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rounds", type=int, default=60, help="runs of each graph (default 60)")
    parser.add_argument(
        "--only", nargs="+", choices=[*NETWORKS, BUNDLE], default=[*NETWORKS, BUNDLE]
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        pairs = [
            bundle_pair(name) if name == BUNDLE else expert_pair(name, Path(folder))
            for name in options.only
        ]
        print(report(measure(pairs, options.people, options.threads, options.rounds)))


if __name__ == "__main__":
    main()
