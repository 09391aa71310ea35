"""Plays a schedule of gestures: descriptions, a body and a manner -> a moving whole body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures.body import BodyShape
from bharnet_ros.gestures.body_motion import BODY_PRIMITIVES, play_body, within_neck
from bharnet_ros.gestures.description import (
    GestureDescription,
    MotionDescription,
    OtherHand,
    Vocabulary,
)
from bharnet_ros.gestures.hand import LIMIT_HIGH, LIMIT_LOW
from bharnet_ros.gestures.idle import Idler
from bharnet_ros.gestures.liveliness import body_channels, drift, tremor
from bharnet_ros.gestures.motion import PRIMITIVES, ArmTrack, Stroke, draw, play
from bharnet_ros.gestures.performance import RATE_HZ, Performance, Segment
from bharnet_ros.gestures.posing import DRAWS, elbow_of, outside_torso, posed
from bharnet_ros.gestures.posture import (
    ANGLES,
    BODY_CHANNELS,
    CHANNELS,
    POLE,
    TURN,
    WRIST,
    arm_slice,
)
from bharnet_ros.gestures.rotations import about, multiply, unit
from bharnet_ros.gestures.style import Style
from bharnet_ros.gestures.timeline import ArmTimeline
from bharnet_ros.gestures.wrist import within_wrist_limits

Array = npt.NDArray[np.float64]
Schedule = Sequence[tuple[str, float, float]]

MIN_DURATION_S = 0.8
"""The shortest gesture that is played: onset, something to see, release."""
_TAIL_S = 3.0
_LARGEST_SHARE = 0.32
"""Of a gesture's duration, onset and release each take at most this."""


