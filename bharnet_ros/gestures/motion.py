"""Motion primitives: how an arm that holds its posture moves over a stroke.

A primitive changes a resting arm in place, given the time since the stroke began. Several play
together. Lengths are arm lengths, directions those of the right arm (x forward, y inward, z up).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.description import MotionDescription
from bharnet_ros.gestures.hand import LIMIT_HIGH, LIMIT_LOW
from bharnet_ros.gestures.rotations import about, multiply, turn

Array = npt.NDArray[np.float64]
_X, _Y, _Z = np.eye(3)
_MAX_RATE_HZ = 3.5
"""Faster than this nobody waves an arm or a hand."""


@dataclass(eq=False)
class ArmTrack:
    """One arm over N times: wrist (N, 3), pole (N, 3), turn (N, 4), angles (N, 21)."""

    wrist: Array
    pole: Array
    turn: Array
    angles: Array

    def parts(self) -> tuple[Array, Array, Array, Array]:
        """The arrays themselves, not copies."""
        return self.wrist, self.pole, self.turn, self.angles

    def held(self, n: int) -> ArmTrack:
        """The first moment held for n samples (copies)."""
        return ArmTrack(*(np.repeat(a[:1], n, axis=0) for a in self.parts()))

    def moment(self, index: int) -> ArmTrack:
        """One moment as a track of one sample (copies)."""
        return ArmTrack(*(a[index][None].copy() for a in self.parts()))


@dataclass(frozen=True, eq=False)
class Stroke:
    """What a primitive is played with.

    time_s (N,) from 0 to duration_s; amplitude and speed: the person's factors; values: the
    description's ranges, drawn once for both arms; side: 0 left arm, 1 right arm; elbow: (3,)
    from the shoulder.
    """

    time_s: Array
    duration_s: float
    amplitude: float
    speed: float
    values: dict[str, float]
    toward: str
    side: int
    elbow: Array

    @property
    def size(self) -> float:
        """How large the movement is: radians or arm lengths."""
        if "degrees" in self.values:
            return float(np.deg2rad(self.values["degrees"])) * self.amplitude
        return self.values["length"] * self.amplitude

    def cycle(self) -> tuple[Array, Array]:
        """(N,) phase of a repeated movement in radians, (N,) its strength 0..1.

        A stroke too short for its rate is played faster, so that it shows at least one and a
        quarter repetitions; after `count` repetitions, if given, the arm holds still.
        """
        rate = max(self.values["rate_hz"] * self.speed, 1.25 / self.duration_s)
        rate = min(rate, _MAX_RATE_HZ)
        active = min(self.duration_s, self.values.get("count", np.inf) / rate)
        return 2 * np.pi * rate * self.time_s, envelope(self.time_s, active)

    def beats(self) -> Array:
        """(N,) 0..1 and back with every repetition, starting and ending at 0."""
        phase, strength = self.cycle()
        return (0.5 - 0.5 * np.cos(phase)) * strength


def minimum_jerk(s: Array) -> Array:
    """Flash and Hogan's point-to-point profile: 0..1 -> 0..1, at rest at both ends."""
    s = np.clip(s, 0.0, 1.0)
    return np.asarray(s * s * s * (10 + s * (6 * s - 15)))


def envelope(time_s: Array, duration_s: float, ramp_s: float = 0.22) -> Array:
    """1 within the duration, rising from 0 at its start and falling to 0 at its end."""
    ramp = min(ramp_s, duration_s / 3)
    return minimum_jerk(time_s / ramp) * minimum_jerk((duration_s - time_s) / ramp)


def _swing(track: ArmTrack, stroke: Stroke, angle: Array, axis: Array, hand: float) -> None:
    """Turn forearm and hand about the elbow; the hand by `hand` times more, as wrists lag."""
    q = about(axis, angle)
    track.wrist[:] = stroke.elbow + turn(q, track.wrist - stroke.elbow)
    track.pole[:] = stroke.elbow
    track.turn[:] = multiply(about(axis, hand * angle), multiply(q, track.turn))


def _wave(track: ArmTrack, stroke: Stroke) -> None:
    phase, strength = stroke.cycle()
    _swing(track, stroke, stroke.size * np.sin(phase) * strength, _X, 0.35)


