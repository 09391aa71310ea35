"""A planned performance: ask where every keypoint is at any moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.body import BodyShape
from bharnet_ros.gestures.posture import TURN, arm_slice, whole_body

Array = npt.NDArray[np.float64]

RATE_HZ = 60.0
"""Channels are planned on this grid and interpolated by cubics between its points."""


@dataclass(frozen=True)
class Segment:
    """One gesture in time, seconds: from the first movement to the end of the release.

    arrived_s: the hand is there, the hold or the motion begins. released_s: the way back begins.
    start_s <= arrived_s <= released_s <= end_s; left out, they are the start and the end.
    """

    class_name: str
    start_s: float
    end_s: float
    arrived_s: float = float("nan")
    released_s: float = float("nan")

    def __post_init__(self) -> None:
        if not self.arrived_s >= self.start_s:
            object.__setattr__(self, "arrived_s", self.start_s)
        if not self.released_s <= self.end_s:
            object.__setattr__(self, "released_s", self.end_s)


class Performance:
    """Channels over time and the body they move. Before 0 and after `end_s` the body rests in
    its first and last pose."""

    def __init__(self, channels: Array, shape: BodyShape, segments: tuple[Segment, ...]) -> None:
        for side in (0, 1):
            turns = channels[:, arm_slice(side)][:, TURN]
            # q and -q are the same turn: keep to one side, so that interpolation never flips.
            flips = np.where(np.einsum("ij,ij->i", turns[1:], turns[:-1]) < 0, -1.0, 1.0)
            turns[1:] *= np.cumprod(flips)[:, None]
        self._channels = np.concatenate([channels[:1], channels, channels[-1:], channels[-1:]])
        self._last = len(channels) - 1
        self._shape = shape
        self.segments = segments

    @property
    def shape(self) -> BodyShape:
        return self._shape

    @property
    def end_s(self) -> float:
        """The planned time, seconds."""
        return self._last / RATE_HZ

    def channels(self, times_s: Array) -> Array:
        """(N,) seconds -> (N, C) channels, by Catmull-Rom cubics."""
        x = np.clip(np.asarray(times_s, dtype=np.float64) * RATE_HZ, 0.0, self._last)
        i = x.astype(np.int64)
        u = (x - i)[:, None]
        c = self._channels
        p0, p1, p2, p3 = c[i], c[i + 1], c[i + 2], c[i + 3]
        return np.asarray(
            p1 + 0.5 * u * (p2 - p0 + u * (2 * p0 - 5 * p1 + 4 * p2 - p3
                                           + u * (3 * (p1 - p2) + p3 - p0)))
        )  # fmt: skip

    def poses(self, times_s: Array) -> Array:
        """(N,) seconds -> (N, 133, 3) keypoints, metres, in the body's frame."""
        return whole_body(self.channels(np.atleast_1d(times_s)), self._shape)

    def pose(self, t_s: float) -> Array:
        """Seconds -> (133, 3) keypoints, metres, in the body's frame."""
        return np.asarray(self.poses(np.array([t_s]))[0])

    def active(self, t_s: float) -> Segment | None:
        """The gesture in progress at t_s, if any."""
        for segment in self.segments:
            if segment.start_s <= t_s < segment.end_s:
                return segment
        return None
