"""Films without pictures: a person's exact keypoints, made as unsure as an estimator's.

Drawing a frame and reading it takes fifty milliseconds, projecting its keypoints one. So the
experts see many more people and many more ways to make a gesture than could be filmed; the
filmed ones teach what an estimator does to them.
"""

from __future__ import annotations

import numpy as np

from bharnet_ros.gestures import Vocabulary
from bharnet_ros.simulation import Scene
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.config import DataConfig
from training.filming import build_scene, span_of
from training.plan import FilmPlan, frame_times
from training.sequences import KeypointSequence

LAYOUT = "coco_wholebody_133"
Times = np.ndarray[tuple[int], np.dtype[np.float64]]

# What was measured between truth and the mediapipe estimator on filmed people, lifted hands,
# wrist to wrist: root mean square per coordinate in palm lengths, joint by joint. Most of it
# is neither a constant offset nor a linear distortion of the hand (those explain under 10 %).
HAND_ERROR = np.array(
    [0.03, 0.08, 0.10, 0.12, 0.13, 0.09, 0.10, 0.11, 0.11, 0.06, 0.07, 0.08, 0.08,
     0.07, 0.08, 0.09, 0.09, 0.10, 0.12, 0.13, 0.13]
)  # fmt: skip
BODY_ERROR = 0.022  # in lengths from shoulder to the hip across
STEADY_SHARE = 0.5  # of the error's variance stays as long as the hand keeps its shape
MEMORY_S = 0.4
HAND_MISSES = 0.03  # share of the frames in which a hand is not found
MISS_S = 0.3
NO_SOURCE = (18, 21, *range(23, 91))  # small toes and face contour: no estimator in use has them


def project_film(
    plan: FilmPlan, data: DataConfig, vocabulary: Vocabulary, at_once: bool = False
) -> KeypointSequence:
    """The keypoint sequence of a plan, without drawing anything.

    at_once: work out all poses together, several times faster; equal but for rounding.
    """
    scene = build_scene(plan, data, vocabulary, drawn=False)
    times = frame_times(plan, data)
    keypoints, scores = unsure_keypoints(scene, times, plan.seed, at_once)
    return KeypointSequence(
        layout=LAYOUT,
        stamps_ns=np.rint(times * 1e9).astype(np.int64),
        keypoints=keypoints,
        scores=scores,
        truth=np.zeros((0, keypoints.shape[1], 2), np.float32),
        spans=tuple(span_of(s.segment) for s in scene.segments),
        info={
            "image_size": list(data.image_size), "actor": plan.actor, "seed": plan.seed,
            "yaw_deg": plan.yaw_deg, "speed": plan.speed, "fps": plan.fps,
        },
    )  # fmt: skip


def unsure_keypoints(
    scene: Scene, times: Times, seed: int, at_once: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Keypoints (F, 133, 2) px and scores (F, 133) of a scene's first person at (F,) seconds, as
    an estimator could have given them; both are 0 where it would have found nothing.

    seed: of the noise. at_once: see `project_film`.
    """
    actor, camera = scene.actors[0], scene.camera
    spec = get_layout(LAYOUT)
    world = scene.poses(actor, times) if at_once else np.stack(
        [scene.pose(actor, float(t)) for t in times]
    )  # fmt: skip
    pixels, _ = camera.project(world)
    truth = pixels.astype(np.float32)
    inside = camera.contains(pixels)
    rng = np.random.default_rng([seed, 23])

    torso = float(np.median(np.linalg.norm(truth[:, 5] - truth[:, 12], axis=-1)))
    sigma = np.zeros(spec.num_keypoints, np.float32)
    sigma[spec.body_indices] = BODY_ERROR * torso
    scores = np.where(inside, rng.uniform(0.9, 1.0, inside.shape), 0.0).astype(np.float32)
    for indices in (spec.left_hand_indices, spec.right_hand_indices):
        spans = np.linalg.norm(truth[:, indices[[5, 9, 17]]] - truth[:, indices[:1]], axis=-1)
        sigma[indices] = HAND_ERROR * float(np.median(spans.max(axis=1)))
        scores[np.ix_(_misses(times, rng), indices)] = 0.0
    keypoints = truth + _wander(times, spec.num_keypoints, rng) * sigma[None, :, None]
    scores[:, list(NO_SOURCE)] = 0.0
    return np.where(scores[..., None] > 0.0, keypoints, 0.0).astype(np.float32), scores


def _wander(
    times: Times, count: int, rng: np.random.Generator
) -> FloatArray:
    """(F, K, 2) noise of variance 1: a part that drifts slowly, a part new in every frame."""
    shape = (len(times), count, 2)
    slow = np.empty(shape, np.float32)
    slow[0] = rng.standard_normal(shape[1:], np.float32)
    for i, step in enumerate(np.diff(times)):
        kept = np.exp(-step / MEMORY_S)
        fresh = rng.standard_normal(shape[1:], np.float32)
        slow[i + 1] = kept * slow[i] + np.sqrt(1.0 - kept * kept) * fresh
    quick = rng.standard_normal(shape, np.float32)
    noise: FloatArray = (np.sqrt(STEADY_SHARE) * slow + np.sqrt(1.0 - STEADY_SHARE) * quick).astype(
        np.float32
    )
    return noise


def _misses(
    times: Times, rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(F,) frames in which a hand is not found: short stretches, together `HAND_MISSES`."""
    gone = np.zeros(len(times), bool)
    length_s = float(times[-1] - times[0])
    for _ in range(rng.poisson(HAND_MISSES * length_s / MISS_S)):
        begin = rng.uniform(times[0], times[-1])
        gone |= (times >= begin) & (times < begin + rng.exponential(MISS_S))
    return gone
