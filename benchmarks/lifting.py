"""How well keypoints are put into space: drawn people before a drawn depth camera.

    python -m benchmarks.lifting [--scenes 8] [--json FILE] [--machine TEXT]

The drawn actor knows exactly where each joint is; `bharnet_ros.simulation.depth` draws its depth
image at 640 x 480 with the errors of a real sensor. Keypoints come exact, and off by what the light
estimator was measured to err on drawn people, and found by that estimator itself in the drawn
images (one person, 12 images a second). Compared: the depth at the keypoint's pixel, the median of
a 5 x 5 patch (both without holes), each moved inside the body by the same table, and
`bharnet_ros.lifting`. "given" is the share of keypoints in plain view that got a place at all,
"wrong" the share of those given that are more than 15 cm (hands: 5 cm, half a palm) from the
truth. "hidden" keypoints, behind the person's own body or another one, have no right answer but
NaN: only the share of all of them that is "wrong" is told.
Parameters were chosen on seeds 100 to 104; the figures are of seeds 500 onwards.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bharnet_ros.camera_model import CameraModel
from bharnet_ros.depth_patches import sample
from bharnet_ros.lifting import LiftingOptions, lift
from bharnet_ros.lifting_body import TREE
from bharnet_ros.simulation import Camera, Scene
from bharnet_ros.simulation.depth import DepthSensor, exact_depth, farthest_m
from bharnet_ros.simulation.renderer import Renderer
from bharnet_ros.types import AnyFloat, FloatArray, Skeleton, SkeletonFrame
from training.describing.observing import BODY_BIAS, BODY_WANDER
from training.projecting import HAND_ERROR

LAYOUT = "coco_wholebody_133"
WIDTH, HEIGHT, FOCAL_PX = 640, 480, 525.0
DISTANCES_M = ((1.2, 1.6), (2.0, 2.5), (3.0, 3.5), (4.0, 4.5))
MOMENTS = 6
MIN_SCORE = LiftingOptions().min_score
BODY, HANDS = slice(0, 17), slice(91, 133)
WRONG_M = {"body": 0.15, "hands": 0.05}
Method = Callable[[SkeletonFrame, FloatArray, CameraModel], list[AnyFloat]]


@dataclass(frozen=True, eq=False)
class View:
    """One moment: the true skeletons, where they are in space, and the sensor's depth."""

    distance: str
    frame: SkeletonFrame
    places: tuple[AnyFloat, ...]
    depth: FloatArray
    camera: CameraModel


def views(seeds: range, moments: int = MOMENTS) -> Iterator[View]:
    """Two people per scene and distance (one at the nearest), at so many moments; the camera is
    that of a common depth camera."""
    for seed in seeds:
        for number, band in enumerate(DISTANCES_M):
            people = 1 if number == 0 else 2
            scene = _scene(10 * seed + number, people, band)
            still = replace(scene.renderer.effects, shutter_s=0.0)
            renderer = scene.renderer
            background = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
            scene.renderer = Renderer(renderer.camera, background, still, renderer.light)
            rng = np.random.default_rng([seed, number, 7])
            wall_x_m = farthest_m(scene) + float(rng.uniform(0.3, 2.0))
            for t_s in np.linspace(1.0, 11.0, moments).tolist():
                yield _view(scene, t_s, wall_x_m, f"{band[0]:g} to {band[1]:g} m", rng)


def _scene(seed: int, people: int, band: tuple[float, float]) -> Scene:
    camera = Camera(WIDTH, HEIGHT, FOCAL_PX, (0.0, 0.0, 1.25), (2.0, 0.0, 1.1))
    return Scene.random(
        seed, people, 12.0, distance_range_m=band, camera=camera, yaw_range_deg=(-40.0, 40.0)
    )


