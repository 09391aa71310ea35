"""The kinematic hand: joint angles -> the 21 joints MediaPipe and COCO-WholeBody name.

A right hand in its own frame: x out of the palm, y to the thumb's side, z from the wrist to
the middle knuckle. A left hand is the mirror image (y negated) and never needs its own code.
Lengths are in palm lengths (wrist to middle knuckle).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FINGERS = ("index", "middle", "ring", "pinky")

# Angles of one hand, radians: four fingers x (MCP, PIP, DIP flexion, abduction to the thumb's
# side), then the thumb's five.
ANGLES_PER_HAND = 21
MCP, PIP, DIP, SPREAD = range(4)
THUMB = 16
THUMB_RADIAL, THUMB_PALMAR, THUMB_PRONATION, THUMB_MCP, THUMB_IP = range(16, 21)

_D = np.pi / 180
_FINGER_LOW = np.array([-20.0, -3.0, -8.0, -25.0]) * _D
_FINGER_HIGH = np.array([92.0, 110.0, 80.0, 25.0]) * _D
_THUMB_LOW = np.array([-15.0, -15.0, -20.0, -15.0, -25.0]) * _D
_THUMB_HIGH = np.array([80.0, 65.0, 100.0, 60.0, 85.0]) * _D
LIMIT_LOW: Array = np.concatenate([np.tile(_FINGER_LOW, 4), _THUMB_LOW])
LIMIT_HIGH: Array = np.concatenate([np.tile(_FINGER_HIGH, 4), _THUMB_HIGH])
"""(21,) active ranges of motion in radians (clinical goniometry tables, rounded outward)."""

# Knuckles (index..pinky) and thumb base; the border knuckles lie a little towards the palm.
_KNUCKLES = np.array(
    [[0.03, 0.26, 0.965], [0.0, 0.02, 1.0], [0.02, -0.21, 0.935], [0.06, -0.41, 0.83]]
)
_KNUCKLES[1] /= np.linalg.norm(_KNUCKLES[1])
_THUMB_BASE = np.array([0.11, 0.20, 0.24])
_PHALANGES = np.array(
    [[0.42, 0.25, 0.20], [0.46, 0.29, 0.21], [0.43, 0.27, 0.21], [0.34, 0.19, 0.18]]
)
_THUMB_BONES = np.array([0.43, 0.33, 0.26])
_SPLAY = np.array([5.0, 0.5, -4.0, -10.0]) * _D
_KNUCKLE_ROLL = 0.9


class HandShape:
    """Bone lengths of one hand, in palm lengths.

    knuckles (4, 3), thumb_base (3,), phalanges (4, 3), thumb_bones (3,).
    """

    __slots__ = ("knuckles", "phalanges", "thumb_base", "thumb_bones")

    def __init__(
        self,
        knuckles: Array = _KNUCKLES,
        thumb_base: Array = _THUMB_BASE,
        phalanges: Array = _PHALANGES,
        thumb_bones: Array = _THUMB_BONES,
    ) -> None:
        self.knuckles = knuckles
        self.thumb_base = thumb_base
        self.phalanges = phalanges
        self.thumb_bones = thumb_bones

    @classmethod
    def sample(cls, rng: np.random.Generator) -> HandShape:
        """A hand with longer or shorter fingers, wider or narrower palm, both by 4 to 6 %."""
        knuckles = _KNUCKLES * np.array([1.0, rng.normal(1, 0.06), 1.0])
        knuckles = knuckles / np.linalg.norm(knuckles[1])
        fingers = _PHALANGES * rng.normal(1, 0.04) * rng.normal(1, 0.03, (4, 1))
        fingers = fingers * rng.normal(1, 0.03, (4, 3)).clip(0.92, 1.08)
        thumb = _THUMB_BONES * rng.normal(1, 0.05) * rng.normal(1, 0.03, 3).clip(0.92, 1.08)
        return cls(knuckles, _THUMB_BASE * rng.normal(1, 0.05, 3), fingers, thumb)


def hand_points(angles: Array, shape: HandShape) -> Array:
    """(..., 21) joint angles -> (..., 21, 3) joints of a right hand in its own frame."""
    out = np.zeros((*angles.shape[:-1], 21, 3))
    finger = angles[..., :16].reshape(*angles.shape[:-1], 4, 4)
    bend = np.cumsum(finger[..., :3], axis=-1)
    # A flexed finger can hardly spread: its abduction fades with the cosine of the knuckle.
    side = (finger[..., 3] + _SPLAY)[..., None] * np.cos(finger[..., :1] * 0.9)
    cos_bend, sin_bend = np.cos(bend), np.sin(bend)
    cos_side, sin_side = np.cos(side), np.sin(side)
    # A knuckle that leans sideways also rolls, so the finger bends obliquely (as in a pinch).
    roll = _KNUCKLE_ROLL * finger[..., 3:]
    cos_roll, sin_roll = np.cos(roll), np.sin(roll)
    steps = np.empty((*finger.shape[:-1], 3, 3))
    steps[..., 0] = sin_bend * cos_roll
    steps[..., 1] = cos_bend * sin_side + sin_bend * sin_roll * cos_side
    steps[..., 2] = cos_bend * cos_side - sin_bend * sin_roll * sin_side
    steps *= shape.phalanges[..., None]
    chain = out[..., 5:, :].reshape(*angles.shape[:-1], 4, 4, 3)
    chain[..., 0, :] = shape.knuckles
    chain[..., 1:, :] = shape.knuckles[:, None, :] + np.cumsum(steps, axis=-2)
    out[..., 5:, :] = chain.reshape(*angles.shape[:-1], 16, 3)

    thumb = angles[..., THUMB:]
    cr, sr = np.cos(thumb[..., 0]), np.sin(thumb[..., 0])
    cp, sp = np.cos(thumb[..., 1]), np.sin(thumb[..., 1])
    ct, st = np.cos(thumb[..., 2]), np.sin(thumb[..., 2])
    along = np.stack([sp, cp * sr, cp * cr], axis=-1)
    # The thumb bends across the palm, turned out of its plane by pronation.
    bend_to = np.stack([st * cp, -ct * cr - st * sp * sr, ct * sr - st * sp * cr], axis=-1)
    point = out[..., 1, :]
    point[...] = shape.thumb_base
    total = np.zeros(angles.shape[:-1])
    for k, length in enumerate(shape.thumb_bones):
        if k:
            total = total + thumb[..., 2 + k]
        step = np.cos(total)[..., None] * along + np.sin(total)[..., None] * bend_to
        point = point + length * step
        out[..., 2 + k, :] = point
    return out
