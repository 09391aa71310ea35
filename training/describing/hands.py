"""Hands by themselves: the held hands of a vocabulary and others, of many people, from all sides.

A whole person shows a hand where the arm allows it. People hold hands up to a camera in many
more ways, and sometimes nothing of them but the hand is in the picture. These windows teach the
hand expert what a hand shape looks like whoever's hand it is and however it is turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures import GestureDescription, Vocabulary
from bharnet_ros.gestures.description import HandDescription, PostureDescription
from bharnet_ros.gestures.fingers import sample_angles
from bharnet_ros.gestures.hand import LIMIT_HIGH, LIMIT_LOW, HandShape, hand_points
from bharnet_ros.gestures.rotations import quaternion_to_matrix
from bharnet_ros.gestures.wrist import posture_turn
from bharnet_ros.types import FloatArray
from training.describing.people import hand_indices
from training.describing.strangers import draw_hand, unlike

Array = npt.NDArray[np.float64]
OTHER_HAND = "(other hand)"
PALM_M = 0.09
_STRANGERS = 3
"""So many times more hands that mean nothing than of each gesture: there are more of them."""
_TO_VIEWER = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
"""Body axes (forward, inward, up) -> picture axes (right, down, away) for a right arm."""


@dataclass(frozen=True)
class HandViewConfig:
    """How hands are turned beyond what their posture says, degrees either way.

    roll_deg: in the picture plane. yaw_deg, pitch_deg: about the upright and the sideways axis.
    back_share: of the hands, shown from behind. aspect: largest stretch of one picture axis
    against the other, for keypoints whose picture's proportions nobody knows; 1 = none.
    """

    roll_deg: float = 65.0
    yaw_deg: float = 45.0
    pitch_deg: float = 35.0
    back_share: float = 0.25
    aspect: float = 1.8
    aspect_share: float = 0.3
    second_share: float = 0.2


def hand_gestures(vocabulary: Vocabulary) -> tuple[GestureDescription, ...]:
    """Gestures that a hand alone tells: one hand, either one, held still."""
    return tuple(gesture for gesture in vocabulary if _held(gesture))


def _held(gesture: GestureDescription) -> bool:
    return gesture.which == "one" and not gesture.motion and gesture.second is None


class HandBank:
    """Many hands of each held gesture of a vocabulary, and hands that are none of them.

    per_gesture: different hands kept for each; equal arguments give equal banks.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        seed: int,
        per_gesture: int = 300,
        config: HandViewConfig | None = None,
    ) -> None:
        self.config = config or HandViewConfig()
        rng = np.random.default_rng([seed, 4])
        self.names = tuple(g.name for g in hand_gestures(vocabulary))
        self._points: dict[str, FloatArray] = {}
        self._turns: dict[str, FloatArray] = {}
        for gesture in hand_gestures(vocabulary):
            self._points[gesture.name] = _hands(gesture.hands, per_gesture, rng)
            self._turns[gesture.name] = np.stack([_facing(p) for p in gesture.postures])
        known = [h for g in (*vocabulary, *vocabulary.others.values()) for h in g.hands]
        strange = [draw_hand(known, rng) for _ in range(_STRANGERS * per_gesture)]
        points = [_hands((h,), 4, rng) for h in strange]
        turns = [*self._turns.values(), np.eye(3, dtype=np.float32)[None]]
        # Half of the strange hands are those of known gestures that are no classes, such as the
        # shipped ones where somebody describes others: they are what people will show.
        none = _known_others(vocabulary)
        for name, hands in none.items():
            points.append(_hands(hands, -(-_STRANGERS * 4 * per_gesture // len(none)), rng))
            turns.append(np.stack([_facing(p) for p in vocabulary.others[name].postures]))
        self._points[OTHER_HAND] = np.concatenate(points)
        self._turns[OTHER_HAND] = np.concatenate(turns)
        loose = HandDescription("loose", ("relaxed",) * 4, "relaxed", (0.0, 8.0))
        self._loose = _hands((loose,), 100, rng)

    def windows(
        self, names: Sequence[str], num_steps: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """One window for each name (a held gesture, or OTHER_HAND).

        Returns pixels (N, T, 59, 2) and scores (N, T, 59): one hand of either side, held as
        still as people do, now and then with a loose second hand, and no body.
        """
        n = len(names)
        points = np.stack([_pick(self._points[name], rng) for name in names])
        base = np.stack([_pick(self._turns[name], rng) for name in names])
        pixels = self._seen(points, base, num_steps, rng)
        keypoints = np.zeros((n, num_steps, 59, 2), np.float32)
        scores = np.zeros((n, num_steps, 59), np.float32)
        second = rng.random(n) < self.config.second_share
        loose = self._loose[rng.integers(len(self._loose), size=n)]
        turned = _random_turns(rng, n)
        other = self._seen(loose, turned, num_steps, rng)
        right = rng.random(n) < 0.5
        left_hand, right_hand = hand_indices()
        flip = np.array([-1.0, 1.0], np.float32)
        for row in range(n):
            own, spare = (right_hand, left_hand) if right[row] else (left_hand, right_hand)
            sign = np.float32(1.0) if right[row] else flip
            keypoints[row][:, own] = pixels[row] * sign
            scores[row][:, own] = rng.uniform(0.7, 1.0)
            if second[row]:
                keypoints[row][:, spare] = other[row] * sign
                scores[row][:, spare] = rng.uniform(0.7, 1.0)
        return keypoints, scores

    def _seen(
        self, points: FloatArray, base: FloatArray, num_steps: int, rng: np.random.Generator
    ) -> FloatArray:
        """(N, 21, 3) right hands in turns (N, 3, 3) -> (N, T, 21, 2) pixels."""
        n, config = len(points), self.config
        limits = np.radians([config.pitch_deg, config.yaw_deg, config.roll_deg])
        angles = rng.uniform(-1, 1, (n, 3)) * limits
        angles[:, 1] += np.pi * (rng.random(n) < config.back_share)
        # Nobody's hand is quite still.
        drift = np.linspace(-1, 0, num_steps)[None, :, None] * rng.normal(0, 0.10, (n, 1, 3))
        turns = _turned(angles[:, None] + drift)  # (N, T, 3, 3) in the picture's axes
        placed = np.einsum("nij,nkj->nki", base, points).astype(np.float32)
        moved = placed[:, None] @ turns.swapaxes(-1, -2)
        distance = np.exp(rng.uniform(np.log(0.3), np.log(3.0), n)) / PALM_M
        depth = distance[:, None, None, None] + moved[..., 2:]
        pixels = moved[..., :2] / depth * (100.0 * distance[:, None, None, None])
        stretch = np.exp(rng.uniform(-1, 1, n) * np.log(config.aspect))
        stretch = np.where(rng.random(n) < config.aspect_share, stretch, 1.0)
        pixels[..., 0] *= stretch[:, None, None]
        found: FloatArray = pixels.astype(np.float32)
        return found


def _known_others(vocabulary: Vocabulary) -> dict[str, tuple[HandDescription, ...]]:
    """By name the held hands of gestures that are known but no classes, less those that somebody
    could take for a held hand of a class."""
    own = [hand for gesture in hand_gestures(vocabulary) for hand in gesture.hands]
    found = {
        name: tuple(hand for hand in gesture.hands if unlike(hand, own))
        for name, gesture in vocabulary.others.items()
        if _held(gesture)
    }
    return {name: hands for name, hands in found.items() if hands}


def _hands(hands: Sequence[HandDescription], count: int, rng: np.random.Generator) -> FloatArray:
    """(count, 21, 3) right hands held in one of these ways, each of another person."""
    points = np.empty((count, 21, 3), np.float32)
    for i in range(count):
        shape = HandShape.sample(rng)
        angles = sample_angles(hands[i % len(hands)], shape, rng)
        angles = angles + rng.normal(0, 0.04, angles.shape)
        points[i] = hand_points(np.clip(angles, LIMIT_LOW, LIMIT_HIGH), shape)
    return points


def _facing(posture: PostureDescription) -> FloatArray:
    """(3, 3): a right hand's own axes -> picture axes, held as the posture says."""
    held = quaternion_to_matrix(posture_turn(np.array(posture.palm), np.array(posture.fingers)))
    turned: FloatArray = (_TO_VIEWER @ held).astype(np.float32)
    return turned


def _pick(options: FloatArray, rng: np.random.Generator) -> FloatArray:
    chosen: FloatArray = options[int(rng.integers(len(options)))]
    return chosen


def _turned(angles: Array) -> FloatArray:
    """(..., 3) pitch, yaw, roll in radians -> (..., 3, 3): first yaw and pitch, then roll."""
    pitch, yaw, roll = angles[..., 0], angles[..., 1], angles[..., 2]
    one, zero = np.ones_like(pitch), np.zeros_like(pitch)

    def matrix(*rows: Array) -> Array:
        return np.stack(rows, axis=-1).reshape(*pitch.shape, 3, 3)

    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_y = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    about_x = matrix(one, zero, zero, zero, cp, -sp, zero, sp, cp)
    about_z = matrix(cr, -sr, zero, sr, cr, zero, zero, zero, one)
    result: FloatArray = (about_z @ about_x @ about_y).astype(np.float32)
    return result


def _random_turns(rng: np.random.Generator, n: int) -> FloatArray:
    return _turned(rng.uniform(-np.pi, np.pi, (n, 3)))
