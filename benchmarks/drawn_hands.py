"""How well a real pose estimator reads the drawn actor's hands, gesture by gesture.

    python benchmarks/drawn_hands.py --scenes 12

plays random scenes (people, looks, views, backgrounds, effects), runs the estimator on every
frame as on a camera, and prints for each gesture and view: the share of visible hands that were
found, and the mean error of the 21 keypoints in palm lengths (wrist to middle knuckle in 3D, at
the hand's distance). A hand counts as visible when at least 14 of its 21 keypoints are in plain
view. Both hands count, also those at rest; "idle" collects the frames between gestures.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.simulation import Scene, SceneFrame
from bharnet_ros.types import Skeleton, SkeletonFrame

HANDS = (91, 112)
MIN_VISIBLE = 14
FOUND_SCORE = 0.5


@dataclass
class Tally:
    """Counts of visible hands, and the errors of those found, in palm lengths."""

    visible: int = 0
    found: int = 0
    errors: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        errors = np.array(self.errors or [np.nan])
        share = 100.0 * self.found / max(self.visible, 1)
        return (
            f"{name:16s} {self.visible:6d} {share:7.1f} % {errors.mean():8.3f} "
            f"{np.median(errors):8.3f} {np.quantile(errors, 0.9):8.3f}"
        )


def match(truth: Skeleton, seen: SkeletonFrame) -> Skeleton | None:
    """The estimated person whose shoulders are nearest to the true ones, if near enough."""
    best: tuple[float, Skeleton] | None = None
    reach = float(np.linalg.norm(truth.keypoints[5] - truth.keypoints[11]))
    for person in seen.skeletons:
        gap = float(np.linalg.norm(person.keypoints[5:7] - truth.keypoints[5:7], axis=1).mean())
        if gap < 0.5 * reach and (best is None or gap < best[0]):
            best = (gap, person)
    return best[1] if best else None


def palm_px(scene: Scene, frame: SceneFrame, track_id: int, first: int) -> float:
    """Length of the palm in pixels at its distance, as if it were parallel to the image."""
    actor = next(a for a in scene.actors if a.actor_id == track_id)
    local = scene.camera.to_camera(scene.pose(actor, frame.t_s)[first : first + 21])
    length = float(np.linalg.norm(local[9] - local[0]))
    return length * scene.camera.focal_px / float(local[:, 2].mean())


def measure(
    scene: Scene, fps: float, threads: int, tallies: dict[str, Tally], view: str
) -> tuple[int, int]:
    """Adds one scene to the tallies; returns people visible and people found."""
    estimator = create_pose_estimator("mediapipe", num_threads=threads)
    people = found = 0
    for frame in scene.frames(fps):
        seen = estimator.estimate(frame.image, frame.skeletons.stamp_ns)
        doing = {a.track_id: a.segment.class_name for a in frame.active}
        for truth in frame.skeletons.skeletons:
            people += 1
            person = match(truth, seen)
            found += person is not None
            for first in HANDS:
                part = slice(first, first + 21)
                if (truth.scores[part] > 0.9).sum() < MIN_VISIBLE:
                    continue
                names = (doing.get(truth.track_id, "idle"), view, "all")
                error: float | None = None
                if person is not None and person.scores[part].mean() > FOUND_SCORE:
                    gaps: npt.NDArray[np.float32] = np.linalg.norm(
                        person.keypoints[part] - truth.keypoints[part], axis=1
                    )
                    error = float(gaps.mean()) / palm_px(scene, frame, truth.track_id, first)
                for name in names:
                    tallies[name].visible += 1
                    if error is not None:
                        tallies[name].found += 1
                        tallies[name].errors.append(error)
    estimator.close()
    return people, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=12, help="random scenes to play")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each scene")
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--max-yaw", type=float, default=45.0, help="degrees")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    tallies: dict[str, Tally] = defaultdict(Tally)
    people = found = 0
    begin = time.perf_counter()
    for k in range(arguments.scenes):
        # Views in thirds: frontal, half turned, turned.
        third = k % 3
        low, high = arguments.max_yaw * third / 3, arguments.max_yaw * (third + 1) / 3
        if k % 2:
            low, high = -high, -low
        scene = Scene.random(
            arguments.seed + k, 1 + k % 2, arguments.seconds, yaw_range_deg=(low, high)
        )
        view = f"yaw {arguments.max_yaw * third / 3:.0f}-{arguments.max_yaw * (third + 1) / 3:.0f}"
        seen = measure(scene, arguments.fps, arguments.threads, tallies, view)
        people += seen[0]
        found += seen[1]
    print(f"{'':16s} {'hands':>6s} {'found':>9s} {'mean err':>8s} {'median':>8s} {'p90':>8s}")
    for name in sorted(tallies, key=lambda n: (n == "all", n.startswith("yaw"), n)):
        print(tallies[name].line(name))
    print(
        f"people found in {100.0 * found / max(people, 1):.1f} % of {people} sightings; "
        f"{time.perf_counter() - begin:.0f} s"
    )


if __name__ == "__main__":
    main()
