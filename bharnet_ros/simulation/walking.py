"""People who walk: where they are on the floor, which way they look, and what their legs do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import BodyShape
from bharnet_ros.gestures.arm import two_bone
from bharnet_ros.types import AnyFloat

Array = npt.NDArray[np.float64]
Waypoint = tuple[float, float, float]
"""Seconds, and x, y on the floor in metres."""

_RATE_HZ = 60.0
_EASE_S = 0.25
"""Nobody starts, stops or turns at once: places are averaged over so much before and after."""
_TURN_S = 0.2
_SLOW, _WALKING = 0.15, 0.5  # m/s: below, people face whom they look at; above, where they go
_STRIDE_M = 1.35
"""Two steps, at an ordinary pace; slower people take shorter ones."""
_PACE = 1.25
_STEP_M = 0.30
_LIFT_M = 0.10
_ARM_SWING_RAD = 0.38
_ARMS = ((5, (7, 9, *range(91, 112)), -1.0), (6, (8, 10, *range(112, 133)), 1.0))
_LEGS = ((11, 13, 15, slice(17, 20), -1.0), (12, 14, 16, slice(20, 23), 1.0))


class WalkPath:
    """A way over the floor through waypoints, walked with legs and arms that swing.

    waypoints: at least one, (seconds, x, y) in metres, with rising times; between them the pace
    is even, before and after them the person stands. look_at: x, y that a standing person faces
    (the camera is near the origin). Raises ConfigurationError for times that do not rise.
    """

    def __init__(
        self, waypoints: Sequence[Waypoint], look_at: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        points = np.asarray(waypoints, np.float64).reshape(-1, 3)
        if not len(points) or not np.isfinite(points).all() or (np.diff(points[:, 0]) <= 0).any():
            raise ConfigurationError(
                f"the waypoints {list(waypoints)} make no way; give (seconds, x, y) with times "
                "that rise"
            )
        margin = 2 * (_EASE_S + _TURN_S)
        self._begin = float(points[0, 0]) - margin
        count = int(np.ceil((points[-1, 0] + margin - self._begin) * _RATE_HZ)) + 1
        times = self._begin + np.arange(count) / _RATE_HZ
        straight = np.stack([np.interp(times, points[:, 0], points[:, k]) for k in (1, 2)], axis=1)
        self._places = _averaged(straight, _EASE_S)
        velocity = np.gradient(self._places, 1.0 / _RATE_HZ, axis=0)
        self._speed = np.linalg.norm(velocity, axis=1)
        self._way = np.cumsum(self._speed) / _RATE_HZ
        walking = np.clip((self._speed - _SLOW) / (_WALKING - _SLOW), 0.0, 1.0)[:, None]
        ahead = velocity / np.maximum(self._speed, 1e-6)[:, None]
        standing = np.asarray(look_at) - self._places
        standing /= np.maximum(np.linalg.norm(standing, axis=1), 1e-6)[:, None]
        self._facing = _averaged(walking * ahead + (1.0 - walking) * standing, _TURN_S)

    def at(self, t_s: float) -> tuple[Array, float, float, float]:
        """Place (2,) in metres, direction faced in radians, speed in m/s, metres walked so far."""
        x = float(np.clip((t_s - self._begin) * _RATE_HZ, 0.0, len(self._way) - 1))
        low = min(int(x), len(self._way) - 2)
        u = x - low

        def between(values: Array) -> Array:
            return np.asarray(values[low] * (1.0 - u) + values[low + 1] * u)

        facing = between(self._facing)
        return (
            between(self._places), float(np.arctan2(facing[1], facing[0])),
            float(between(self._speed)), float(between(self._way)),
        )  # fmt: skip

    def place(self, body: AnyFloat, shape: BodyShape, t_s: float) -> AnyFloat:
        """(133, 3) keypoints of somebody standing, in the body's frame -> walking, in the world."""
        place, angle, speed, way = self.at(t_s)
        walked = stride(body, shape, 2.0 * np.pi * way / _STRIDE_M, min(speed / _PACE, 1.3))
        c, s = np.cos(angle), np.sin(angle)
        world: AnyFloat = walked @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        world[:, :2] += place
        return world


def stride(body: AnyFloat, shape: BodyShape, phase: float, size: float) -> AnyFloat:
    """(133, 3) keypoints in the body's frame (x forward, z up, metres) with the legs apart and
    the arms swung at a phase of the gait. phase: radians, 2 pi is two steps; size: 1 = ordinary,
    0 leaves the body as it is. Bones keep their lengths."""
    moved = np.array(body, np.float64)
    reach = size * _STEP_M * shape.height / 1.75
    if reach < 1e-3:
        return moved
    leg = shape.thigh + shape.shank
    legs = np.arange(15, 23)
    upper = np.setdiff1d(np.arange(133), legs)
    moved[upper, 2] -= leg - np.sqrt(leg * leg - (reach * np.sin(phase)) ** 2)
    for hip, knee, ankle, foot, sign in _LEGS:
        forward = sign * reach * np.sin(phase)
        lift = max(0.0, sign * np.cos(phase)) * _LIFT_M * min(size, 1.0)
        step = np.array([forward, 0.0, lift])
        moved[[ankle]] += step
        moved[foot] += step
        moved[knee], reached = two_bone(
            moved[hip], moved[ankle], np.array([1.0, 0.0, 0.0]), shape.thigh, shape.shank
        )
        moved[foot] += reached - moved[ankle]
        moved[ankle] = reached
    for shoulder, arm, sign in _ARMS:
        swing = sign * _ARM_SWING_RAD * min(size, 1.2) * np.sin(phase)
        c, s = np.cos(swing), np.sin(swing)
        turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
        points = list(arm)
        # A turn about the shoulders' axis; a hand below goes forward for a negative angle.
        moved[points] = moved[shoulder] + (moved[points] - moved[shoulder]) @ turn.T
    return moved


def _averaged(values: Array, half_s: float) -> Array:
    """(N, 2) with every row the mean of those up to half_s before and after it."""
    half = max(round(half_s * _RATE_HZ), 1)
    padded = np.concatenate([values[:1].repeat(half, 0), values, values[-1:].repeat(half, 0)])
    total = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), padded]), axis=0)
    width = 2 * half + 1
    return np.asarray((total[width:] - total[:-width]) / width)
