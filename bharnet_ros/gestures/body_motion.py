"""Motion primitives of the body: what head, shoulders and trunk do over a stroke.

A primitive adds to the body's channels (`bharnet_ros.gestures.posture`), which are zero where
nobody moves on purpose. Angles in radians, the rise of the shoulders in arm lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.motion import Stroke, envelope
from bharnet_ros.gestures.posture import BODY_CHANNELS, HEAD, SHRUG, TORSO

Array = npt.NDArray[np.float64]

_HEAD_YAW, _HEAD_PITCH, _HEAD_ROLL = range(HEAD.start, HEAD.stop)
_TORSO_PITCH, _TORSO_ROLL = TORSO.start + 1, TORSO.start + 2
_NECK_DEG = np.array([72.0, 48.0, 38.0])
"""Yaw, pitch and roll that no head goes beyond on purpose, either way."""
_RAMP_S = 0.4
"""Heads and trunks that lean, and shoulders that rise, take this long."""


def _nod(out: Array, stroke: Stroke) -> None:
    beat = stroke.size * stroke.beats()
    out[:, _HEAD_PITCH] += beat
    # The neck's base goes along a little.
    out[:, _TORSO_PITCH] += 0.08 * beat


def _shake(out: Array, stroke: Stroke) -> None:
    phase, strength = stroke.cycle()
    angle = stroke.size * np.sin(phase) * strength
    out[:, _HEAD_YAW] += angle
    out[:, TORSO.start] += 0.05 * angle


def _held(stroke: Stroke) -> Array:
    return stroke.size * envelope(stroke.time_s, stroke.duration_s, _RAMP_S / stroke.speed)


def _shrug(out: Array, stroke: Stroke) -> None:
    out[:, SHRUG] += _held(stroke)


def _sign(stroke: Stroke) -> float:
    # The viewer's left is the person's right; a positive roll leans to the person's right.
    return 1.0 if stroke.toward == "left" else -1.0


def _tilt(out: Array, stroke: Stroke) -> None:
    out[:, _HEAD_ROLL] += _sign(stroke) * _held(stroke)


def _lean(out: Array, stroke: Stroke) -> None:
    out[:, _TORSO_ROLL] += _sign(stroke) * _held(stroke)


def _bow(out: Array, stroke: Stroke) -> None:
    angle = _held(stroke)
    out[:, _TORSO_PITCH] += angle
    out[:, _HEAD_PITCH] += 0.35 * angle


@dataclass(frozen=True, eq=False)
class BodyPrimitive:
    """play: adds to (N, BODY_CHANNELS); the rest as in `motion.Primitive`."""

    play: Callable[[Array, Stroke], None]
    ranges: tuple[str, ...]
    optional: tuple[str, ...] = ()
    toward: tuple[str, ...] = ()
    both_hands: bool = False


_SIDES = ("left", "right")
BODY_PRIMITIVES: dict[str, BodyPrimitive] = {
    # The head goes down and back up.
    "nod": BodyPrimitive(_nod, ("degrees", "rate_hz"), ("count",)),
    # The head turns to and fro.
    "shake": BodyPrimitive(_shake, ("degrees", "rate_hz"), ("count",)),
    # Both shoulders rise, and the arms with them.
    "shrug": BodyPrimitive(_shrug, ("length",)),
    # The head leans to the viewer's left or right.
    "tilt": BodyPrimitive(_tilt, ("degrees",), (), _SIDES),
    # The trunk leans to the viewer's left or right.
    "lean": BodyPrimitive(_lean, ("degrees",), (), _SIDES),
    # The trunk bends forward.
    "bow": BodyPrimitive(_bow, ("degrees",)),
}


def play_body(kind: str, stroke: Stroke) -> Array:
    """(N, BODY_CHANNELS) what a primitive adds at the stroke's times; zero at both ends."""
    out = np.zeros((len(stroke.time_s), BODY_CHANNELS))
    BODY_PRIMITIVES[kind].play(out, stroke)
    return out


def within_neck(body: Array, own: Array) -> Array:
    """(N, BODY_CHANNELS) -> the same, with the head within a neck's limits where `own` (what was
    done on purpose) moves it; a glance alone stays as it is."""
    limit = np.deg2rad(_NECK_DEG)
    moved = np.abs(own[:, HEAD]).max(axis=1, keepdims=True) > 0
    body[:, HEAD] = np.where(moved, np.clip(body[:, HEAD], -limit, limit), body[:, HEAD])
    return body
