"""A described posture and hand -> one arm of one person, varied as the description allows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.arm import two_bone
from bharnet_ros.gestures.body import BodyShape
from bharnet_ros.gestures.description import HandDescription, PostureDescription
from bharnet_ros.gestures.fingers import sample_angles
from bharnet_ros.gestures.motion import ArmTrack
from bharnet_ros.gestures.rotations import about, multiply, turn, unit
from bharnet_ros.gestures.wrist import (
    DEVIATION_DEG,
    FLEXION_DEG,
    STRAIGHT,
    TWIST_DEG,
    forearm_twist,
    posture_turn,
    within_twist,
    within_wrist_limits,
    wrist_angles,
)

Array = npt.NDArray[np.float64]

DRAWS = 7
"""Numbers in -1..1 that vary a posture: position, hand turn, elbow swivel."""
_SWIVEL_DEG = 14.0
_SWINGS = 17
# Half a hand's thickness and some air: how near the midline a hand comes that does not cross it.
_MIDLINE_M = 0.022
_CROSSING_M = 0.030


def posed(
    posture: PostureDescription,
    hand: HandDescription,
    shape: BodyShape,
    draws: Array,
    hand_rng: np.random.Generator,
    in_front: float = 0.0,
) -> ArmTrack:
    """One way of taking a posture, as a track of one sample.

    draws: (7,) numbers in -1..1. in_front: for two hands, +1 for the arm that passes in front
    where arms cross and -1 for the other; 0 for one hand alone.
    """
    wrist = np.array(posture.wrist) + posture.vary_position * draws[:3] * [0.6, 1.0, 1.0]
    if in_front:
        # Where the midline is, measured inward from the shoulder.
        middle = shape.shoulder_half / shape.arm
        if posture.wrist[1] > middle + 0.05:
            wrist[0] += in_front * _CROSSING_M / shape.arm
        else:
            wrist[1] = min(wrist[1], middle - _MIDLINE_M / shape.arm)
    turned = posture_turn(np.array(posture.palm), np.array(posture.fingers))
    yaw, pitch, roll = np.deg2rad(posture.vary_turn_deg) * draws[3:6]
    for axis, angle in zip(np.eye(3), (roll, pitch, yaw), strict=True):
        turned = multiply(about(axis, angle), turned)
    pole = turn(about(unit(wrist), np.deg2rad(_SWIVEL_DEG) * draws[6]), np.array(posture.elbow))
    if posture.vary_elbow_deg:
        pole = eased(posture, wrist, turned, float(draws[6]), shape)
    angles = sample_angles(hand, shape.hand, hand_rng)
    elbow = elbow_of(wrist, pole, shape)
    if posture.vary_elbow_deg:
        turned = within_twist(turned[None], elbow[None], wrist[None])[0]
    turned = within_wrist_limits(turned[None], unit(wrist - elbow)[None])
    return ArmTrack(wrist[None], pole[None], turned, angles[None])


def eased(
    posture: PostureDescription, wrist: Array, turned: Array, draw: float, shape: BodyShape
) -> Array:
    """(3,) the pole, swung within the posture's tolerance to where the hand's turn (4,) strains
    wrist and forearm least and the elbow stays out of the trunk. draw: -1..1, where the elbow
    would like to be."""
    swings = np.deg2rad(posture.vary_elbow_deg) * np.linspace(-1, 1, _SWINGS)
    axis = unit(wrist)
    poles = turn(about(np.broadcast_to(axis, (_SWINGS, 3)), swings), np.array(posture.elbow))
    wrists = np.broadcast_to(wrist, poles.shape)
    elbows = elbow_of(wrists, poles, shape)
    turns = np.broadcast_to(turned, (_SWINGS, 4))
    flexion, deviation = wrist_angles(turns, unit(wrists - elbows))
    twist = forearm_twist(turns, elbows, wrists) * float(np.linalg.norm(wrist) < STRAIGHT)
    cost = 0.15 * np.square(swings - np.deg2rad(_SWIVEL_DEG) * draw)
    for angles, limits in ((flexion, FLEXION_DEG), (deviation, DEVIATION_DEG), (twist, TWIST_DEG)):
        low, high = np.deg2rad(limits) * 0.85
        cost += np.square(np.maximum(low - angles, 0) + np.maximum(angles - high, 0))
    # An upper arm cannot hang inside the trunk.
    inside = np.linalg.norm(outside_torso(elbows, shape) - elbows, axis=1)
    cost += np.square(6.0 * inside)
    return np.asarray(poles[int(np.argmin(cost))])


def elbow_of(wrist: Array, pole: Array, shape: BodyShape) -> Array:
    """(..., 3) wrists and poles -> (..., 3) elbows from the shoulder, in arm lengths."""
    middle, _ = two_bone(
        np.zeros(3), wrist, pole, shape.upper_arm / shape.arm, shape.forearm / shape.arm
    )
    return middle


def outside_torso(wrist: Array, shape: BodyShape) -> Array:
    """(N, 3) wrists (arm lengths from the shoulder) -> the same, kept out of the trunk.

    The trunk is an upright elliptic cylinder below the shoulders; the push is smooth in the
    wrist's place, so that a path along the body has no kink.
    """
    out = wrist * shape.arm
    out[:, 1] -= shape.shoulder_half
    radii = np.array([0.068 * shape.height, 0.92 * shape.shoulder_half])
    distance = np.maximum(np.linalg.norm(out[:, :2] / radii, axis=1), 1e-3)
    pushed = (distance**8 + 1.0) ** 0.125 / distance
    below = 1 / (1 + np.exp(np.clip((out[:, 2] - 0.02) / 0.03, -50, 50)))
    out[:, :2] *= (1 + below * (pushed - 1))[:, None]
    out[:, 1] += shape.shoulder_half
    return np.asarray(out / shape.arm)
