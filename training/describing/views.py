"""Cameras that look at kinematic people: metres of the body's frame -> pixels of a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import FloatArray

FOCAL_PX = 900.0
_NEAREST_M = 0.25


@dataclass(frozen=True)
class ViewConfig:
    """Where cameras stand.

    yaw_deg: how far people turn away from the camera: most within the first number, some up to
    the second. height_m, distance_m: of the camera. roll_deg: how crooked it hangs. pitch_deg:
    how far it looks past the person's chest.
    """

    yaw_deg: tuple[float, float] = (30.0, 50.0)
    far_yaw_share: float = 0.25
    height_m: tuple[float, float] = (0.4, 2.0)
    distance_m: tuple[float, float] = (0.9, 5.0)
    roll_deg: float = 4.0
    pitch_deg: float = 12.0


def look(points: FloatArray, rng: np.random.Generator, config: ViewConfig) -> FloatArray:
    """(N, T, K, 3) metres -> (N, T, K, 2) pixels, each window seen by a camera of its own.

    The picture's centre is (0, 0), y points down; features do not care where in the picture a
    person stands.
    """
    n = len(points)
    wide = rng.random(n) < config.far_yaw_share
    yaw = np.radians(
        np.where(wide, rng.uniform(*config.yaw_deg, n), rng.uniform(0, config.yaw_deg[0], n))
    ) * rng.choice([-1.0, 1.0], n)
    near, far = config.distance_m
    distance = np.exp(rng.uniform(math.log(near), math.log(far), n))
    height = rng.uniform(*config.height_m, n)
    # Close cameras look straight at the person, or they would see feet or ceiling.
    aim = np.clip(1.25 + rng.normal(0, 0.12, n), 0.9, 1.6)
    height = np.where(distance < 1.5, aim + (height - aim) * 0.35, height)
    pitch = np.arctan2(height - aim, distance)
    pitch += np.radians(rng.uniform(-config.pitch_deg, config.pitch_deg, n)) * 0.5
    roll = np.radians(rng.normal(0, config.roll_deg / 2, n))
    side = rng.normal(0, 0.12, n) * distance

    rotation = _camera_turn(yaw, pitch, roll)  # (N, 3, 3) body -> camera (right, down, forward)
    centre = np.stack([np.zeros(n), np.zeros(n), height], axis=1)
    place = np.stack([side, np.zeros(n), distance], axis=1)  # of the body's origin, level camera
    level = np.stack([place[:, 0], centre[:, 2], place[:, 2]], axis=1)
    shift = np.einsum("nij,nj->ni", _tilt(pitch, roll), level)
    flat = points.reshape(n, -1, 3)
    local = flat @ rotation.swapaxes(1, 2).astype(np.float32) + shift[:, None].astype(np.float32)
    depth = np.maximum(local[..., 2:], np.float32(_NEAREST_M))
    pixels: FloatArray = (local[..., :2] * (np.float32(FOCAL_PX) / depth)).reshape(
        *points.shape[:-1], 2
    )
    return pixels


Turns = npt.NDArray[np.float64]


def _camera_turn(yaw: Turns, pitch: Turns, roll: Turns) -> Turns:
    """(N, 3, 3): a person who faces the camera after a turn by `yaw`, in a tilted camera."""
    n = len(yaw)
    c, s = np.cos(yaw), np.sin(yaw)
    facing = np.zeros((n, 3, 3))
    # The body's x comes towards the camera, its left is the picture's right, up is -down.
    facing[:, 0] = np.stack([-s, c, np.zeros(n)], axis=1)
    facing[:, 1] = np.stack([np.zeros(n), np.zeros(n), -np.ones(n)], axis=1)
    facing[:, 2] = np.stack([-c, -s, np.zeros(n)], axis=1)
    return _tilt(pitch, roll) @ facing


def _tilt(pitch: Turns, roll: Turns) -> Turns:
    """(N, 3, 3): level camera axes -> those of a camera looking down by pitch, turned by roll."""
    n = len(pitch)
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    zero, one = np.zeros(n), np.ones(n)
    down = np.stack([one, zero, zero, zero, cp, -sp, zero, sp, cp], axis=1).reshape(n, 3, 3)
    turned = np.stack([cr, -sr, zero, sr, cr, zero, zero, zero, one], axis=1).reshape(n, 3, 3)
    return np.asarray(turned @ down)
