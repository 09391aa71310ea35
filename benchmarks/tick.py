"""What a tick of the recogniser costs: everybody in one run, against the obvious ways to do it.

    python -m benchmarks.tick [--people 1 4 16] [--threads 2] [--rounds 40] [--json FILE]

A tick is what happens when judgements fall due: windows are cut and resampled, features made, the
networks run (`Panel.judge`). The ways take turns in every round on the same frames, so what else
the machine does hits all alike; "times as long" is the median over rounds of a way's time on the
wall to that of the first in the same round, "times the work" the ratio of the median processor
times of all threads, which other work on the machine hardly touches.

    together    everybody in one run (what the recogniser does), frame by frame where the network
                can: a tick then takes one step of everybody
    one by one  a run per person
    unfolded    everybody in one call of the graph as it is in training: the whole window, and
                ONNX Runtime's threads share each operator
    whole       the same of the folded graph, undivided, hands and all
    windows     as together, but the whole window, of a network that runs frame by frame

Networks: shipped bundles (no unfolded graphs: their weights come folded), and ready experts with
random weights (`--experts`), body and hands alike; "pose" are those of `gestures`. In `--hidden`
of the people no hand is seen. ONNX Runtime on the CPU, `--threads` threads (frame by frame one, as
the robot does it), 1280x720 at 30 frames/s, 15 ticks a second.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.overhead import moving_people
from benchmarks.tick_networks import exported
from bharnet_ros.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from bharnet_ros.continual import open_engine
from bharnet_ros.inference import Engine, create_engine, open_graph
from bharnet_ros.judging import Panel
from bharnet_ros.skeleton import get_layout
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import SkeletonFrame

GOAL = 3.0
"""Of 16 people: one by one, and unfolded, to together."""
FRAME_NS = 1_000_000_000 // 30
TICK_FRAMES = 2
BUNDLES = (DEFAULT_BUNDLE, "asl_words_continual")
EXPERTS = ("pose", "degcn_light", "stgcnpp_causal")


@dataclass(frozen=True)
class Way:
    """One way to do a tick, measured. times_ms, cpu_ms: one a round, on the wall and of all
    threads. ratios: of times_ms to those of the first way in the same rounds."""

    network: str
    people: int
    name: str
    times_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]
    ratios: tuple[float, ...]


Ways = list[tuple[str, Panel, Callable[[Panel, dict[int, int]], None]]]


def panel(bundle: Bundle, threads: int) -> Panel:
    """Of windows; warm, with room for everybody."""
    return _warm(bundle, create_engine(bundle, threads=threads))


def stepping_panel(bundle: Bundle, threads: int) -> Panel | None:
    """Frame by frame; None if the bundle has no such graph."""
    engine = open_engine(bundle, threads=threads)
    return None if engine is None else _warm(bundle, engine)


def plain_panel(bundle: Bundle, threads: int) -> Panel:
    """Of windows, of one graph in one call: ONNX Runtime's threads share each operator."""
    return _warm(bundle, open_graph(bundle.onnx_path, threads=threads))


def _warm(bundle: Bundle, engine: Engine) -> Panel:
    engine.warm_up((1, 4, 16))
    return Panel([(bundle, engine)], "fused", 0.5, 0.5)


def together(judges: Panel, ends_ns: dict[int, int]) -> None:
    """Everybody in one run."""
    judges.judge(ends_ns)


def one_by_one(judges: Panel, ends_ns: dict[int, int]) -> None:
    """A run for each."""
    for track_id, end_ns in ends_ns.items():
        judges.judge({track_id: end_ns})


def frames(people: int, count: int, hidden: float, window_s: float) -> Iterator[SkeletonFrame]:
    """A window of tracked people to begin with, then `count` frames."""
    tracker = Tracker()
    hands = np.concatenate(
        [getattr(get_layout("coco_wholebody_133"), f"{s}_hand_indices") for s in ("left", "right")]
    )
    first = round(window_s * 1e9 / FRAME_NS) + 1
    without = round(hidden * people)
    for frame in moving_people(people, first + count):
        skeletons = []
        for number, seen in enumerate(frame.skeletons):
            scores = seen.scores.copy()
            if number < without:
                scores[hands] = 0.0
            skeletons.append(replace(seen, scores=scores))
        yield tracker.update(replace(frame, skeletons=tuple(skeletons)))


def ways_of(bundles: Mapping[str, Bundle], threads: int) -> Ways:
    """What can be compared of a network, by the bundles that there are of it (see `exported`)."""
    split = bundles["split"]
    windows = panel(split, threads)
    # A step once taken is not due again: every way has a memory of its own.
    first, second = stepping_panel(split, threads), stepping_panel(split, threads)
    ways: Ways = [
        ("together", first or windows, together),
        ("one by one", second or windows, one_by_one),
    ]
    if first is not None:
        ways.append(("windows", windows, together))
    for name in ("unfolded", "whole"):
        if name in bundles:
            ways.append((name, plain_panel(bundles[name], threads), together))
    return ways


