"""What looking at pixels adds to a tick of the recogniser, to each image, and to its memory.

    python -m benchmarks.rgb_tick [--bundle held_objects] [--people 1 4] [--threads 1] [--json FILE]

A tick is what happens when judgements fall due (`Panel.judge`): windows, features and the networks
of body, hands and fusion; with pixels also the tiles of everybody's window and the RGB graph. Both
take turns in every round on the same frames, so what else the machine does hits both alike. Every
person is looked at, which is the worst case: a recogniser asks only for those whose probability in
some group of classes reaches the bundle's `min_mass`. "times as long" is the median over rounds of
the ratio on the wall; "CPU" compares the processor time of all threads.

Beside the ticks every image costs the cutting of crops (`Panel.see`), of which few are kept: the
mean over all images tells. "with crops" adds those of the images from one tick to the next.

ONNX Runtime on the CPU, people and noise of 1280x720 at 30 images/s.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.tick import FRAME_NS, frames
from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import create_engine
from bharnet_ros.judging import Panel
from bharnet_ros.rules import RecognizerConfig
from bharnet_ros.types import Image

MAX_PEOPLE = 64
"""Of a recogniser as it comes; the bound of the memory is theirs."""


@dataclass(frozen=True)
class Cost:
    """Of one number of people.

    skeleton_ms, rgb_ms: of each round's tick on the wall; skeleton_cpu_ms, rgb_cpu_ms: of all
    threads. crop_ms: of each image. nbytes, max_nbytes: of the crops that are kept, at most seen,
    and their bound.
    """

    people: int
    skeleton_ms: tuple[float, ...]
    rgb_ms: tuple[float, ...]
    skeleton_cpu_ms: tuple[float, ...]
    rgb_cpu_ms: tuple[float, ...]
    crop_ms: tuple[float, ...]
    nbytes: int
    max_nbytes: int

    @property
    def ratios(self) -> list[float]:
        """Of each round: with pixels to skeletons alone, on the wall."""
        return [rgb / alone for rgb, alone in zip(self.rgb_ms, self.skeleton_ms, strict=True)]

    @property
    def cpu_ratio(self) -> float:
        """Of the median processor times."""
        return float(np.median(self.rgb_cpu_ms) / np.median(self.skeleton_cpu_ms))

    def with_crops(self, images_per_tick: float) -> float:
        """The ratio on the wall with the crops of so many images."""
        crops = images_per_tick * float(np.mean(self.crop_ms))
        return float(np.median((np.array(self.rgb_ms) + crops) / np.array(self.skeleton_ms)))


def everybody(bundle: Bundle) -> Bundle:
    """The bundle as one that looks at all people. Raises ConfigurationError if it looks at none."""
    manifest = bundle.manifest
    if manifest.rgb is None:
        raise ConfigurationError(
            f"The bundle '{manifest.name}' has no RGB graph; give one that has with --bundle."
        )
    return replace(bundle, manifest=replace(manifest, rgb=replace(manifest.rgb, min_mass=0.0)))


def panel(bundle: Bundle, threads: int, rgb: bool, sizes: Sequence[int]) -> Panel:
    """Warm."""
    engine = create_engine(bundle, rgb=rgb, threads=threads)
    engine.warm_up(tuple(sizes))
    config = RecognizerConfig()
    return Panel([(bundle, engine)], "fused", config.min_coverage, config.lost_after_s, MAX_PEOPLE)


def measure(bundle: Bundle, people: int, threads: int, rounds: int) -> Cost:
    """Ticks of both, taking turns, and the crops of every image."""
    panels = [panel(bundle, threads, rgb, (people,)) for rgb in (False, True)]
    looking = panels[1]
    wall, cpu = np.zeros((2, 2, rounds))
    crops, most = [], 0
    pictures = _noise(8)
    played = list(frames(people, rounds + 2, 0.0, bundle.manifest.window_s))
    for index, frame in enumerate(played):
        begin = time.perf_counter()
        looking.see(pictures[index % len(pictures)], frame, frame.stamp_ns)
        crops.append((time.perf_counter() - begin) * 1e3)
        for each in panels:
            each.push(frame)
        number = index - (len(played) - rounds)
        if number < -2:
            continue
        ends_ns = {person.track_id: frame.stamp_ns for person in frame.skeletons}
        for turn in range(2):
            which = (turn + number) % 2  # neither always follows the other
            begin, spent = time.perf_counter(), time.process_time()
            panels[which].judge(ends_ns)
            if number >= 0:
                cpu[which, number] = (time.process_time() - spent) * 1e3
                wall[which, number] = (time.perf_counter() - begin) * 1e3
        use = looking.rgb
        if use is None or use.judged != len(ends_ns):
            raise RuntimeError(f"pixels of {use and use.judged} of {len(ends_ns)} people: {use}")
        most = max(most, use.nbytes)
    bound = looking.rgb.max_nbytes if looking.rgb is not None else 0
    skeleton, rgb = wall.tolist()
    skeleton_cpu, rgb_cpu = cpu.tolist()
    return Cost(
        people, tuple(skeleton), tuple(rgb), tuple(skeleton_cpu), tuple(rgb_cpu), tuple(crops),
        most, bound,
    )  # fmt: skip


def report(bundle: Bundle, costs: Sequence[Cost], threads: int) -> str:
    """The tables."""
    per_tick = 1e9 / FRAME_NS / RecognizerConfig().rate_hz
    rgb = bundle.manifest.rgb
    tiles = f", {rgb.num_frames} moments of {len(rgb.regions)} regions" if rgb else ""
    lines = [
        f"{bundle.manifest.name}{tiles}; ONNX Runtime, {threads} "
        f"thread{'' if threads == 1 else 's'}, {platform.machine()}, "
        f"{len(costs[0].rgb_ms)} rounds",
        "",
        "| people | skeleton ms median (p95) | with RGB ms median (p95) | times as long (p95) "
        f"| CPU | crops per image ms mean (p95) | times, with crops of {per_tick:.3g} images |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {cost.people} | {_both(cost.skeleton_ms)} | {_both(cost.rgb_ms)} "
        f"| {_both(cost.ratios)} | {cost.cpu_ratio:.2f} "
        f"| {np.mean(cost.crop_ms):.2f} ({np.percentile(cost.crop_ms, 95):.2f}) "
        f"| {cost.with_crops(per_tick):.2f} |"
        for cost in costs
    ]
    for cost in costs:
        lines.append(
            f"\nCrops of {cost.people}: {cost.nbytes / 2**20:.2f} MiB at most; bound "
            f"{cost.max_nbytes / 2**20:.2f} MiB ({MAX_PEOPLE} people)."
        )
    return "\n".join(lines)


def _both(values: Sequence[float]) -> str:
    return f"{np.median(values):.2f} ({np.percentile(values, 95):.2f})"


def _noise(count: int) -> list[Image]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (720, 1280, 3), np.uint8) for _ in range(count)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rgb_tick",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", default="held_objects", help="name or folder")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, default=1, help="of ONNX Runtime (default 1)")
    parser.add_argument("--rounds", type=int, default=100, help="ticks of each (default 100)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    if min(*options.people, options.rounds, options.threads) < 1:
        parser.error("--people, --rounds and --threads must be 1 or more")
    bundle = everybody(load_bundle(options.bundle))
    costs = [measure(bundle, n, options.threads, options.rounds) for n in options.people]
    print(report(bundle, costs, options.threads))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        rounded = [
            {
                key: [round(x, 3) for x in value] if isinstance(value, tuple) else value
                for key, value in asdict(cost).items()
            }
            for cost in costs
        ]
        facts = {"bundle": bundle.manifest.name, "threads": options.threads, "costs": rounded}
        options.json.write_text(json.dumps(facts) + "\n", "utf-8")


if __name__ == "__main__":
    main()
