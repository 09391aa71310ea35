"""Films of one drawn person each: what the estimator saw, frame by frame, and the exact truth."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.drawn_views import cast, pair
from bharnet_ros.evaluation import Episode
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.simulation import Camera
from bharnet_ros.types import SkeletonFrame

RATE_HZ = 30.0
DISTANCES_M = (2.0, 4.0)


@dataclass(frozen=True, eq=False)
class Film:
    """One person. frames: as estimated, track id 0, F of them. truth: (F, 133, 2) px, NaN where
    not in plain view. gestures: what the person did."""

    frames: tuple[SkeletonFrame, ...]
    truth: npt.NDArray[np.float64]
    gestures: tuple[Episode, ...] = ()


def make_films(first_seed: int, count: int, duration_s: float, processes: int) -> list[Film]:
    """Films of consecutive seeds, several at a time."""
    seeds = range(first_seed, first_seed + count)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return list(pool.map(make_film, seeds, repeat(duration_s)))


def make_film(seed: int, duration_s: float) -> Film:
    """Draw and estimate, on one thread."""
    cv2.setNumThreads(1)
    distance_m = float(np.random.default_rng(seed).uniform(*DISTANCES_M))
    scene = cast(seed, 1, distance_m, duration_s, Camera())
    estimator = create_pose_estimator("mediapipe", num_threads=1)
    frames, truth = [], []
    for shown in scene.frames(RATE_HZ):
        found = estimator.estimate(shown.image, shown.skeletons.stamp_ns)
        real = shown.skeletons.skeletons
        mine = pair(real, found.skeletons, found.layout)[0]
        people = () if mine is None else (replace(mine, track_id=0),)
        frames.append(replace(found, skeletons=people))
        points = real[0].keypoints.astype(np.float64)
        points[real[0].scores < 0.9] = np.nan
        truth.append(points)
    estimator.close()
    played = (each.segment for each in scene.segments)
    gestures = tuple(
        Episode(0, s.class_name, round(s.start_s * 1e9), round(s.end_s * 1e9)) for s in played
    )
    return Film(tuple(frames), np.stack(truth), gestures)
