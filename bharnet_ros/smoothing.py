"""Steadier keypoints of tracked people: a temporal filter after tracking.

One Euro (Casiez, Roussel, Vogel, CHI 2012) in lengths of the person's own torso, so that near and
far people are treated alike. At rest it averages over a tenth of a second; a point that moves
evenly stays less than 1 / (2 pi BETA) torso lengths (4 mm) behind, however fast it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.filters import OneEuroFilter
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray, Skeleton, SkeletonFrame

MAX_STRENGTH = 4.0
MAX_GAP_S = 0.25
"""Somebody unseen for longer is not smoothed towards where they were."""
MIN_CUTOFF_HZ, BETA, SPEED_CUTOFF_HZ = 1.5, 20.0, 1.5
"""At strength 1: cutoff at rest, its rise per torso length a second, and that of the speed. Among
the steadiest that leave slow and fast points at most half an image of 30 a second behind, chosen
on drawn people of other seeds than those of `benchmarks/smoothing.py`, which measures it."""
TORSO_PER_BOX = 0.3
"""Of an adult: what the torso is of the box's longer side."""
SIZE_S = 0.5
"""Time constant with which the unit of length follows a person's size."""
_CORNERS = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


class Smoother:
    """Smooths the keypoints of everybody in the frames of one camera, by track id.

    strength: 0 = off (frames pass as they are), 1 = steadier without visible lag
    (docs/perception.md has the figures), more = steadier still and later, for jittery estimators;
    it may be set at any time. max_gap_s: after a longer gap, or where a keypoint was missing, the
    filter starts afresh. Stamps that go back start everybody afresh.

    Boxes, scores, ids and missing keypoints pass unchanged, as does who has no track id (-1).
    Raises ConfigurationError for values out of range.
    """

    def __init__(self, strength: float = 1.0, max_gap_s: float = MAX_GAP_S) -> None:
        if not 0.0 < max_gap_s <= 10.0:
            raise ConfigurationError(
                f"max_gap_s of the smoothing is {max_gap_s}; it must be above 0 and at most 10"
            )
        self._max_gap_s = float(max_gap_s)
        self._people: dict[int, _Person] = {}
        self._stamp_ns: int | None = None
        self._layout = ""
        self.strength = strength

    @property
    def strength(self) -> float:
        """How much is smoothed; 0 = not at all."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        if isinstance(value, bool) or not 0.0 <= value <= MAX_STRENGTH:
            raise ConfigurationError(
                f"The strength of the smoothing is {value!r}; it must lie between 0 (off) and "
                f"{MAX_STRENGTH:g}"
            )
        self._strength = float(value)
        self.reset()

    def reset(self) -> None:
        """Forget everybody; the next frame passes as it is."""
        self._people, self._stamp_ns = {}, None

    def update(self, frame: SkeletonFrame) -> SkeletonFrame:
        """The same people with smoothed keypoints; a frame without a tracked person as it is."""
        if self._strength <= 0.0:
            return frame
        back = self._stamp_ns is not None and frame.stamp_ns <= self._stamp_ns
        if back or frame.layout != self._layout:
            self.reset()
        self._stamp_ns, self._layout = frame.stamp_ns, frame.layout
        oldest_ns = frame.stamp_ns - round(self._max_gap_s * 1e9)
        self._people = {i: p for i, p in self._people.items() if p.seen_ns >= oldest_ns}
        smoothed = tuple(
            person if person.track_id < 0 else self._smooth(person, frame)
            for person in frame.skeletons
        )
        return replace(frame, skeletons=smoothed)

    def _smooth(self, skeleton: Skeleton, frame: SkeletonFrame) -> Skeleton:
        now = torso_px(skeleton, frame.layout)
        person = self._people.get(skeleton.track_id)
        if person is None:
            euro = OneEuroFilter(
                MIN_CUTOFF_HZ / self._strength, BETA / self._strength, SPEED_CUTOFF_HZ,
                self._max_gap_s,
            )  # fmt: skip
            person = self._people[skeleton.track_id] = _Person(euro, now, frame.stamp_ns)
        share = min((frame.stamp_ns - person.seen_ns) * 1e-9 / SIZE_S, 1.0)
        person.torso_px += share * (now - person.torso_px)
        person.seen_ns = frame.stamp_ns
        # A point that is no number counts as missing: the filter would remember it for good.
        usable = (skeleton.scores > 0.0) & np.isfinite(skeleton.keypoints).all(axis=1)
        found = person.euro(
            np.where(usable[:, None], skeleton.keypoints, 0.0), usable.astype(np.float32),
            frame.stamp_ns, person.torso_px,
        )  # fmt: skip
        keypoints: FloatArray = np.where(usable[:, None], found, skeleton.keypoints)
        return replace(skeleton, keypoints=keypoints.astype(np.float32))


@dataclass(eq=False)
class _Person:
    """What is remembered of one track; torso_px is their unit of length."""

    euro: OneEuroFilter
    torso_px: float
    seen_ns: int


def torso_px(skeleton: Skeleton, layout: str) -> float:
    """From the middle of the shoulders to that of the hips in pixels, 1 or more.

    Guessed from the box where they are not all seen; a point that is no number is not seen.
    """
    corners = _corners(layout)
    if len(corners) and (skeleton.scores[corners] > 0.0).all():
        points = skeleton.keypoints[corners].astype(np.float64)
        if np.isfinite(points).all():
            left, right, left_hip, right_hip = points
            return max(float(np.linalg.norm(left + right - left_hip - right_hip)) / 2.0, 1.0)
    guess = TORSO_PER_BOX * float(skeleton.bbox[2:].max())
    return max(guess, 1.0) if math.isfinite(guess) else 1.0


@cache
def _corners(layout: str) -> npt.NDArray[np.intp]:
    """Shoulders and hips of a layout: 4 indices, or none if it lacks one of them."""
    spec = get_layout(layout)
    known = all(name in spec.keypoint_names for name in _CORNERS)
    return np.array([spec.index(name) for name in _CORNERS] if known else [], np.intp)
