"""`python -m benchmarks.loading`: training windows a second from a store, against one clip at a
time.

Both crop 50 to 100 % of a clip at random, resample it to T steps, put it into calibration-free
coordinates and turn it at random; both in one process, in turns, on the same clips. The other side
works as pyskl's data sets do: annotations in memory, each sample through its own chain of small
transforms, then a batch stacked from them. Without --store the clips are invented, as long and as
many-jointed as those of NTU RGB+D.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.skeleton import get_layout
from training.augment import rotate
from training.data import BatchLoader, LoaderConfig, Store, StoreWriter, open_store, sample_clips
from training.data.sample import Person, Sample, nominal_stamps
from training.data.sheet import DataSheet
from training.preprocessing import preprocess

DEGREES = 17.0
Sampled = dict[str, Any]


def invent(folder: Path, clips: int, seed: int = 0) -> None:
    """A store of random walks: 30 to 150 frames of 25 joints, one person in two thirds."""
    rng = np.random.default_rng(seed)
    sheet = DataSheet(
        "invented", "ntu25", 3, "m", "nominal", ("any",), "free", "random numbers", "benchmark"
    )
    with StoreWriter(folder, sheet) as writer:
        for number in range(clips):
            frames = int(rng.integers(30, 151))
            people = []
            for person in range(1 + (number % 3 == 2)):
                steps = rng.normal(0.0, 0.01, (frames, 25, 3)).astype(np.float32)
                points = np.cumsum(steps, axis=0) + rng.normal(0, 0.5, (25, 3)).astype(np.float32)
                people.append(Person(points, np.ones((frames, 25), np.float32), 0, person))
            stamps = nominal_stamps(frames, 30.0)
            writer.add(Sample(str(number), stamps, tuple(people), "any"))
        writer.finish()


def batches(loader: BatchLoader, layout: str) -> Iterator[np.ndarray]:
    """Our way: a batch at once, the same for the same number."""
    for number in range(len(loader)):
        batch = loader.batch(number)
        points = preprocess("calibration_free", batch.keypoints, batch.scores, layout, people=True)
        yield rotate(points, DEGREES, np.random.default_rng(number))


class CropAndResample:
    """A random stretch of the clip, by straight lines to T steps."""

    def __init__(self, steps: int, rng: np.random.Generator) -> None:
        self.steps, self.rng = steps, rng

    def __call__(self, results: Sampled) -> Sampled:
        frames = results["keypoint"].shape[1]
        length = self.rng.uniform(0.5, 1.0)
        begin = self.rng.uniform(0.0, 1.0 - length)
        position = (begin + np.linspace(0, 1, self.steps) * length) * (frames - 1)
        before = position.astype(int)
        after = np.minimum(before + 1, frames - 1)
        weight = (position - before)[None, :, None, None].astype(np.float32)
        for key in ("keypoint", "keypoint_score"):
            values = results[key]
            share = weight if values.ndim == 4 else weight[..., 0]
            results[key] = values[:, before] * (1 - share) + values[:, after] * share
        return results


class PreNormalize:
    """Centred on the first person's first mid-hip, in lengths of its torso."""

    def __init__(self, layout: str) -> None:
        names = get_layout(layout).keypoint_names
        self.hip = next(n for n, name in enumerate(names) if name in ("spine_base", "hip_center"))
        self.neck = next(n for n, name in enumerate(names) if name in ("neck", "shoulder_center"))

    def __call__(self, results: Sampled) -> Sampled:
        points, scores = results["keypoint"], results["keypoint_score"]
        hip, neck = points[0, :, self.hip], points[0, :, self.neck]
        torso = np.median(np.linalg.norm(neck - hip, axis=-1))
        moved = (points - hip[0]) / max(float(torso), 1e-6)
        results["keypoint"] = np.where(scores[..., None] > 0, moved, 0.0).astype(np.float32)
        return results


