"""Encounters as a tracker sees them: drawn and read by the real estimator, or projected.

Projected people err as the estimator was measured to (`training/describing/observing.py`), and
are lost and found as it does when somebody hides them; the numbers for that stand here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.metrics.tracking import IdFrame
from bharnet_ros.oks import oks, variances
from bharnet_ros.pose.mediapipe.skeletons import bounding_box
from bharnet_ros.simulation.encounters import ENCOUNTERS, encounter
from bharnet_ros.simulation.undrawn import true_frame
from bharnet_ros.types import FloatArray, Skeleton, SkeletonFrame
from training.describing.observing import (
    BODY_BIAS,
    BODY_MEMORY_S,
    BODY_STEADY_SHARE,
    BODY_WANDER,
)

BODY = 17
LAYOUT = "coco_wholebody_133"
FOUND_SHARE = 0.5
"""People of whom less of the body is in plain view need not be found."""
LOSE_SHARE, FIND_SHARE = 0.35, 0.6
"""Of the body's keypoints in view: below the one the estimator loses a person, above the other it
may take them up."""
LOOK_S = 1.0
"""A round of its detector over the whole image takes this long."""
MISS_RATE_HZ, MISS_S = 0.1, 0.15
"""Losses without any reason, a second and person, and how long they last."""


@dataclass(frozen=True, eq=False)
class Sight:
    """One frame: what the estimator found (ids -1), and the truth (ids of people)."""

    found: SkeletonFrame
    truth: SkeletonFrame


@dataclass(frozen=True, eq=False)
class Take:
    """One encounter, frame by frame."""

    kind: str
    seed: int
    fps: float
    sights: tuple[Sight, ...]


def projected(kind: str, seed: int, fps: float) -> Take:
    """Without pictures."""
    scene = encounter(kind, seed, drawn=False)
    rng = np.random.default_rng([seed, ENCOUNTERS.index(kind), 31])
    observer = _Observer(rng)
    sights = []
    for t_s in np.arange(0.0, scene.duration_s, 1.0 / fps):
        truth = true_frame(scene, float(t_s))
        sights.append(Sight(observer.look(truth, float(t_s)), truth))
    return Take(kind, seed, fps, tuple(sights))


class _Observer:
    """An estimator's errors and losses, person by person."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._wander: dict[int, npt.NDArray[np.float64]] = {}
        self._bias: dict[int, npt.NDArray[np.float64]] = {}
        self._found: dict[int, bool] = {}
        self._until: dict[int, float] = {}
        self._next_look: dict[int, float] = {}
        self._last_s = 0.0

    def look(self, truth: SkeletonFrame, t_s: float) -> SkeletonFrame:
        elapsed, self._last_s = t_s - self._last_s, t_s
        people = []
        for person in truth.skeletons:
            share = visible_share(person)
            if self._is_found(person.track_id, share, t_s, elapsed):
                people.append(self._erring(person, elapsed, truth.image_size))
        order = self._rng.permutation(len(people))
        return replace(truth, skeletons=tuple(people[i] for i in order))

    def _is_found(self, who: int, share: float, t_s: float, elapsed: float) -> bool:
        rng = self._rng
        if who not in self._found:
            self._found[who], self._next_look[who] = share >= FIND_SHARE, t_s
        if self._found[who] and share < LOSE_SHARE:
            self._found[who] = False
            self._next_look[who] = t_s + rng.uniform(0.0, LOOK_S)
        elif not self._found[who] and t_s >= self._next_look[who]:
            self._found[who] = share >= FIND_SHARE
            self._next_look[who] += LOOK_S
        if rng.random() < MISS_RATE_HZ * elapsed:
            self._until[who] = t_s + rng.exponential(MISS_S)
        return self._found[who] and t_s >= self._until.get(who, 0.0)

    def _erring(self, person: Skeleton, elapsed: float, size: tuple[int, int]) -> Skeleton:
        rng, who = self._rng, person.track_id
        fresh = rng.standard_normal((BODY, 2))
        if who not in self._wander:
            self._bias[who] = BODY_BIAS[:, None] * rng.standard_normal((BODY, 2))
            self._wander[who] = fresh
        kept = np.exp(-elapsed / BODY_MEMORY_S)
        self._wander[who] = kept * self._wander[who] + np.sqrt(1 - kept**2) * fresh
        noise = np.sqrt(BODY_STEADY_SHARE) * self._wander[who]
        noise = noise + np.sqrt(1 - BODY_STEADY_SHARE) * rng.standard_normal((BODY, 2))
        points = person.keypoints[:BODY].astype(np.float64)
        torso = float(np.linalg.norm(points[[5, 6]] - points[[12, 11]], axis=1).mean())
        hidden = person.scores[:BODY] < 1.0
        # What is hidden is guessed from the rest of the body, several times worse.
        worse = np.where(hidden, 4.0, 1.0)[:, None]
        error = (self._bias[who] + BODY_WANDER[:, None] * noise) * worse * torso
        keypoints, scores = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
        keypoints[:BODY] = points + error
        sure = rng.uniform(0.75, 1.0, BODY)
        unsure = rng.uniform(0.05, 0.5, BODY)
        scores[:BODY] = np.where(hidden, unsure, sure) * (person.scores[:BODY] > 0.0)
        keypoints[scores <= 0.0] = 0.0
        return Skeleton(-1, bounding_box(keypoints, scores, *size), 0.9, keypoints, scores)