def _wag(track: ArmTrack, stroke: Stroke) -> None:
    phase, strength = stroke.cycle()
    normal = turn(track.turn, np.broadcast_to(_X, track.wrist.shape))
    angle = stroke.size * np.sin(phase) * strength
    track.turn[:] = multiply(about(normal, angle), track.turn)


def _twist(track: ArmTrack, stroke: Stroke) -> None:
    phase, strength = stroke.cycle()
    along = turn(track.turn, np.broadcast_to(_Z, track.wrist.shape))
    track.turn[:] = multiply(about(along, stroke.size * np.sin(phase) * strength), track.turn)


def _flap(track: ArmTrack, stroke: Stroke, bend: float, curl: float, shift: Array) -> None:
    beat = stroke.beats()
    side = turn(track.turn, np.broadcast_to(_Y, track.wrist.shape))
    track.turn[:] = multiply(about(side, bend * stroke.size * beat), track.turn)
    track.wrist += beat[:, None] * shift * stroke.amplitude
    for joint, share in ((0, 1.0), (1, 0.8), (2, 0.4)):
        track.angles[:, joint:16:4] += curl * share * stroke.size * beat[:, None]
    np.clip(track.angles, LIMIT_LOW, LIMIT_HIGH, out=track.angles)


def _beckon(track: ArmTrack, stroke: Stroke) -> None:
    _flap(track, stroke, 0.45, 1.05, np.array([-0.11, 0.02, 0.06]))


def _shoo(track: ArmTrack, stroke: Stroke) -> None:
    _flap(track, stroke, -1.0, -0.05, np.array([0.13, 0.0, 0.10]))


def _swipe(track: ArmTrack, stroke: Stroke) -> None:
    # The viewer's left is the person's right; y of the arm's channels points to the midline.
    outward = (stroke.toward == "left") == (stroke.side == 1)
    # Setting off at once, arriving before the stroke is over: a swipe ends in a short rest.
    moving = min(0.85 * stroke.duration_s, 0.9 / stroke.speed)
    s = minimum_jerk((stroke.time_s - 0.04) / moving)
    offset = (-1.0 if outward else 1.0) * stroke.size * (s - 0.5)
    track.wrist[:, 1] += offset
    # The hand runs on an arc about the shoulder, and turns with it.
    track.wrist[:, 0] -= 0.45 * np.square(offset)
    track.turn[:] = multiply(about(_Z, 0.9 * offset), track.turn)


def _circle(track: ArmTrack, stroke: Stroke) -> None:
    phase, strength = stroke.cycle()
    radius = stroke.size * strength
    track.wrist[:, 1] += radius * np.sin(phase)
    track.wrist[:, 2] -= radius * np.cos(phase)


def _stir(track: ArmTrack, stroke: Stroke) -> None:
    phase, strength = stroke.cycle()
    radius = stroke.size * strength
    across, along = radius * np.sin(phase), -radius * np.cos(phase)
    track.wrist[:, 1] += across
    track.wrist[:, 0] += along
    # The fingers lead: the hand leans the way it is off the middle, so that tips go further.
    lean = multiply(about(_X, -1.6 * across), about(_Y, 1.6 * along))
    track.turn[:] = multiply(lean, track.turn)


def _roll(track: ArmTrack, stroke: Stroke) -> None:
    phase, strength = stroke.cycle()
    radius = stroke.size * strength
    # Forward over the top, seen at a slant so that the viewer sees a circle, too.
    track.wrist[:, 0] += 0.8 * radius * np.sin(phase)
    track.wrist[:, 1] += 0.5 * radius * np.sin(phase)
    track.wrist[:, 2] += radius * np.cos(phase)
    along = turn(track.turn, np.broadcast_to(_Y, track.wrist.shape))
    track.turn[:] = multiply(about(along, 1.5 * radius * np.sin(phase)), track.turn)


def _raise(track: ArmTrack, stroke: Stroke) -> None:
    sign = 1.0 if stroke.toward == "up" else -1.0
    moving = min(0.7 * stroke.duration_s, 0.9 / stroke.speed)
    track.wrist[:, 2] += sign * stroke.size * minimum_jerk((stroke.time_s - 0.04) / moving)