class RandomRot:
    """Turned about x, y and z by up to DEGREES."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def __call__(self, results: Sampled) -> Sampled:
        angles = np.radians(self.rng.uniform(-DEGREES, DEGREES, 3))
        matrix = np.eye(3)
        for axis, angle in enumerate(angles):
            turn = np.eye(3)
            i, j = (axis + 1) % 3, (axis + 2) % 3
            turn[[i, i, j, j], [i, j, i, j]] = (
                np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle),
            )  # fmt: skip
            matrix = turn @ matrix
        results["keypoint"] = results["keypoint"] @ matrix.T.astype(np.float32)
        return results


class FormatInput:
    """As many people as the network takes, with zeros for absent ones."""

    def __init__(self, people: int) -> None:
        self.people = people

    def __call__(self, results: Sampled) -> Sampled:
        points = results["keypoint"][: self.people]
        missing = self.people - len(points)
        if missing:
            points = np.concatenate([points, np.zeros((missing, *points.shape[1:]), np.float32)])
        results["keypoint"] = np.ascontiguousarray(points)
        return results


def annotations(store: Store) -> list[Sampled]:
    """All samples as pyskl keeps them: (M, T, V, C) arrays in memory."""
    found = []
    for number in range(len(store)):
        sample = store.sample(number)
        shape = (len(sample.people), len(sample.stamps_ns), store.keypoints.shape[1])
        points = np.zeros((*shape, 3), np.float32)
        scores = np.zeros(shape, np.float32)
        for place, person in enumerate(sample.people):
            rows = slice(person.first_frame, person.first_frame + len(person.scores))
            points[place, rows], scores[place, rows] = person.keypoints, person.scores
        found.append({"keypoint": points, "keypoint_score": scores, "label": 0})
    return found


def one_by_one(
    found: list[Sampled], transforms: list[Callable[[Sampled], Sampled]], batch_size: int
) -> Iterator[np.ndarray]:
    """Their way: each sample by itself, then a stack of them."""
    order = np.random.default_rng(0).permutation(len(found))
    for begin in range(0, len(found), batch_size):
        done = []
        for number in order[begin : begin + batch_size]:
            results = dict(found[number])
            for transform in transforms:
                results = transform(results)
            done.append(results["keypoint"])
        yield np.stack(done)


def rate(make: Callable[[], Iterator[np.ndarray]], seconds: float) -> float:
    """Windows a second of an endless repetition."""
    begin, count = time.perf_counter(), 0
    while True:
        for batch in make():
            count += len(batch)
            spent = time.perf_counter() - begin
            if spent > seconds:
                return count / spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loading", description=__doc__)
    parser.add_argument("--store", type=Path, default=None, help="a 3D store (default: invented)")
    parser.add_argument("--clips", type=int, default=2000, help="invented ones (%(default)s)")
    parser.add_argument("--steps", type=int, default=64, help="T (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--people", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=2.0, help="a round (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "store"
        if options.store is None:
            invent(path, options.clips)
        begin = time.perf_counter()
        store = open_store(path)
        opened_ms = (time.perf_counter() - begin) * 1e3
        layout = store.sheet.layout
        config = LoaderConfig(options.steps, options.batch, options.people)
        loader = BatchLoader(store, sample_clips(store), config, training=True)
        rng = np.random.default_rng(0)
        transforms = [
            CropAndResample(options.steps, rng), PreNormalize(layout), RandomRot(rng),
            FormatInput(options.people),
        ]  # fmt: skip
        found = annotations(store)
        sides = {
            "a batch at once": lambda: batches(loader, layout),
            "one clip at a time": lambda: one_by_one(found, transforms, options.batch),
        }
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, make in sides.items():
                rates[name].append(rate(make, options.seconds))
    print(
        f"{len(store)} clips, {options.people} x {options.steps} x {store.keypoints.shape[1]} x 3, "
        f"batches of {options.batch}; store opened in {opened_ms:.1f} ms"
    )
    for name, values in rates.items():
        low, high = min(values), max(values)
        print(f"{name:20s} {np.median(values):8.0f} windows/s ({low:.0f} to {high:.0f})")
    ours, theirs = (np.median(values) for values in rates.values())
    print(f"ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