def estimated(seeds: range) -> Iterator[tuple[View, SkeletonFrame]]:
    """One person, read by the light estimator at 12 Hz: views, and what it found in each."""
    from bharnet_ros.pose import create_pose_estimator

    for seed in seeds:
        for number, band in enumerate(DISTANCES_M[1:3]):
            scene = _scene(10 * seed + 5 + number, 1, band)
            rng = np.random.default_rng([seed, number, 9])
            wall_x_m = farthest_m(scene) + float(rng.uniform(0.3, 2.0))
            estimator = create_pose_estimator("mediapipe", num_threads=1, max_people=1)
            for index in range(60):
                drawn = scene.frame(index / 12.0)
                found = estimator.estimate(drawn.image, drawn.skeletons.stamp_ns)
                # The first second is for taking the person up.
                if index >= 12 and index % 4 == 0 and found.skeletons:
                    name = f"{band[0]:g} to {band[1]:g} m"
                    yield _view(scene, drawn.t_s, wall_x_m, name, rng), found
            estimator.close()


def _view(
    scene: Scene, t_s: float, wall_x_m: float, distance: str, rng: np.random.Generator
) -> View:
    camera = scene.camera
    frame = scene.frame(t_s).skeletons
    measured = DepthSensor().measure(exact_depth(scene, t_s, wall_x_m), camera.focal_px, rng)
    depth = np.where(measured > 0, measured.astype(np.float32) * 1e-3, np.nan).astype(np.float32)
    model = CameraModel(
        camera.focal_px, camera.focal_px, (camera.width - 1) / 2, (camera.height - 1) / 2,
        (camera.height, camera.width),
    )  # fmt: skip
    places = tuple(camera.to_camera(scene.pose(actor, t_s)) for actor in scene.present(t_s))
    return View(distance, frame, places, depth, model)


def erring(frame: SkeletonFrame, rng: np.random.Generator) -> SkeletonFrame:
    """The frame as far off as the light estimator is on drawn people; the face is exact."""
    people = []
    for person in frame.skeletons:
        points = person.keypoints.astype(np.float64)
        torso = float(np.linalg.norm(points[[5, 6]] - points[[12, 11]], axis=1).mean())
        body = np.hypot(BODY_BIAS, BODY_WANDER)[:, None] * torso
        moved = points.copy()
        moved[BODY] += body * rng.standard_normal((17, 2))
        for first in (91, 112):
            hand = slice(first, first + 21)
            palm = points[first + np.array([5, 9, 17])] - points[first]
            size = max(float(np.linalg.norm(palm, axis=1).max()), 0.12 * torso)
            moved[hand] += HAND_ERROR[:, None] * size * rng.standard_normal((21, 2))
        people.append(replace(person, keypoints=moved.astype(np.float32)))
    return replace(frame, skeletons=tuple(people))


def by_pixel(frame: SkeletonFrame, depth: FloatArray, camera: CameraModel) -> list[AnyFloat]:
    """The depth at the keypoint's pixel."""
    return [
        _at(person, sample(depth, person.keypoints.astype(np.float64)), camera)
        for person in frame.skeletons
    ]


def by_median(frame: SkeletonFrame, depth: FloatArray, camera: CameraModel) -> list[AnyFloat]:
    """The median of the known depths of a 5 x 5 patch."""
    steps = np.stack(np.meshgrid(np.arange(-2, 3), np.arange(-2, 3)), axis=-1).reshape(1, -1, 2)
    found = []
    for person in frame.skeletons:
        values = sample(depth, person.keypoints.astype(np.float64)[:, None] + steps)
        empty = np.isnan(values).all(axis=1)
        values[empty] = 0.0
        medians = np.nanmedian(values, axis=1)
        medians[empty] = np.nan
        found.append(_at(person, medians, camera))
    return found


def by_lifting(frame: SkeletonFrame, depth: FloatArray, camera: CameraModel) -> list[AnyFloat]:
    """`bharnet_ros.lifting`."""
    return [person.keypoints for person in lift(frame, depth, camera).skeletons]


METHODS: dict[str, Method] = {
    "pixel": by_pixel, "median 5x5": by_median, "lifting": by_lifting,
}  # fmt: skip