def visible_share(person: Skeleton) -> float:
    """Of the body's keypoints, how many are in plain view."""
    return float((person.scores[:BODY] >= 1.0).mean())


def drawn(kind: str, seed: int, fps: float, cache: Path) -> Take:
    """Drawn and read by the estimator of the robot; kept in `cache`, because that takes time."""
    from training.measuring.extraction import estimator_digest

    facts = {"kind": kind, "seed": seed, "fps": fps, "estimator": estimator_digest(), "version": 1}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    path = cache / f"{kind}_{seed}_{digest}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **_packed(list(_read(kind, seed, fps))))
        part.replace(path)
    with np.load(path, allow_pickle=False) as data:
        found, truth = (_unpacked(data, name) for name in ("found", "truth"))
    sights = tuple(Sight(a, b) for a, b in zip(found, truth, strict=True))
    return Take(kind, seed, fps, sights)


def _read(kind: str, seed: int, fps: float) -> Iterator[Sight]:
    import cv2

    from bharnet_ros.pose import create_pose_estimator

    cv2.setNumThreads(1)
    scene = encounter(kind, seed)
    estimator = create_pose_estimator("mediapipe", num_threads=1, max_people=6)
    for frame in scene.frames(fps):
        # What people hide of themselves is no excuse for losing them: truth as for projected ones.
        stamp = frame.skeletons.stamp_ns
        yield Sight(estimator.estimate(frame.image, stamp), true_frame(scene, frame.t_s, stamp))
    estimator.close()


def _packed(sights: Sequence[Sight]) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for name in ("found", "truth"):
        frames = [getattr(sight, name) for sight in sights]
        people = [person for frame in frames for person in frame.skeletons]
        arrays |= {
            f"{name}_stamps": np.array([f.stamp_ns for f in frames], np.int64),
            f"{name}_counts": np.array([len(f.skeletons) for f in frames], np.int64),
            f"{name}_size": np.array(frames[0].image_size, np.int64),
            f"{name}_ids": np.array([p.track_id for p in people], np.int64),
            f"{name}_boxes": np.array([p.bbox for p in people], np.float32).reshape(-1, 4),
            f"{name}_belief": np.array([p.bbox_score for p in people], np.float32),
            f"{name}_points": np.array(
                [p.keypoints for p in people], np.float32
            ).reshape(-1, 133, 2),
            f"{name}_scores": np.array([p.scores for p in people], np.float32).reshape(-1, 133),
        }  # fmt: skip
    return arrays


def _unpacked(data: Any, name: str) -> list[SkeletonFrame]:
    height, width = (int(v) for v in data[f"{name}_size"])
    parts = [data[f"{name}_{part}"] for part in ("ids", "boxes", "belief", "points", "scores")]
    people = [
        Skeleton(int(i), box, float(belief), points, scores)
        for i, box, belief, points, scores in zip(*parts, strict=True)
    ]
    ends = np.cumsum(data[f"{name}_counts"])
    return [
        SkeletonFrame(int(stamp), (height, width), LAYOUT, tuple(people[end - count : end]))
        for stamp, end, count in zip(
            data[f"{name}_stamps"], ends, data[f"{name}_counts"], strict=True
        )
    ]


def id_frame(found: SkeletonFrame, truth: SkeletonFrame) -> IdFrame:
    """A tracked frame beside the truth: OKS of the keypoints that can be seen."""
    people, tracks = truth.skeletons, found.skeletons
    likeness = np.zeros((len(people), len(tracks)))
    for i, person in enumerate(people):
        seen = person.scores[:BODY] >= 1.0
        if not seen.any():
            seen = person.scores[:BODY] > 0.0
        for j, track in enumerate(tracks):
            gaps = np.linalg.norm(track.keypoints[:BODY] - person.keypoints[:BODY], axis=1)
            variance: FloatArray = variances(LAYOUT, person.bbox[None])[0].astype(np.float32)
            common = seen & (track.scores[:BODY] > 0.0)
            likeness[i, j] = float(oks(gaps, variance, common))
    counted = np.array([visible_share(person) >= FOUND_SHARE for person in people], np.bool_)
    return IdFrame(
        [p.track_id for p in people], [t.track_id for t in tracks], likeness, counted
    )  # fmt: skip
