"""Finger states of a description -> joint angles, with human couplings and contacts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.description import HandDescription
from bharnet_ros.gestures.hand import (
    ANGLES_PER_HAND,
    FINGERS,
    LIMIT_HIGH,
    LIMIT_LOW,
    SPREAD,
    THUMB,
    HandShape,
    hand_points,
)

Array = npt.NDArray[np.float64]

# Degrees: (mean MCP, PIP, DIP), (spread between people and times of each).
FINGER_STATES = {
    "extended": ((4.0, 6.0, 4.0), (6.0, 5.0, 3.0)),
    "half": ((38.0, 45.0, 26.0), (8.0, 8.0, 5.0)),
    "curled": ((74.0, 98.0, 56.0), (7.0, 6.0, 7.0)),
    "hooked": ((8.0, 92.0, 55.0), (6.0, 7.0, 6.0)),
    "relaxed": ((24.0, 34.0, 20.0), (9.0, 9.0, 5.0)),
    "slight": ((14.0, 20.0, 12.0), (7.0, 7.0, 4.0)),
    "bent": ((60.0, 82.0, 42.0), (9.0, 9.0, 8.0)),
}
# Degrees: radial abduction, palmar abduction, pronation, MCP flexion, IP flexion.
THUMB_STATES = {
    "out": ((44.0, 22.0, 30.0, 4.0, 2.0), (7.0, 6.0, 6.0, 5.0, 6.0)),
    "up": ((68.0, 8.0, 15.0, -2.0, -8.0), (5.0, 5.0, 6.0, 4.0, 7.0)),
    "alongside": ((16.0, 14.0, 40.0, 8.0, 6.0), (5.0, 5.0, 6.0, 5.0, 6.0)),
    "folded": ((22.0, 40.0, 22.0, 38.0, 46.0), (4.0, 4.0, 5.0, 6.0, 8.0)),
    "relaxed": ((28.0, 28.0, 40.0, 12.0, 16.0), (6.0, 6.0, 6.0, 6.0, 7.0)),
    "slanting": ((54.0, 16.0, 22.0, 2.0, 4.0), (7.0, 6.0, 6.0, 5.0, 9.0)),
    "beside": ((6.0, 12.0, 40.0, 14.0, 20.0), (5.0, 5.0, 7.0, 7.0, 12.0)),
    "across": ((24.0, 34.0, 8.0, 42.0, 26.0), (5.0, 5.0, 6.0, 7.0, 12.0)),
    "tucked": ((12.0, 24.0, 25.0, 34.0, 52.0), (5.0, 5.0, 7.0, 8.0, 12.0)),
}
# A relaxed hand curls more towards the little finger.
_RELAXED_GAIN = np.array([0.75, 0.95, 1.1, 1.2])
_FAN = np.array([1.0, 0.15, -0.55, -1.0])
_TIP = {"thumb": 4, "index": 8, "middle": 12, "ring": 16, "pinky": 20}
_LEAN_DEG = (15.0, 22.0)
_CLOSE_ENOUGH = 0.003
_PAIR = 2
CONTACT = 0.06
"""Tips that touch end this far apart, palm lengths: two pads' flesh between the joints."""
TIP_WIDTH = 0.16
"""Of a finger, palm lengths: several that meet the thumb lie side by side."""


def sample_angles(hand: HandDescription, shape: HandShape, rng: np.random.Generator) -> Array:
    """One way of holding the hand as described -> (21,) joint angles in radians, in limits."""
    angles = np.zeros(ANGLES_PER_HAND)
    common = rng.standard_normal(3)
    for k in range(4):
        mean, spread = FINGER_STATES[hand.fingers[k]]
        gain = _RELAXED_GAIN[k] if hand.fingers[k] == "relaxed" else 1.0
        noise = 0.7 * common + 0.5 * rng.standard_normal(3)
        flexion = np.array(mean) * gain + np.array(spread) * noise.clip(-1.8, 1.8)
        angles[4 * k : 4 * k + 3] = flexion
    low, high = hand.spread_deg
    angles[3:16:4] = _FAN * rng.uniform(low, high) + rng.normal(0, 1.0, 4)
    centre, deviation = THUMB_STATES[hand.thumb]
    angles[THUMB:] = np.array(centre) + np.array(deviation) * rng.standard_normal(5).clip(-1.8, 1.8)
    if len(hand.touch) == _PAIR:
        # The finger leans to the thumb, so that the two make a ring the palm's viewer sees.
        lean = 4 * FINGERS.index(hand.touch[1]) + SPREAD
        angles[lean] = rng.uniform(*_LEAN_DEG)
    angles = np.clip(np.deg2rad(angles), LIMIT_LOW, LIMIT_HIGH)
    if hand.touch:
        angles = bring_together(angles, shape, hand.touch)
    return angles


def bring_together(angles: Array, shape: HandShape, touch: tuple[str, ...]) -> Array:
    """Bend thumb and fingers so that their tips meet, staying near the given angles.

    touch: the thumb, then one finger or several; several tips lie side by side around the thumb's.
    Newton's steps of least movement on the distances of the tips; (21,) -> (21,), within limits.
    """
    free: list[int] = []
    for name in touch:
        if name == "thumb":
            free += [16, 17, 18, 19, 20]
        else:
            k = 4 * FINGERS.index(name)
            free += [k, k + 1, k + 2, k + 3]
    thumb, *tips = (_TIP[name] for name in touch)
    wanted = tip_distances(touch[1:])
    index = np.array(free)
    now = angles.copy()
    step = 1e-4
    for _ in range(30 * len(tips)):
        probes = np.repeat(now[None], len(index) + 1, axis=0)
        probes[np.arange(len(index)) + 1, index] += step
        points = hand_points(probes, shape)
        distance = np.linalg.norm(points[:, [thumb]] - points[:, tips], axis=-1)  # (1 + J, tips)
        miss = distance[0] - wanted
        if (np.abs(miss) < _CLOSE_ENOUGH).all():
            break
        slope = (distance[1:] - distance[0]) / step
        # A joint at its limit that would have to go further leaves the work to the others.
        further = (slope * miss).sum(axis=1)
        stuck = np.where(further > 0, now[index] <= LIMIT_LOW[index] + 1e-9,
                         now[index] >= LIMIT_HIGH[index] - 1e-9)  # fmt: skip
        slope[stuck] = 0.0
        move = _least_movement(slope, miss)
        now[index] = np.clip(now[index] + move.clip(-0.3, 0.3), LIMIT_LOW[index], LIMIT_HIGH[index])
    return np.asarray(now)


def tip_distances(fingers: Sequence[str]) -> Array:
    """How far from the thumb's tip each of these tips is when all meet it, palm lengths."""
    places = np.array([FINGERS.index(name) for name in fingers], float)
    return np.asarray(np.hypot(CONTACT, TIP_WIDTH * (places - places.mean())))


def _least_movement(slope: Array, miss: Array) -> Array:
    """(J,) the smallest step that takes the misses (M,) away, given their slopes (J, M)."""
    if len(miss) == 1:
        only = slope[:, 0]
        return np.asarray(-only * miss[0] / max(float(only @ only), 1e-6))
    square = slope.T @ slope + 1e-4 * np.eye(len(miss))
    return np.asarray(-slope @ np.linalg.solve(square, miss))