def _at(person: Skeleton, z: AnyFloat, camera: CameraModel) -> AnyFloat:
    z = np.where(person.scores >= MIN_SCORE, z + TREE.inset_m, np.nan)
    return np.column_stack([camera.rays(person.keypoints) * z[:, None], z])


def measure(seeds: range) -> list[dict[str, Any]]:
    """Rows of method, keypoints, distance, part, given, median_mm, p90_mm, wrong, hidden_wrong."""
    errors: dict[tuple[str, ...], list[AnyFloat]] = defaultdict(list)
    hidden: dict[tuple[str, ...], list[AnyFloat]] = defaultdict(list)

    def judge(view: View, kind: str, frame: SkeletonFrame) -> None:
        for method, function in METHODS.items():
            found = function(frame, view.depth, view.camera)
            for person, place, truth in zip(view.frame.skeletons, found, view.places, strict=True):
                for part, slots in (("body", BODY), ("hands", HANDS)):
                    off = np.linalg.norm(place[slots] - truth[slots], axis=1)
                    key = (method, kind, view.distance, part)
                    score = person.scores[slots]
                    errors[key].append(off[score >= 1.0])
                    hidden[key].append(off[(score > 0.0) & (score < 1.0)])

    for index, view in enumerate(views(seeds)):
        judge(view, "exact", view.frame)
        judge(view, "erring", erring(view.frame, np.random.default_rng([index, 11])))
    for view, frame in estimated(seeds):
        judge(view, "estimated", frame)
    return [_row(key, np.concatenate(errors[key]), np.concatenate(hidden[key])) for key in errors]


def _row(key: tuple[str, ...], errors: AnyFloat, hidden: AnyFloat) -> dict[str, Any]:
    method, kind, distance, part = key
    known, guessed = errors[np.isfinite(errors)], hidden[np.isfinite(hidden)]
    limit = WRONG_M[part]
    return {
        "method": method, "keypoints": kind, "distance": distance, "part": part,
        "count": len(errors), "given": len(known) / max(len(errors), 1),
        "median_mm": 1e3 * float(np.median(known)),
        "p90_mm": 1e3 * float(np.percentile(known, 90)),
        "wrong": float((known > limit).mean()),
        "hidden_count": len(hidden),
        "hidden_wrong": float((guessed > limit).sum() / max(len(hidden), 1)),
    }  # fmt: skip


def speed(seeds: range, repeats: int = 20) -> dict[str, float]:
    """Median milliseconds of processor time of `lift`, for one person and for eight."""
    view = next(view for view in views(seeds) if len(view.frame.skeletons) == 2)
    found = {}
    for count in (1, 8):
        crowd = replace(view.frame, skeletons=(view.frame.skeletons * 4)[:count])
        times = []
        for _ in range(repeats + 3):
            begin = time.thread_time()
            lift(crowd, view.depth, view.camera)
            times.append(1e3 * (time.thread_time() - begin))
        found[f"lift_{count}_people_ms"] = float(np.median(times[3:]))
    return found


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lifting", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--scenes", type=int, default=8, help="scenes per distance")
    parser.add_argument("--seed", type=int, default=500, help="the first scene's seed")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--machine", default="", help="what to call this machine in the file")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    seeds = range(options.seed, options.seed + options.scenes)
    rows = measure(seeds)
    times = speed(seeds)
    print("method      keypoints  distance     part    given  median   p90 mm  wrong  hidden wrong")
    for row in sorted(rows, key=lambda r: (r["part"], r["keypoints"], r["distance"])):
        print(
            f"{row['method']:<11s} {row['keypoints']:<10s} {row['distance']:<12s} "
            f"{row['part']:<6s} {row['given']:6.1%} {row['median_mm']:7.1f} {row['p90_mm']:8.1f} "
            f"{row['wrong']:6.1%} {row['hidden_wrong']:9.1%}"
        )
    for name, value in times.items():
        print(f"{name}: {value:.2f}")
    if options.json is not None:
        figures = {"machine": options.machine, "scenes": len(seeds), "rows": rows, "speed": times}
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
