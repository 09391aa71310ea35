"""A posture as a flat vector of channels, and the whole body it stands for.

The channels are what is planned and interpolated; `whole_body` turns them into the 133
keypoints. Bones keep their lengths whatever the channels hold, because every joint is placed
by a rotation or by two-bone inverse kinematics.

An arm's channels are written for the right arm (y towards the midline); the left arm is its
mirror image. Wrist positions are relative to the shoulder in arm lengths, in the torso's frame.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.arm import two_bone
from bharnet_ros.gestures.body import BodyShape
from bharnet_ros.gestures.face import HEAD_AND_FACE, PIVOT
from bharnet_ros.gestures.hand import ANGLES_PER_HAND, hand_points
from bharnet_ros.gestures.rotations import euler, quaternion_to_matrix

Array = npt.NDArray[np.float64]

SWAY = slice(0, 2)
"""Pelvis off its place, metres forward and left."""
PELVIS_YAW = 2
TORSO = slice(3, 6)
"""Torso against the pelvis: yaw, pitch (forward), roll, radians."""
HEAD = slice(6, 9)
"""Head against the torso: yaw, pitch (down), roll, radians."""
SHRUG = 9
"""Both shoulders above their place, arm lengths; the arms go with them."""
BODY_CHANNELS = 10

WRIST = slice(0, 3)
POLE = slice(3, 6)
TURN = slice(6, 10)
ANGLES = slice(10, 10 + ANGLES_PER_HAND)
ARM_CHANNELS = 10 + ANGLES_PER_HAND
CHANNELS = BODY_CHANNELS + 2 * ARM_CHANNELS

# Side 0 is the left arm, side 1 the right; y of the left one is mirrored.
MIRROR: Array = np.array([[1.0, -1.0, 1.0], [1.0, 1.0, 1.0]])


def arm_slice(side: int) -> slice:
    """The channels of one arm: side 0 = left, 1 = right."""
    start = BODY_CHANNELS + side * ARM_CHANNELS
    return slice(start, start + ARM_CHANNELS)


def torso_frame(channels: Array, shape: BodyShape) -> tuple[Array, Array, Array]:
    """(N, C) channels -> pelvis turns (N, 3, 3), torso turns (N, 3, 3), mid-hips (N, 3)."""
    yaw = channels[:, PELVIS_YAW]
    zero = np.zeros_like(yaw)
    torso = channels[:, TORSO]
    both = euler(
        np.stack([yaw, yaw + torso[:, 0]]),
        np.stack([zero, torso[:, 1]]),
        np.stack([zero, torso[:, 2]]),
    )
    hips = np.empty((len(channels), 3))
    hips[:, :2] = channels[:, SWAY]
    # Standing off to a side lowers the pelvis, so that both feet stay on the floor: what limits
    # it is the leg with the wider way (a high norm over both stands for the larger, smoothly).
    across = both[0][:, :2, 1] * shape.hip_half
    ankles = _ankles(shape)
    left = np.square(hips[:, :2] + across - ankles[0, :2]).sum(axis=1)
    right = np.square(hips[:, :2] - across - ankles[1, :2]).sum(axis=1)
    wider = np.power(left**4 + right**4, 0.25)
    leg = 0.994 * (shape.thigh + shape.shank)
    hips[:, 2] = shape.ankle_height + np.sqrt(np.maximum(leg * leg - wider, 0.0))
    return both[0], both[1], hips


def _ankles(shape: BodyShape) -> Array:
    """(2, 3) left and right ankle of somebody standing, metres."""
    return np.array(
        [
            [-0.01, shape.stance_half, shape.ankle_height],
            [-0.01, -shape.stance_half, shape.ankle_height],
        ]
    )


def whole_body(channels: Array, shape: BodyShape) -> Array:
    """(N, C) channels -> (N, 133, 3) COCO-WholeBody keypoints, metres, in the body's frame."""
    n = len(channels)
    out = np.empty((n, 133, 3))
    pelvis, torso, hips = torso_frame(channels, shape)
    up = shape.shoulder_height - shape.hip_height

    head = torso @ euler(channels[:, 6], channels[:, 7], channels[:, 8])
    neck = np.array(
        [0.012 * shape.height, 0.0,
         shape.head_height - shape.hip_height + PIVOT[2] * shape.head_scale]
    )  # fmt: skip
    pivot = hips + torso @ neck
    points = (HEAD_AND_FACE - PIVOT) * shape.head_scale
    placed = pivot[:, None] + points @ head.swapaxes(1, 2)
    out[:, 0:5] = placed[:, :5]
    out[:, 23:91] = placed[:, 5:]

    arms = channels[:, BODY_CHANNELS:].reshape(n, 2, ARM_CHANNELS)
    shoulders = np.empty((n, 2, 3))
    shoulders[:] = [0.0, -shape.shoulder_half, up]
    shoulders[..., 2] += shape.arm * channels[:, SHRUG, None]
    wrists = shoulders + arms[..., WRIST] * shape.arm
    elbows, wrists = two_bone(shoulders, wrists, arms[..., POLE], shape.upper_arm, shape.forearm)
    hands = hand_points(arms[..., ANGLES], shape.hand) * shape.palm
    hands = hands @ quaternion_to_matrix(arms[..., TURN]).swapaxes(-1, -2) + wrists[..., None, :]
    upper = np.empty((n, 2, 23, 3))
    upper[:, :, 0] = shoulders
    upper[:, :, 1] = elbows
    upper[:, :, 2:] = hands
    upper *= MIRROR[:, None, :]
    placed = hips[:, None] + upper.reshape(n, 46, 3) @ torso.swapaxes(1, 2)
    placed = placed.reshape(n, 2, 23, 3)
    out[:, 5:7] = placed[:, :, 0]
    out[:, 7:9] = placed[:, :, 1]
    out[:, 9:11] = placed[:, :, 2]
    out[:, 91:112] = placed[:, 0, 2:]
    out[:, 112:133] = placed[:, 1, 2:]

    hip_points = np.array([[0.0, shape.hip_half, 0.0], [0.0, -shape.hip_half, 0.0]])
    legs = hips[:, None] + hip_points @ pelvis.swapaxes(1, 2)
    knees, ankles = two_bone(
        legs, np.broadcast_to(_ankles(shape), legs.shape), np.array([1.0, 0.0, 0.0]),
        shape.thigh, shape.shank,
    )  # fmt: skip
    out[:, 11:13] = legs
    out[:, 13:15] = knees
    out[:, 15:17] = ankles
    # Big toe, small toe, heel against the ankle, for the left foot turned slightly out.
    toes = shape.foot * np.array([[0.72, 0.06, 0.0], [0.60, 0.30, 0.0], [-0.28, -0.02, 0.0]])
    toes[:, 2] = 0.012 - shape.ankle_height
    toes = np.stack([toes, toes * [1.0, -1.0, 1.0]])
    out[:, 17:23] = (ankles[:, :, None] + toes).reshape(n, 6, 3)
    return out