class GesturePlayer:
    """One person who can play every gesture of a vocabulary."""

    def __init__(
        self, vocabulary: Vocabulary, shape: BodyShape | None = None, style: Style | None = None
    ) -> None:
        self.vocabulary = vocabulary
        self.shape = shape if shape is not None else BodyShape.default()
        self.style = style if style is not None else Style()

    def plan(
        self, schedule: Schedule, rng: np.random.Generator, duration_s: float | None = None
    ) -> Performance:
        """Lay out a performance.

        schedule: (class name, start, duration) in seconds, onset and release included; entries
        may touch but not overlap; the background class may be listed and is what happens
        anyway. duration_s: how long the performance is at least; without it, it ends 3 s after
        the last entry. Plans of the same schedule times, description but for the fingers, and
        rng state are equal in everything but the fingers.
        Raises GestureError for unknown classes, overlaps, and gestures shorter than
        MIN_DURATION_S.
        """
        entries = self._checked(schedule)
        end = max((s + d for _, s, d in entries), default=0.0) + _TAIL_S
        times = np.arange(int(np.ceil(max(end, duration_s or 0.0) * RATE_HZ)) + 2) / RATE_HZ
        busy = [(s, s + d) for n, s, d in entries if n != self.vocabulary.background]
        body_rng, idle_rng, noise_rng = rng.spawn(3)
        own_body = np.zeros((len(times), BODY_CHANNELS))
        segments = []

        idler = Idler(
            self.vocabulary.rests, self.vocabulary.habits, self.style, self._take, self._moved
        )
        arms = [ArmTimeline(times, start, self.shape) for start in idler.begin(idle_rng)]
        free_from = 0.0
        for name, start, duration in entries:
            if name == self.vocabulary.background:
                continue
            seed = int(rng.integers(2**62))
            gesture = self.vocabulary[name]
            hold = (start + 0.05 * duration, start + 0.95 * duration)
            if not gesture.body_only:
                idler.fill(arms, free_from, start, idle_rng)
                hold = self._play(arms, idler, gesture, start, duration, seed)
                free_from = start + duration
            self._play_body(own_body, gesture, times, (start, *hold, start + duration), seed)
            segments.append(Segment(name, start, start + duration, *hold))
        idler.fill(arms, free_from, float(times[-1]), idle_rng)

        channels = np.empty((len(times), CHANNELS))
        body = body_channels(times, busy, self.style, body_rng)
        channels[:, :BODY_CHANNELS] = within_neck(body + own_body, own_body)
        for side in (0, 1):
            self._finish(channels[:, arm_slice(side)], arms[side].track, times, noise_rng)
        return Performance(channels, self.shape, tuple(segments))

    def _checked(self, schedule: Schedule) -> list[tuple[str, float, float]]:
        entries = sorted(((str(n), float(s), float(d)) for n, s, d in schedule), key=lambda e: e[1])
        before = 0.0
        for name, start, duration in entries:
            self.vocabulary.class_id(name)
            if not (np.isfinite(start) and np.isfinite(duration)):
                raise GestureError(
                    f"'{name}' starts at {start} s and lasts {duration} s; give finite times."
                )
            if start < before - 1e-9:
                raise GestureError(
                    f"'{name}' at {start:g} s begins before what precedes it ends "
                    f"({before:g} s); move it to {before:g} s or later."
                )
            if duration < MIN_DURATION_S and name != self.vocabulary.background:
                raise GestureError(
                    f"'{name}' at {start:g} s lasts {duration:g} s; give it at least "
                    f"{MIN_DURATION_S:g} s for onset and release."
                )
            before = start + duration
        return entries

    def _take(self, gesture: GestureDescription, side: int, seed: int) -> ArmTrack:
        """An arm in a gesture's posture. Both arms of one seed are nearly mirror images."""
        draws = np.random.default_rng([seed, 2]).uniform(-1, 1, DRAWS)
        in_front = 0.0
        if gesture.both:
            own = np.random.default_rng([seed, 3, side]).uniform(-1, 1, DRAWS)
            draws = 0.85 * draws + 0.3 * own
            in_front = 1.0 if (side == 1) == (self.style.handedness == "right") else -1.0
        hand_rng = np.random.default_rng([seed, 4, side])
        part: GestureDescription | OtherHand = gesture
        if gesture.second is not None and side not in self._leading(gesture):
            part, in_front = gesture.second, 0.0
        which = np.random.default_rng([seed, 7]).random(2)
        hand = part.hands[int(which[0] * len(part.hands))]
        posture = part.postures[int(which[1] * len(part.postures))]
        return posed(posture, hand, self.shape, draws, hand_rng, in_front)

    def _leading(self, gesture: GestureDescription) -> tuple[int, ...]:
        """The arms that do what the gesture describes first, its motion included."""
        if gesture.second is not None:
            return (1 if self.style.handedness == "right" else 0,)
        return gesture.sides(self.style.handedness)

    def _moved(
        self, gesture: GestureDescription, base: ArmTrack, side: int, local_s: Array, seed: int
    ) -> ArmTrack:
        """An arm that plays a gesture's motion over the given times of a stroke."""
        rng = np.random.default_rng([seed, 5])
        elbow = elbow_of(base.wrist[0], base.pole[0], self.shape)
        motions = tuple(motion for motion in gesture.motion if motion.kind in PRIMITIVES)
        strokes = [self._stroke(motion, local_s, rng, side, elbow) for motion in motions]
        return play(base, motions, strokes)

    def _stroke(
        self, motion: MotionDescription, local_s: Array, rng: np.random.Generator, side: int,
        elbow: Array,
    ) -> Stroke:  # fmt: skip
        return Stroke(
            local_s, float(local_s[-1]), self.style.amplitude, self.style.speed,
            draw(motion, rng), motion.toward, side, elbow,
        )  # fmt: skip

    def _play_body(
        self, out: Array, gesture: GestureDescription, times: Array,
        moments: tuple[float, float, float, float], seed: int,
    ) -> None:  # fmt: skip
        """Add what head, shoulders and trunk do; they set off a little after the hands and are
        back a little before them. moments: start, arrived, released, end."""
        rng = np.random.default_rng([seed, 8])
        start, arrived, released, end = moments
        begin = start + (0.0 if gesture.body_only else 0.4 * (arrived - start))
        finish = end - (0.0 if gesture.body_only else 0.4 * (end - released))
        rows = slice(*np.searchsorted(times, [begin, finish]))
        for motion in gesture.motion:
            if motion.kind in BODY_PRIMITIVES:
                local = np.concatenate([times[rows] - begin, [finish - begin]])
                stroke = self._stroke(motion, local, rng, 1, np.zeros(3))
                out[rows] += play_body(motion.kind, stroke)[:-1]

    def _play(
        self,
        arms: list[ArmTimeline],
        idler: Idler,
        gesture: GestureDescription,
        start: float,
        duration: float,
        seed: int,
    ) -> tuple[float, float]:
        """Play the arms' part; returns when they have arrived and when they set off back."""
        rng = np.random.default_rng([seed, 6])
        pace = rng.uniform(0.85, 1.2, 2) / self.style.speed
        sides = gesture.sides(self.style.handedness)
        leading = self._leading(gesture) if _moves_arms(gesture) else ()
        bases = {side: self._take(gesture, side, seed) for side in sides}
        # Far ways take longer; both hands of a gesture arrive together.
        way = max(float(np.linalg.norm(bases[s].wrist - arms[s].last.wrist)) for s in sides)
        back = max(float(np.linalg.norm(bases[s].wrist - idler.resting[s].wrist)) for s in sides)
        onset = min((0.22 + 0.32 * way) * pace[0], _LARGEST_SHARE * duration)
        release = min((0.24 + 0.34 * back) * pace[1], _LARGEST_SHARE * duration)
        begin, end = start + onset, start + duration - release
        for side in sides:
            arm = arms[side]
            if side in leading:
                track = self._moved(gesture, bases[side], side, arm.stroke_times(begin, end), seed)
                arm.move(start, begin, track.moment(0))
                arm.stroke(begin, end, track)
            else:
                arm.move(start, begin, bases[side])
            arm.move(end, start + duration, idler.resting[side])
        return float(begin), float(end)

    def _finish(self, out: Array, track: ArmTrack, times: Array, rng: np.random.Generator) -> None:
        """Unsteadiness, then what a body allows: out of the trunk, within the wrist's limits."""
        wrist = track.wrist + tremor(times, self.style, rng) / self.shape.arm
        wrist = outside_torso(wrist, self.shape)
        shaking = drift(times, 0.006 + 3.0 * self.style.tremor, 0.4, 3.0, rng, 3)
        turns = track.turn
        for k in range(3):
            turns = multiply(about(np.eye(3)[k], shaking[:, k]), turns)
        forearm = unit(wrist - elbow_of(wrist, track.pole, self.shape))
        out[:, WRIST] = wrist
        out[:, POLE] = track.pole
        out[:, TURN] = within_wrist_limits(turns, forearm)
        restless = drift(times, 0.008 + 0.008 * self.style.fidget, 0.1, 1.2, rng, 21)
        out[:, ANGLES] = np.clip(track.angles + restless, LIMIT_LOW, LIMIT_HIGH)


def _moves_arms(gesture: GestureDescription) -> bool:
    return any(motion.kind in PRIMITIVES for motion in gesture.motion)