def measure(
    network: str,
    ways: Ways,
    people: int,
    rounds: int,
    hidden: float = 0.0,
) -> list[Way]:
    """Times of all ways, taking turns; the first is what the others are compared with."""
    panels = list({id(judges): judges for _, judges, _ in ways}.values())
    window_s = max(manifest.window_s for manifest in panels[0].manifests)
    times, spent = np.zeros((2, rounds, len(ways)))
    warm = 2
    played = list(frames(people, (warm + rounds) * TICK_FRAMES, hidden, window_s))
    first = len(played) - 1 - (warm + rounds - 1) * TICK_FRAMES
    for index, frame in enumerate(played):
        for judges in panels:
            judges.push(frame)
        number, between = divmod(index - first, TICK_FRAMES)
        number -= warm
        if number < -warm or between:
            continue
        ends_ns = {person.track_id: frame.stamp_ns for person in frame.skeletons}
        for turn in range(len(ways)):
            chosen = (turn + number) % len(ways)  # nobody always follows the same
            _, judges, tick = ways[chosen]
            begin, cpu = time.perf_counter(), time.process_time()
            tick(judges, ends_ns)
            if number >= 0:
                spent[number, chosen] = (time.process_time() - cpu) * 1e3
                times[number, chosen] = (time.perf_counter() - begin) * 1e3
    ratios = times / times[:, :1]
    return [
        Way(
            network, people, name, tuple(times[:, n].tolist()), tuple(spent[:, n].tolist()),
            tuple(ratios[:, n].tolist()),
        )
        for n, (name, _, _) in enumerate(ways)
    ]  # fmt: skip


def report(measured: Sequence[Way], threads: int, hidden: float) -> str:
    """The table, and whether the goals are met."""
    rounds = len(measured[0].times_ms)
    unseen = f", hands of {hidden:.0%} of the people not seen" if hidden else ""
    lines = [
        f"ONNX Runtime, {threads} threads, {platform.machine()}, {rounds} rounds{unseen}",
        "",
        "| network | people | way | ms median | ms p95 | CPU ms | times as long | times the work |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    work: dict[tuple[str, int], float] = {}
    for way in measured:
        spent = float(np.median(way.cpu_ms))
        times = spent / max(work.setdefault((way.network, way.people), spent), 1e-6)
        lines.append(
            f"| {way.network} | {way.people} | {way.name} | {np.median(way.times_ms):.2f} "
            f"| {np.percentile(way.times_ms, 95):.2f} | {spent:.2f} "
            f"| {np.median(way.ratios):.2f} | {times:.2f} |"
        )
    lines.append("")
    for way in measured:
        if way.people == 16 and way.name in ("one by one", "unfolded"):
            ratio = float(np.median(way.ratios))
            times = float(np.median(way.cpu_ms)) / max(work[way.network, 16], 1e-6)
            word = "met" if ratio >= GOAL else "missed"
            lines.append(
                f"{way.network}, 16 people, {way.name}: {ratio:.2f} times as long, {times:.2f} "
                f"times the work, goal {GOAL:g}: {word}"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tick",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--threads", type=int, default=2, help="of ONNX Runtime (default 2)")
    parser.add_argument("--rounds", type=int, default=40, help="ticks of each way (default 40)")
    parser.add_argument("--hidden", type=float, default=0.0, help="share of people without hands")
    parser.add_argument("--bundle", nargs="*", default=BUNDLES, help="names or folders")
    parser.add_argument("--experts", nargs="*", default=EXPERTS, help="ready experts")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    if min(*options.people, options.rounds, options.threads) < 1 or not 0 <= options.hidden <= 1:
        parser.error("--people, --rounds and --threads must be 1 or more, --hidden 0 to 1")
    measured: list[Way] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in (*options.bundle, *options.experts):
            if name in options.experts:
                bundles = exported(name, Path(scratch))
            else:
                bundles = {"split": load_bundle(name)}
            ways = ways_of(bundles, options.threads)
            for people in options.people:
                measured += measure(name, ways, people, options.rounds, options.hidden)
    print(report(measured, options.threads, options.hidden))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        facts = {"threads": options.threads, "hidden": options.hidden, "cores": "2, shared"}
        ways_found = [
            {
                key: [round(x, 3) for x in value] if isinstance(value, tuple) else value
                for key, value in asdict(way).items()
            }
            for way in measured
        ]
        options.json.write_text(json.dumps({**facts, "ways": ways_found}) + "\n", "utf-8")


if __name__ == "__main__":
    main()
