"""Hands between gestures: where they rest and what they fiddle with. Never a gesture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.description import GestureDescription, IdleDescription
from bharnet_ros.gestures.motion import ArmTrack
from bharnet_ros.gestures.style import Style
from bharnet_ros.gestures.timeline import ArmTimeline

Array = npt.NDArray[np.float64]
Taker = Callable[[GestureDescription, int, int], ArmTrack]
"""(description, side, seed) -> the arm in that place."""
Stroker = Callable[[GestureDescription, ArmTrack, int, Array, int], ArmTrack]
"""(description, base, side, stroke times, seed) -> the arm moving there."""

_SETTLE_S = 0.12
_READY_S, _LEAST_S = 0.4, 0.8
"""How long an arm at rest takes to where its motion begins, and how long that must then have."""


class Idler:
    """Keeps both arms busy with nothing while no gesture is made."""

    def __init__(
        self,
        rests: Sequence[IdleDescription],
        habits: Sequence[IdleDescription],
        style: Style,
        take: Taker,
        stroke: Stroker,
    ) -> None:
        self._rests = rests
        self._habits = habits
        self._style = style
        self._take = take
        self._stroke = stroke
        self.resting: list[ArmTrack] = []
        self._places: list[tuple[GestureDescription, int]] = []  # of both arms, with their seeds

    def begin(self, rng: np.random.Generator) -> list[ArmTrack]:
        """Where both arms are at first."""
        self.resting, self._places = [], []
        first = self._choose(self._rests, rng)
        for side in (0, 1):
            place = first if first.both else self._choose(self._single_rests(), rng)
            seed = int(rng.integers(2**62))
            self.resting.append(self._take(place, side, seed))
            # Hands that rest together move at the same rate.
            self._places.append(self._places[0] if side and first.both else (place, seed))
        return self.resting

    def fill(
        self, arms: list[ArmTimeline], begin_s: float, end_s: float, rng: np.random.Generator
    ) -> None:
        """Rest, shift and fiddle within a time in which neither arm makes a gesture; both arms
        rest at its end."""
        eager = 0.35 + 1.3 * self._style.fidget
        since = [begin_s, begin_s]
        t = begin_s + float(rng.exponential(0.9 / eager)) + 0.1
        while True:
            habit = bool(self._habits) and rng.random() < 0.55
            place = self._choose(self._habits if habit else self._rests, rng)
            seed = int(rng.integers(2**62))
            go = float(rng.uniform(0.55, 0.9)) / self._style.speed
            back = float(rng.uniform(0.55, 0.9)) / self._style.speed
            stay = float(rng.uniform(0.4, 1.8)) if habit else 0.0
            strong = 1 if self._style.handedness == "right" else 0
            side = strong if rng.random() < 0.65 else 1 - strong
            sides = (0, 1) if place.both else (side,)
            total = go + (stay + back if habit else 0.0)
            if t + total > end_s - _SETTLE_S:
                for one in (0, 1):
                    self._dwell(arms[one], one, since[one], end_s)
                return
            for one in sides:
                self._dwell(arms[one], one, since[one], t)
                since[one] = t + total
                target = self._take(place, one, seed)
                if habit:
                    local = arms[one].stroke_times(t + go, t + go + stay)
                    track = self._stroke(place, target, one, local, seed)
                    arms[one].move(t, t + go, track.moment(0))
                    if place.motion:
                        arms[one].stroke(t + go, t + go + stay, track)
                    arms[one].move(t + go + stay, t + total, self.resting[one])
                else:
                    arms[one].move(t, t + go, target)
                    self.resting[one], self._places[one] = target, (place, seed)
            t += total + float(rng.exponential(1.4 / eager)) + 0.15

    def _dwell(self, arm: ArmTimeline, side: int, begin_s: float, end_s: float) -> None:
        """Let a resting arm do what its rest describes until it moves on."""
        place, seed = self._places[side]
        start = begin_s + _READY_S
        if not place.motion or end_s - start < _LEAST_S:
            return
        local = arm.stroke_times(start, end_s)
        track = self._stroke(place, self.resting[side], side, local, seed)
        arm.move(begin_s, start, track.moment(0))  # not all motions end where they began
        arm.stroke(start, end_s, track)

    def _single_rests(self) -> Sequence[IdleDescription]:
        return [r for r in self._rests if not r.gesture.both] or self._rests

    @staticmethod
    def _choose(options: Sequence[IdleDescription], rng: np.random.Generator) -> GestureDescription:
        weights = np.array([o.weight for o in options])
        return options[int(rng.choice(len(options), p=weights / weights.sum()))].gesture
