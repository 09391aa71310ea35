"""Ground truth of a scene without drawing it: a thousand frames in the time of a few pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.scene import LAYOUT, OCCLUDED_SCORE, Scene
from bharnet_ros.types import AnyFloat, Skeleton, SkeletonFrame

Array = npt.NDArray[np.float64]

# Parts of a body that hide what is behind them: keypoints at both ends (their mean, where there
# are several) and the radius in metres. Slimmer than the drawn clothes, so that what counts as
# hidden here is hidden in the picture, too.
_PARTS: tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...] = (
    ((3, 4), (0,), 0.10), ((5, 6), (3, 4), 0.06),
    ((5,), (11,), 0.09), ((6,), (12,), 0.09), ((5, 6), (11, 12), 0.12), ((11,), (12,), 0.10),
    ((5,), (7,), 0.05), ((7,), (9,), 0.04), ((6,), (8,), 0.05), ((8,), (10,), 0.04),
    ((11,), (13,), 0.08), ((13,), (15,), 0.055), ((12,), (14,), 0.08), ((14,), (16,), 0.055),
)  # fmt: skip
_BEHIND_M = 0.1
"""A person hides another one whose point lies at least this much further away."""


class _Seen(NamedTuple):
    """A person before the camera: (133, 2) pixels, (133,) metres away."""

    pixels: Array
    depth: Array


def true_frame(scene: Scene, t_s: float, stamp_ns: int | None = None) -> SkeletonFrame:
    """Who is where at t_s, as `Scene.frame` says it, but seen from its keypoints alone.

    A keypoint is hidden if it lies behind the trunk or a limb of a nearer person; what a person
    hides of themselves counts as visible. Boxes are those of the keypoints inside the image.
    """
    camera, actors = scene.camera, scene.present(t_s)
    projected = [camera.project(scene.pose(actor, t_s)) for actor in actors]
    people = [
        _Seen(np.asarray(pixels, np.float64), np.asarray(depth, np.float64))
        for pixels, depth in projected
    ]
    stamp = round(t_s * 1e9) if stamp_ns is None else int(stamp_ns)
    found = []
    for actor, person in zip(actors, people, strict=True):
        others = [each for each in people if each is not person]
        scores = np.where(_hidden(person, others, camera), OCCLUDED_SCORE, 1.0)
        inside = camera.contains(person.pixels) & (person.depth > 0.1)
        scores = np.where(inside, scores, 0.0).astype(np.float32)
        found.append(_skeleton(actor.actor_id, person.pixels, scores, camera))
    return SkeletonFrame(stamp, (camera.height, camera.width), LAYOUT, tuple(found))


def _hidden(person: _Seen, others: Sequence[_Seen], camera: Camera) -> npt.NDArray[np.bool_]:
    hidden = np.zeros(len(person.pixels), np.bool_)
    for other in others:
        for first, second, radius in _PARTS:
            a, b = other.pixels[list(first)].mean(axis=0), other.pixels[list(second)].mean(axis=0)
            za, zb = other.depth[list(first)].mean(), other.depth[list(second)].mean()
            along = b - a
            share = (person.pixels - a) @ along / max(float(along @ along), 1e-9)
            share = np.clip(share, 0.0, 1.0)
            gap = np.linalg.norm(person.pixels - a - share[:, None] * along, axis=1)
            depth = np.maximum(za + share * (zb - za), 0.1)
            nearer = (depth + _BEHIND_M < person.depth) & (za > 0.1) & (zb > 0.1)
            hidden |= nearer & (gap < radius * camera.focal_px / depth)
    return hidden


def _skeleton(track_id: int, pixels: AnyFloat, scores: AnyFloat, camera: Camera) -> Skeleton:
    box = np.zeros(4, np.float32)
    if (scores > 0.0).any():
        limit = np.array([camera.width, camera.height]) - 0.5
        low, high = (np.clip(f(axis=0), 0, limit) for f in (pixels.min, pixels.max))
        box = np.concatenate([low, high - low]).astype(np.float32)
    there = float((scores > 0.0).any())
    points = pixels.astype(np.float32)
    return Skeleton(track_id, box, there, points, scores.astype(np.float32))
