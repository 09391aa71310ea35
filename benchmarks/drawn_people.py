"""How well the pose estimator sees drawn people: one, four and eight of them, near and far.

    python -m benchmarks.drawn_people [--scenes 4] [--processes 2] [--json FILE] [--machine TEXT]
    python -m benchmarks.drawn_people --only "8 at" --options num_threads=1 detector=yolox_nano
    python -m benchmarks.drawn_people --backend rtmpose --options model=rtmw_m engine=tensorrt

Draws people who gesture (seeds from 5000 on; a horizontal field of view of 60 degrees), shows them
to the estimator at 15 images a second, and compares with the exact truth after the first second.
What is counted was fixed before anything was measured; how many scenes are played (SCENES), and
that distances with few raised hands do not count (MIN_POINTS), came after first looks at the same
seeds.

- PCK@a (percentage of correct keypoints): a keypoint is correct within a times a length. Of the 17
  body points the length is the longer side of the person's true box (Yang and Ramanan 2013), or,
  stricter, the torso (left shoulder to right hip); of the 21 points of a hand, the longer side of
  the hand's true box, as is usual for hands. Only keypoints in plain view count; hands count with
  14 points or more in plain view. What was not found is wrong.
- A hand is raised when its wrist is higher than the middle between shoulders and hips.
- Hands are usable while 80 % of the keypoints of raised hands are correct within 0.2 of the hand's
  box. That is half of the way of a fingertip from stretched to folded, so the finger can be told;
  the hands of most frames of a window can then be told, too.
- A person's size in pixels is their height standing at their distance.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.drawn_scores import (
    Condition,
    Sight,
    by_height,
    crossing,
    person_counts,
    summary,
    table,
)
from benchmarks.drawn_views import camera, cast, height_px, nearest_m, pair, palm_px
from bharnet_ros.node_parameters import parse_options
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.simulation import Scene
from bharnet_ros.types import Skeleton

FIRST_SEED = 5000
RATE_HZ, WARM_UP_S, COUNTED_S = 15.0, 1.0, 2.0
DISTANCES_M = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
SMALL, LARGE = (640, 480), (1280, 720)
PEOPLE = (1, 4, 8)
SCENES = {1: 3.0, 4: 1.0, 8: 1.0}
"""How many times `--scenes` are played of so many people."""
USABLE_SHARE, USABLE_AT = 0.8, "raised_0.2"
MIN_POINTS = 210
"""Distances with fewer keypoints of raised hands (ten hands) say nothing about use."""


@dataclass(frozen=True)
class Job:
    """A scene to play; options: of the backend."""

    condition: Condition
    seed: int
    backend: str
    options: Mapping[str, Any]


def conditions() -> list[Condition]:
    """One person at every distance; then crowds side by side, and half as far again."""
    found = [Condition(1, SMALL, distance_m) for distance_m in DISTANCES_M]
    for size in (SMALL, LARGE):
        for people in PEOPLE[1:]:
            nearest = round(nearest_m(people, camera(*size)) + 0.05, 1)
            found += [Condition(people, size, nearest), Condition(people, size, 1.5 * nearest)]
        found.append(Condition(1, size, 2.2))
    return found


def play(job: Job) -> list[Sight]:
    """Every person in every image that counts."""
    cv2.setNumThreads(1)
    condition = job.condition
    seconds = WARM_UP_S + COUNTED_S
    scene = cast(
        job.seed, condition.people, condition.distance_m, seconds, camera(*condition.size)
    )
    options = {"max_people": max(condition.people, 1), **job.options}
    estimator = create_pose_estimator(job.backend, **options)
    sights: list[Sight] = []
    for shown in scene.frames(RATE_HZ):
        seen = estimator.estimate(shown.image, shown.skeletons.stamp_ns)
        if shown.t_s < WARM_UP_S:
            continue
        truth = shown.skeletons.skeletons
        for real, mine in zip(truth, pair(truth, seen.skeletons, seen.layout), strict=True):
            sights.append(_sight(condition, scene, shown.t_s, real, mine))
    estimator.close()
    return sights


def _sight(
    condition: Condition, scene: Scene, t_s: float, real: Skeleton, mine: Skeleton | None
) -> Sight:
    actor = next(a for a in scene.actors if a.actor_id == real.track_id)
    pose = scene.pose(actor, t_s)
    counts, hands = person_counts(real, mine)
    return Sight(
        condition, height_px(scene, actor, pose), mine is not None, counts,
        tuple(palm_px(scene, pose, first) for first in hands),
    )  # fmt: skip


def usable(rows: Mapping[Condition, Mapping[str, float]]) -> dict[str, float]:
    """Where raised hands of one person stop being usable at 640x480: metres, and pixels of the
    palm and of the person's height there. Nothing where no such person was measured."""
    line = sorted(
        (c.distance_m, row)
        for c, row in rows.items()
        if c.people == 1 and c.size == SMALL and row[f"{USABLE_AT}_count"] >= MIN_POINTS
    )
    if not line:
        return {}
    metres = [distance for distance, _ in line]
    limit = crossing(metres, [row[USABLE_AT] for _, row in line], USABLE_SHARE)
    pixels = {}
    for size in ("palm_px", "height_px"):
        # Sizes go with one over the distance.
        times = float(np.median([row[size] * distance for distance, row in line]))
        pixels[size] = times / limit if np.isfinite(limit) else float("nan")
    return {"distance_m": limit, **pixels}


