"""How well a real pose estimator reads hands that hold something, thing by thing.

    python -m benchmarks.drawn_props --clips 5 --json benchmarks/results/drawn_props.json

plays every gesture of `held_objects` with something in the hand, twice: as it is, and the very
same scene with empty hands. The light estimator runs on every frame as on a camera; counted are
the frames from the hand's arrival to its release. For each thing: the share of the holding hands
that were found with it and with empty hands, and the mean error of the 21 keypoints of those found
in palm lengths. All holding hands count, hidden or not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.drawn_hands import FOUND_SCORE, HANDS, match, palm_px
from bharnet_ros.gestures import Vocabulary, load_vocabulary
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.simulation import Scene

FPS = 10.0


@dataclass
class Count:
    """Holding hands looked at, those found, and the errors of these in palm lengths."""

    hands: int = 0
    found: int = 0
    errors: list[float] = field(default_factory=list)

    def share(self) -> float:
        """Found, per cent."""
        return 100.0 * self.found / max(self.hands, 1)

    def error(self) -> float:
        """Mean, palm lengths; NaN without any."""
        return float(np.mean(self.errors)) if self.errors else float("nan")


def read_clip(scene: Scene, sides: tuple[int, ...], threads: int, count: Count) -> None:
    """Let the estimator read one gesture of a lone person and add its holding hands."""
    segment = scene.segments[0].segment
    estimator = create_pose_estimator("mediapipe", num_threads=threads)
    for t_s in np.arange(segment.start_s, segment.released_s, 1 / FPS).tolist():
        frame = scene.frame(t_s)
        seen = estimator.estimate(frame.image, frame.skeletons.stamp_ns)
        if t_s < segment.arrived_s:
            continue
        truth = frame.skeletons.skeletons[0]
        person = match(truth, seen)
        for side in sides:
            part = slice(HANDS[side], HANDS[side] + 21)
            count.hands += 1
            if person is None or person.scores[part].mean() <= FOUND_SCORE:
                continue
            gaps = np.linalg.norm(person.keypoints[part] - truth.keypoints[part], axis=1)
            count.found += 1
            count.errors.append(
                float(gaps.mean()) / palm_px(scene, frame, truth.track_id, HANDS[side])
            )
    estimator.close()


def clip(vocabulary: Vocabulary, name: str, seed: int) -> tuple[Scene, Scene, tuple[int, ...]]:
    """A gesture with what it holds, the same with empty hands, and the holding hands."""
    scene = Scene.random(seed, 1, 5.0, vocabulary=vocabulary, classes=(name,))
    middle = (scene.segments[0].segment.arrived_s + scene.segments[0].segment.released_s) / 2
    sides = scene.actors[0].held(middle)[0][1]
    bare = [replace(actor, holdings=()) for actor in scene.actors]
    return scene, Scene(bare, scene.renderer, scene.duration_s, seed), sides


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=5, help="of each gesture")
    parser.add_argument("--seed", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the figures are written, too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    vocabulary = load_vocabulary("held_objects")
    begin = time.perf_counter()
    rows: dict[str, tuple[Count, Count]] = {"all": (Count(), Count())}
    for gesture in vocabulary:
        if gesture.holds is None:
            continue
        rows[gesture.name] = (Count(), Count())
        for k in range(arguments.clips):
            held, bare, sides = clip(vocabulary, gesture.name, arguments.seed + k)
            for number, scene in enumerate((held, bare)):
                read_clip(scene, sides, arguments.threads, rows[gesture.name][number])
        for total, part in zip(rows["all"], rows[gesture.name], strict=True):
            total.hands += part.hands
            total.found += part.found
            total.errors += part.errors
    print(f"{'':18s} {'hands':>6s} {'found':>8s} {'empty':>8s} {'error':>7s} {'empty':>7s}")
    for name in [*(n for n in rows if n != "all"), "all"]:
        held_count, bare_count = rows[name]
        print(
            f"{name:18s} {held_count.hands:6d} {held_count.share():6.1f} % "
            f"{bare_count.share():6.1f} % {held_count.error():7.3f} {bare_count.error():7.3f}"
        )
    print(f"{arguments.clips} clips of each; {time.perf_counter() - begin:.0f} s")
    if arguments.json:
        table = {
            name: {
                "hands": held.hands,
                "found_percent": round(held.share(), 1),
                "found_percent_empty": round(bare.share(), 1),
                "error_palms": round(held.error(), 3),
                "error_palms_empty": round(bare.error(), 3),
            }
            for name, (held, bare) in rows.items()
        }
        document = {
            "command": " ".join(["python -m benchmarks.drawn_props", *sys.argv[1:]]),
            "rows": table,
        }
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
