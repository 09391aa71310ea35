"""One arm on the time grid: point-to-point movements, strokes, and holding in between."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.arm import two_bone
from bharnet_ros.gestures.body import BodyShape
from bharnet_ros.gestures.motion import ArmTrack, minimum_jerk
from bharnet_ros.gestures.rotations import (
    about,
    matrix_to_quaternion,
    multiply,
    shortest_arc,
    slerp,
    turn,
    unit,
)

Array = npt.NDArray[np.float64]

# Hands travel on slightly bowed paths, round the body instead of through it (arm lengths per
# arm length of way: forward, inward, up).
_BOW = np.array([0.10, -0.09, 0.0])


class ArmTimeline:
    """Filled from left to right; after the newest entry the arm holds still."""

    def __init__(self, times: Array, start: ArmTrack, shape: BodyShape) -> None:
        self._times = times
        self._bones = (shape.upper_arm / shape.arm, shape.forearm / shape.arm)
        self._last = start
        self.track = start.held(len(times))

    @property
    def last(self) -> ArmTrack:
        """Where the arm is after the newest entry (one sample)."""
        return self._last

    def move(self, begin_s: float, end_s: float, target: ArmTrack) -> None:
        """A minimum-jerk movement from where the arm is to `target`.

        The wrist goes there on a slightly bowed line; the elbow swings evenly about the line from
        shoulder to wrist; the hand turns against the forearm, not in space, so that a wrist that
        is at ease at both ends is at ease on the way. The fingers are ready a little earlier.
        """
        source = self._last
        rows = slice(*np.searchsorted(self._times, [begin_s, end_s]))
        u = (self._times[rows] - begin_s) / max(end_s - begin_s, 1e-6)
        s = minimum_jerk(u)[:, None]
        way = target.wrist - source.wrist
        bow = 4 * s * (1 - s) * float(np.linalg.norm(way)) * _BOW
        fingers = minimum_jerk((u - 0.05) / 0.85)[:, None]
        wrist = source.wrist + s * way + bow
        pole = self._swinging(source, target, wrist, s[:, 0])
        before, after = self._against_forearm(source), self._against_forearm(target)
        held = slerp(before, after, s[:, 0])
        self._fill(
            rows,
            ArmTrack(
                wrist,
                pole,
                multiply(self._forearm_turn(wrist, pole), held),
                source.angles + fingers * (target.angles - source.angles),
            ),
            target,
        )

    def _swinging(self, source: ArmTrack, target: ArmTrack, wrist: Array, s: Array) -> Array:
        """(N, 3) poles from the source's to the target's elbow side, square to the arm's line."""
        ends = np.concatenate([source.wrist, (source.wrist + target.wrist) / 2, target.wrist])
        ends[1] += float(np.linalg.norm(ends[2] - ends[0])) * _BOW
        first, middle, last = unit(ends)
        start, end = (
            unit(p - np.dot(p, a) * a) for p, a in ((source.pole[0], first), (target.pole[0], last))
        )
        # Carried along with the arm's line, by way of its middle so that no arc is wide.
        half = turn(shortest_arc(first, middle), start)
        carried = turn(shortest_arc(middle, last), half)
        swivel = float(np.arctan2(np.dot(np.cross(carried, end), last), np.dot(carried, end)))
        axis = unit(wrist)
        side = turn(shortest_arc(np.broadcast_to(middle, axis.shape), axis), half[None])
        return turn(about(axis, s * swivel), side)

    def _forearm_turn(self, wrist: Array, pole: Array) -> Array:
        """(N, 4) turns of a frame fixed to the forearm: z along it, x square to the bent arm."""
        elbow, end = two_bone(np.zeros(3), wrist, pole, *self._bones)
        along = unit(end - elbow)
        hinge = unit(np.cross(unit(wrist), pole))
        return matrix_to_quaternion(np.stack([hinge, np.cross(along, hinge), along], axis=-1))

    def _against_forearm(self, moment: ArmTrack) -> Array:
        """(4,) the hand's turn in the forearm's frame."""
        frame = self._forearm_turn(moment.wrist, moment.pole)[0]
        return multiply(frame * [1, -1, -1, -1], moment.turn[0])

    def stroke_times(self, begin_s: float, end_s: float) -> Array:
        """The grid's times within a stroke, from 0, with both ends added: (M + 2,) seconds."""
        rows = slice(*np.searchsorted(self._times, [begin_s, end_s]))
        return np.concatenate([[0.0], self._times[rows] - begin_s, [end_s - begin_s]])

    def stroke(self, begin_s: float, end_s: float, track: ArmTrack) -> None:
        """A movement given at every `stroke_times` of the same interval."""
        rows = slice(*np.searchsorted(self._times, [begin_s, end_s]))
        inner = ArmTrack(*(a[1:-1] for a in track.parts()))
        self._fill(rows, inner, track.moment(-1))

    def _fill(self, rows: slice, values: ArmTrack, after: ArmTrack) -> None:
        for row, value, end in zip(self.track.parts(), values.parts(), after.parts(), strict=True):
            row[rows] = value
            row[rows.stop :] = end
        self._last = after
