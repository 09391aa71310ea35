"""`python -m benchmarks.tracking`: whether ids stay with people who cross, hide and meet.

Scripted encounters with exact identities (`bharnet_ros/simulation/encounters.py`), as seen by
cameras of 10 to 30 frames a second: projected with the pose estimator's measured errors, and with
--drawn also drawn and read by the real estimator. Trackers get the same skeletons in the same run:
the package's, the one it had first (also with as long a memory), and an oracle that knows who is
who and so shows what the estimator's own losses leave to be had. Reported seeds were never looked
at while the tracker was made; those were 100 to 105.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from benchmarks.tracking_baseline import FirstTracker
from benchmarks.tracking_sights import Take, drawn, id_frame, projected
from bharnet_ros.assignment import assign
from bharnet_ros.evaluation.metrics.tracking import (
    MATCHED,
    IdCounts,
    IdFrame,
    count_identities,
)
from bharnet_ros.simulation.encounters import ENCOUNTERS
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import SkeletonFrame

RATES_HZ = (10.0, 15.0, 30.0)
DRAWN_RATE_HZ = 12.0
FIRST_SEED = 500


class AnyTracker(Protocol):
    """Gives the people of a frame ids."""

    def update(self, frame: SkeletonFrame) -> SkeletonFrame:
        """The same people with their ids."""


MEMORY_S = 3.0
TRACKERS: Mapping[str, Callable[[], AnyTracker]] = {
    "first": FirstTracker,
    "first, 3 s": lambda: FirstTracker(max_lost_s=MEMORY_S),
    "tracker": Tracker,
}


def placed(take: Take) -> list[IdFrame]:
    """Where everybody found lies beside the truth; without ids."""
    return [id_frame(sight.found, sight.truth) for sight in take.sights]


def follow(
    take: Take, places: Sequence[IdFrame], tracker: AnyTracker
) -> tuple[IdCounts, float]:
    """What became of the ids, and milliseconds a frame. places: of `placed`."""
    frames, spent = [], 0.0
    for sight, place in zip(take.sights, places, strict=True):
        begin = time.perf_counter()
        tracked = tracker.update(sight.found)
        spent += time.perf_counter() - begin
        frames.append(replace(place, tracks=[p.track_id for p in tracked.skeletons]))
    return count_identities(frames), 1e3 * spent / max(len(frames), 1)


def oracle(places: Sequence[IdFrame]) -> IdCounts:
    """With the ids of the truth wherever somebody was found."""
    frames = []
    for place in places:
        ids = [-1 - j for j in range(len(place.tracks))]  # nobody's
        for i, j in assign(place.likeness, MATCHED):
            ids[j] = place.people[i]
        frames.append(replace(place, tracks=ids))
    return count_identities(frames)


def compare(takes: Iterable[Take]) -> dict[str, Any]:
    """Every tracker on every take: by kind of encounter and together."""
    names = [*TRACKERS, "oracle"]
    kinds: dict[str, dict[str, IdCounts]] = {}
    spent: dict[str, list[float]] = {name: [] for name in TRACKERS}
    count = frames = 0
    for take in takes:
        count, frames, places = count + 1, frames + len(take.sights), placed(take)
        found = {}
        for name, make in TRACKERS.items():
            found[name], ms = follow(take, places, make())
            spent[name].append(ms)
        found["oracle"] = oracle(places)
        for key in (take.kind, "all"):
            sums = kinds.setdefault(key, dict.fromkeys(names, IdCounts()))
            kinds[key] = {name: sums[name] + found[name] for name in names}
    return {
        "encounters": count,
        "frames": frames,
        "ms_per_frame": {n: sum(v) / len(v) for n, v in spent.items() if v},
        "by_kind": {
            kind: {name: counts.data() for name, counts in by_name.items()}
            for kind, by_name in sorted(kinds.items(), key=lambda item: item[0] == "all")
        },
    }


def text(title: str, figures: Mapping[str, Any]) -> str:
    """As a table."""
    names = [*TRACKERS, "oracle"]
    lines = [
        f"{title}: {figures['encounters']} encounters, {figures['frames']} frames",
        f"{'':10s}" + "".join(f"{name:^34s}" for name in names),
        f"{'':10s}" + f"{'IDF1':>10s}{'switches':>9s}{'fragm.':>7s}{'mixed':>6s}  " * len(names),
    ]
    for kind, row in figures["by_kind"].items():
        cells = "".join(
            f"{100 * row[n]['idf1']:9.1f}%{row[n]['switches']:9d}{row[n]['fragments']:7d}"
            f"{row[n]['mixed']:6d}  " for n in names
        )  # fmt: skip
        lines.append(f"{kind:10s}{cells}")
    each = ", ".join(f"{name} {ms:.2f}" for name, ms in figures["ms_per_frame"].items())
    return "\n".join([*lines, f"ms a frame: {each}"])


def projected_takes(seeds: Sequence[int]) -> Iterable[Take]:
    """Every kind of encounter for every seed, the frame rates in turn."""
    for number, seed in enumerate(seeds):
        for kind in ENCOUNTERS:
            yield projected(kind, seed, RATES_HZ[number % len(RATES_HZ)])


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tracking", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--seeds", type=int, default=15, help="of each kind (%(default)s)")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="%(default)s")
    parser.add_argument(
        "--drawn", type=int, default=0, help="seeds to draw, too; 20 s an encounter (%(default)s)"
    )
    parser.add_argument("--cache", type=Path, default=Path("output/tracking"), help="%(default)s")
    parser.add_argument("--json", type=Path, default=None, help="file for the figures")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    result: dict[str, Any] = {
        "command": f"python -m benchmarks.tracking --seeds {options.seeds} --drawn {options.drawn}",
        "seeds": [seeds.start, seeds.stop - 1],
        "machine": f"{platform.machine()} CPU, shared",
        "projected": compare(projected_takes(seeds)) if options.seeds else None,
    }
    if options.seeds:
        print(text("projected", result["projected"]), flush=True)
        _write(result, options.json)
    if options.drawn:
        takes = (
            drawn(kind, options.first_seed + i, DRAWN_RATE_HZ, options.cache)
            for i in range(options.drawn)
            for kind in ENCOUNTERS
        )
        result["drawn"] = compare(takes)
        print(text("drawn", result["drawn"]))
        _write(result, options.json)


def _write(result: Mapping[str, Any], path: Path | None) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