def main() -> None:
    """Measure and print."""
    first = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drawn_people", description=first)
    parser.add_argument("--scenes", type=int, default=4, help="of four people; see SCENES")
    parser.add_argument("--processes", type=int, default=2, help="one thread each")
    parser.add_argument("--backend", default="mediapipe")
    parser.add_argument(
        "--options", nargs="*", default=["num_threads=1"], help="of the backend, as name=value"
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--machine", default="", help="what to call this machine in the file")
    parser.add_argument(
        "--only", default="", help="conditions with this in their name, such as '8 at'"
    )
    parser.add_argument(
        "--first-seed", type=int, default=FIRST_SEED, help="another, to try things out with"
    )
    options = parser.parse_args()
    backend_options = parse_options(options.options)
    numbered = [
        (number, condition)
        for number, condition in enumerate(dict.fromkeys(conditions()))
        if options.only in condition.name
    ]
    if not numbered:
        names = ", ".join(condition.name for condition in dict.fromkeys(conditions()))
        parser.error(f"no condition is called '{options.only}'; they are: {names}")
    kinds = [condition for _, condition in numbered]
    jobs = [
        Job(condition, options.first_seed + 100 * number + scene, options.backend, backend_options)
        for number, condition in numbered
        for scene in range(max(round(options.scenes * SCENES[condition.people]), 1))
    ]
    begin = time.perf_counter()
    jobs.sort(key=lambda job: -job.condition.people)  # the long ones first
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=context) as pool:
        sights = [sight for each in pool.map(play, jobs) for sight in each]
    rows = {c: summary([s for s in sights if s.condition == c]) for c in kinds}
    sizes, limit = by_height(sights), usable(rows)
    crowds = {
        f"{count} people": summary([s for s in sights if s.condition.people == count])
        for count in PEOPLE
        if any(kind.people == count for kind in kinds)
    }
    named = {condition.name: row for condition, row in rows.items()}
    print("percent; sizes in pixels\n" + table(named))
    print(table(crowds))
    print(table(sizes))
    if limit:
        print(
            f"raised hands are usable up to {limit['distance_m']:.2f} m at 640x480 "
            f"({limit['palm_px']:.1f} px from wrist to knuckles, people {limit['height_px']:.0f} "
            "px tall)"
        )
    print(f"{time.perf_counter() - begin:.0f} s")
    if options.json is not None:
        figures = {
            "machine": options.machine, "backend": options.backend, "options": backend_options,
            "first_seed": options.first_seed, "scenes": options.scenes, "rate_hz": RATE_HZ,
            "conditions": named, "people": crowds, "heights": sizes, "usable": limit,
        }  # fmt: skip
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
