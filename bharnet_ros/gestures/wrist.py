"""What a wrist and a forearm can do: limits of hand turns against the arm."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.arm import two_bone
from bharnet_ros.gestures.description import PostureDescription
from bharnet_ros.gestures.rotations import (
    about,
    matrix_to_quaternion,
    multiply,
    shortest_arc,
    turn,
    unit,
)

Array = npt.NDArray[np.float64]

# Active ranges of motion, degrees (goniometry tables, rounded outward).
FLEXION_DEG = (-70.0, 75.0)
"""Extension to flexion."""
DEVIATION_DEG = (-38.0, 25.0)
"""To the little finger's side, to the thumb's side."""
TWIST_DEG = (-105.0, 110.0)
"""Palm down (pronated) to palm up (supinated), against the thumb up on a bent elbow; the
shoulder helps with the last twenty degrees."""
STRAIGHT = 0.93
"""An arm this straight (arm lengths) turns at the shoulder: its twist has no limit of its own."""
_UPPER_SHARE = 0.538


def posture_turn(palm: Array, fingers: Array) -> Array:
    """The hand's turn (4,) for a palm direction and a finger direction (right arm)."""
    up = unit(np.asarray(fingers, dtype=np.float64))
    normal = unit(palm - np.dot(palm, up) * up)
    return matrix_to_quaternion(np.stack([normal, np.cross(up, normal), up], axis=1))


def wrist_angles(turns: Array, forearm: Array) -> tuple[Array, Array]:
    """Hand turns (N, 4) against forearm directions (N, 3) -> flexion and deviation, radians."""
    local = turn(turns * [1, -1, -1, -1], forearm)
    flexion = np.arctan2(-local[..., 0], local[..., 2])
    return flexion, np.arcsin(np.clip(-local[..., 1], -1, 1))


def forearm_twist(turns: Array, elbow: Array, wrist: Array) -> Array:
    """Supination (+) and pronation (-) in radians; 0 is the thumb up on a bent elbow.

    turns (N, 4); elbow, wrist (N, 3) from the shoulder, right arm.
    """
    forearm = unit(wrist - elbow)
    thumb = turn(turns, np.broadcast_to(np.array([0.0, 1.0, 0.0]), forearm.shape))

    def across(v: Array) -> Array:
        return unit(v - np.einsum("...i,...i->...", v, forearm)[..., None] * forearm)

    neutral, thumb = across(-elbow), across(thumb)
    sine = np.einsum("...i,...i->...", np.cross(neutral, thumb), forearm)
    return np.asarray(np.arctan2(sine, np.einsum("...i,...i->...", neutral, thumb)))


def within_twist(turns: Array, elbow: Array, wrist: Array) -> Array:
    """Hand turns (N, 4) -> the same, rolled back about the forearm as far as it cannot twist.

    elbow, wrist (N, 3) from the shoulder, right arm, arm lengths.
    """
    twist = forearm_twist(turns, elbow, wrist)
    low, high = np.deg2rad(TWIST_DEG)
    back = np.clip(twist, low, high) - twist
    back = np.where(np.linalg.norm(wrist, axis=-1) > STRAIGHT, 0.0, back)
    return multiply(about(unit(wrist - elbow), back), turns)


def within_wrist_limits(turns: Array, forearm: Array) -> Array:
    """Hand turns (N, 4) -> the nearest turns a wrist on these forearms (N, 3) allows.

    The palm keeps its roll about the forearm as far as possible: the hand is swung by the
    shortest arc that brings flexion and deviation within their limits.
    """
    flexion, deviation = wrist_angles(turns, forearm)
    flexion = _soft_clip(flexion, FLEXION_DEG)
    deviation = _soft_clip(deviation, DEVIATION_DEG)
    allowed = np.stack(
        [
            -np.sin(flexion) * np.cos(deviation),
            -np.sin(deviation),
            np.cos(flexion) * np.cos(deviation),
        ],
        axis=-1,
    )
    swung = turn(turns, allowed)
    return multiply(shortest_arc(swung, forearm), turns)


def _soft_clip(angles: Array, limits_deg: tuple[float, float]) -> Array:
    """Clip (radians) that eases in over the last fifth of the range, so that motion has no kink."""
    low, high = np.deg2rad(limits_deg)
    bound = np.where(angles < 0, -low, high)
    x = np.abs(angles) / bound
    eased = np.where(x < 0.8, x, 0.8 + 0.2 * np.tanh((x - 0.8) / 0.2))
    return np.asarray(np.sign(angles) * eased * bound)


def strain(posture: PostureDescription) -> tuple[float, str]:
    """How far (degrees) an average arm is beyond its limits in this posture, and a sentence."""
    turns = posture_turn(np.array(posture.palm), np.array(posture.fingers))
    elbow, wrist = two_bone(
        np.zeros(3), np.array(posture.wrist), np.array(posture.elbow),
        _UPPER_SHARE, 1 - _UPPER_SHARE,
    )  # fmt: skip
    flexion, deviation = (float(np.rad2deg(a)) for a in wrist_angles(turns, unit(wrist - elbow)))
    twist = float(np.rad2deg(forearm_twist(turns, elbow, wrist)))
    worst = (0.0, "")
    for value, (low, high), words in (
        (flexion, FLEXION_DEG, "flexed"),
        (deviation, DEVIATION_DEG, "bent sideways"),
        (twist, TWIST_DEG, "twisted"),
    ):
        if words == "twisted" and np.linalg.norm(posture.wrist) > STRAIGHT:
            continue
        excess = max(low - value, value - high)
        if excess > worst[0]:
            # Rounded outward: -105.3 degrees are not "-105, its limit is -105".
            limit, told = (low, math.floor(value)) if value < low else (high, math.ceil(value))
            what = "forearm" if words == "twisted" else "wrist"
            worst = (
                excess,
                f"the {what} would be {words} by {told} degrees, its limit is {limit:.0f}",
            )
    return worst