def _grasp(track: ArmTrack, stroke: Stroke) -> None:
    beat = stroke.size * stroke.beats()
    for joint, share in ((0, 0.75), (1, 1.0), (2, 0.55)):
        track.angles[:, joint:16:4] += share * beat[:, None]
    track.angles[:, 3:16:4] *= (1 - 0.8 * stroke.beats())[:, None]
    track.angles[:, 17] += 0.15 * beat
    track.angles[:, 19:21] += 0.35 * beat[:, None]
    np.clip(track.angles, LIMIT_LOW, LIMIT_HIGH, out=track.angles)


def _push(track: ArmTrack, stroke: Stroke) -> None:
    track.wrist[:, 0] += stroke.size * stroke.beats()


def _bounce(track: ArmTrack, stroke: Stroke) -> None:
    sign = 1.0 if stroke.toward == "up" else -1.0
    track.wrist[:, 2] += sign * stroke.size * stroke.beats()


def _clap(track: ArmTrack, stroke: Stroke) -> None:
    track.wrist[:, 1] -= 0.5 * stroke.size * stroke.beats()


@dataclass(frozen=True)
class Primitive:
    """play: the movement; ranges: parameters it needs; toward: the directions it can take."""

    play: Callable[[ArmTrack, Stroke], None]
    ranges: tuple[str, ...]
    optional: tuple[str, ...] = ()
    toward: tuple[str, ...] = ()
    both_hands: bool = False


_REPEATED = ("count",)
PRIMITIVES: dict[str, Primitive] = {
    # The forearm swings sideways about the elbow.
    "wave": Primitive(_wave, ("degrees", "rate_hz"), _REPEATED),
    # The hand alone swings sideways about the wrist.
    "wag": Primitive(_wag, ("degrees", "rate_hz"), _REPEATED),
    # The hand turns to and fro about the forearm.
    "twist": Primitive(_twist, ("degrees", "rate_hz"), _REPEATED),
    # Fingers and hand bend towards the person.
    "beckon": Primitive(_beckon, ("degrees", "rate_hz"), _REPEATED),
    # The hanging hand flicks up and away from the person.
    "shoo": Primitive(_shoo, ("degrees", "rate_hz"), _REPEATED),
    # One stroke sideways, to the viewer's left or right.
    "swipe": Primitive(_swipe, ("length",), (), ("left", "right")),
    # The hand draws circles in front of the person.
    "circle": Primitive(_circle, ("length", "rate_hz"), _REPEATED),
    # The hand stirs: circles in the horizontal plane, the fingers going furthest.
    "stir": Primitive(_stir, ("length", "rate_hz"), _REPEATED),
    # The hand rolls forward over the top, as a wheel does.
    "roll": Primitive(_roll, ("length", "rate_hz"), _REPEATED),
    # The hand goes up or down and stays there.
    "raise": Primitive(_raise, ("length",), (), ("up", "down")),
    # The fingers close and open.
    "grasp": Primitive(_grasp, ("degrees", "rate_hz"), _REPEATED),
    # The hand goes forward and back.
    "push": Primitive(_push, ("length", "rate_hz"), _REPEATED),
    # The hand goes up or down and back.
    "bounce": Primitive(_bounce, ("length", "rate_hz"), _REPEATED, ("up", "down")),
    # Both hands part and meet; the posture is where they meet.
    "clap": Primitive(_clap, ("length", "rate_hz"), _REPEATED, (), True),
}


def draw(motion: MotionDescription, rng: np.random.Generator) -> dict[str, float]:
    """One value for each range of the description."""
    return {name: float(rng.uniform(*motion.ranges[name])) for name in sorted(motion.ranges)}


def play(base: ArmTrack, motion: tuple[MotionDescription, ...], strokes: list[Stroke]) -> ArmTrack:
    """A held arm (first sample of `base`) with every motion played on it, one Stroke each.
    Without motion there are no strokes and the arm stays as it is."""
    if not strokes:
        return base
    track = base.held(len(strokes[0].time_s))
    for description, stroke in zip(motion, strokes, strict=True):
        PRIMITIVES[description.kind].play(track, stroke)
    return track
