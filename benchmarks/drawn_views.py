"""Drawn people before a stated camera, and who of them an estimator found.

The truth of every scene is exact; a scene is the same for the same seed on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bharnet_ros.assignment import assign
from bharnet_ros.oks import oks, variances
from bharnet_ros.simulation import Camera, Scene, SceneOptions, ScriptedActor
from bharnet_ros.simulation.repertoire import load_repertoire
from bharnet_ros.types import AnyFloat, Skeleton

FIELD_OF_VIEW_DEG = 60.0
"""Horizontal; that of most webcams and of the colour cameras of depth sensors (55 to 70)."""
MIN_OKS = 0.1
"""Who is less alike than this is somebody else, or nobody."""
ROOM_M = 1.05
"""A gesturing person's share of the image's width."""


def camera(width: int, height: int, field_of_view_deg: float = FIELD_OF_VIEW_DEG) -> Camera:
    """At 1.25 m, looking ahead. field_of_view_deg: horizontal."""
    focal_px = 0.5 * width / math.tan(math.radians(field_of_view_deg) / 2.0)
    return Camera(width, height, focal_px, (0.0, 0.0, 1.25), (2.0, 0.0, 1.15))


def nearest_m(people: int, view: Camera) -> float:
    """From where on so many people fit side by side."""
    return ROOM_M * people * view.focal_px / view.width


def cast(
    seed: int, people: int, distance_m: float, duration_s: float, view: Camera
) -> Scene:
    """People who gesture one after another, distance_m from the camera (give or take 5 %).

    Everybody plays gestures of the default bundle, turned away by up to 25 degrees, before one
    of the simulation's backgrounds, with its light, blur and noise.
    """
    options = SceneOptions(
        distance_range_m=(0.95 * distance_m, 1.05 * distance_m),
        camera=view,
        jitter_camera=False,
        vocabulary=load_repertoire(),
        deal=True,
        gap_s=(0.5, 1.2),
    )
    return Scene.random(seed, people, duration_s, options)


def pair(truth: Sequence[Skeleton], seen: Sequence[Skeleton], layout: str) -> list[Skeleton | None]:
    """For each true person who was found: one to one, by object keypoint similarity.

    Of the true person's visible body points those that were not found count as far away.
    """
    if not truth or not seen:
        return [None] * len(truth)
    body = slice(0, 17)
    real = np.stack([person.keypoints[body] for person in truth]).astype(np.float64)
    there = np.stack([person.scores[body] for person in truth]) > 0.9
    found = np.stack([person.keypoints[body] for person in seen]).astype(np.float64)
    usable = np.stack([person.scores[body] for person in seen]) > 0.0
    gaps = np.linalg.norm(real[:, None] - found[None], axis=-1)
    gaps = np.where(usable[None], gaps, 1e6)
    spread = variances(layout, np.stack([person.bbox for person in truth]))[:, body]
    common = np.broadcast_to(there[:, None], gaps.shape)
    alike = oks(gaps, spread[:, None], common)
    result: list[Skeleton | None] = [None] * len(truth)
    for row, column in assign(alike, MIN_OKS):
        result[row] = seen[column]
    return result


def height_px(scene: Scene, actor: ScriptedActor, pose: AnyFloat) -> float:
    """How many pixels a person is tall, standing straight, at their distance from the camera.

    pose: (133, 3) of the actor in the world.
    """
    depth_m = float(scene.camera.to_camera(pose[[11, 12]])[:, 2].mean())
    return actor.performance.shape.height * scene.camera.focal_px / max(depth_m, 0.1)


def palm_px(scene: Scene, pose: AnyFloat, first: int) -> float:
    """Pixels from wrist to middle knuckle at the hand's distance, were it parallel to the image.

    pose: (133, 3) in the world. first: index of the hand's wrist, 91 or 112.
    """
    hand = scene.camera.to_camera(pose[first : first + 21])
    length_m = float(np.linalg.norm(hand[9] - hand[0]))
    return length_m * scene.camera.focal_px / max(float(hand[:, 2].mean()), 0.1)
