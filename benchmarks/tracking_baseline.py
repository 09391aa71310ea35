"""The tracker that the package had first, kept as what `benchmarks.tracking` compares with.

Every track is moved on by its own velocity for at most half a second, compared with every person
found (median keypoint distance and box overlap), and the best one-to-one assignment is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.assignment import assign
from bharnet_ros.boxes import box_overlap
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Skeleton, SkeletonFrame

Array = npt.NDArray[np.floating[Any]]

MIN_KEYPOINT_SCORE = 0.3
MIN_COMMON_KEYPOINTS = 3
VELOCITY_MEMORY_S = 0.15
"""Time constant of the velocity estimate."""
COAST_S = 0.5
"""How long an unseen track keeps moving; then it waits where it is."""


@dataclass
class _Track:
    """One person over time. velocity: (2,) pixels per second of the body's middle."""

    track_id: int
    seen: Skeleton
    seen_ns: int
    velocity: npt.NDArray[np.float64]
    age_s: float = 0.0


class FirstTracker:
    """Gives every skeleton a track id that stays with the person.

    max_lost_s: how long somebody may be out of sight and still get the old id back.
    min_affinity: 0..1, the least likeness of a person to a track; lower follows faster motion,
    higher mixes people up less. max_tracks: tracks remembered at most; the longest unseen go.

    Ids count up from 0 and are never given twice, not even after a reset or when the time
    jumps back (which starts afresh, as a looping bag does).
    """

    def __init__(
        self, max_lost_s: float = 1.0, min_affinity: float = 0.25, max_tracks: int = 64
    ) -> None:
        if not 0.0 <= max_lost_s <= 60.0:
            raise ConfigurationError(f"max_lost_s is {max_lost_s}; it must lie between 0 and 60")
        if not 0.0 < min_affinity < 1.0:
            raise ConfigurationError(f"min_affinity is {min_affinity}; it must lie within 0..1")
        if max_tracks < 1:
            raise ConfigurationError(f"max_tracks is {max_tracks}; it must be at least 1")
        self._max_lost_s = float(max_lost_s)
        self._min_affinity = float(min_affinity)
        self._max_tracks = int(max_tracks)
        self._tracks: list[_Track] = []
        self._next_id = 0
        self._stamp_ns: int | None = None
        self._layout = ""

    def reset(self) -> None:
        """Forget everybody; the next people get new ids."""
        self._tracks, self._stamp_ns = [], None

    def update(self, frame: SkeletonFrame) -> SkeletonFrame:
        """The same frame with track ids; order and everything else unchanged.

        Which id a person gets does not depend on the order of the skeletons.
        """
        stamp_ns = frame.stamp_ns
        if (self._stamp_ns is not None and stamp_ns < self._stamp_ns) or (
            frame.layout != self._layout
        ):
            self.reset()
        self._stamp_ns, self._layout = stamp_ns, frame.layout
        self._tracks = [t for t in self._tracks if self._lost_s(t, stamp_ns) <= self._max_lost_s]
        body = get_layout(frame.layout).body_indices
        order = sorted(range(len(frame.skeletons)), key=lambda i: _canonical(frame.skeletons[i]))
        people = [frame.skeletons[i] for i in order]
        shifts = [t.velocity * min(self._lost_s(t, stamp_ns), COAST_S) for t in self._tracks]
        affinity = likeness([t.seen for t in self._tracks], people, shifts, body)
        tracks: list[_Track | None] = [None] * len(people)
        for i, j in assign(affinity, self._min_affinity):
            _follow(self._tracks[i], people[j], stamp_ns, body)
            tracks[j] = self._tracks[i]
        ids = [-1] * len(people)
        for j, person in enumerate(people):
            track = tracks[j] or self._start(person, stamp_ns)
            ids[order[j]] = track.track_id
        self._tracks.sort(key=lambda t: (-t.seen_ns, t.track_id))
        del self._tracks[self._max_tracks :]
        named = zip(frame.skeletons, ids, strict=True)
        return replace(frame, skeletons=tuple(replace(s, track_id=i) for s, i in named))

    def _start(self, person: Skeleton, stamp_ns: int) -> _Track:
        """A new track for somebody not seen before."""
        track = _Track(self._next_id, person, stamp_ns, np.zeros(2))
        self._next_id += 1
        self._tracks.append(track)
        return track

    @staticmethod
    def _lost_s(track: _Track, stamp_ns: int) -> float:
        return (stamp_ns - track.seen_ns) * 1e-9


def likeness(
    before: Sequence[Skeleton],
    now: Sequence[Skeleton],
    shifts: Sequence[Array],
    body: npt.NDArray[np.intp],
) -> npt.NDArray[np.float64]:
    """(R, C) 0..1, how likely skeleton r of before and c of now are one person; 1 = same place.

    shifts: R of (2,) pixels that each of `before` is expected to have moved. body: indices of the
    keypoints to compare. Falls back to the boxes' centres where too few are seen in both.
    All pairs at once, because a loop over them costs more than everything else for a crowd.
    """
    if not before or not now:
        return np.zeros((len(before), len(now)))
    shift = np.stack(shifts)
    old_boxes = np.stack([s.bbox for s in before]).astype(np.float64)
    new_boxes = np.stack([s.bbox for s in now]).astype(np.float64)
    old_boxes[:, :2] += shift
    old_points = np.stack([s.keypoints[body] for s in before]) + shift[:, None]
    new_points = np.stack([s.keypoints[body] for s in now])
    old_seen = np.stack([s.scores[body] for s in before]) >= MIN_KEYPOINT_SCORE
    new_seen = np.stack([s.scores[body] for s in now]) >= MIN_KEYPOINT_SCORE

    common = old_seen[:, None] & new_seen[None]  # (R, C, V)
    gaps = np.linalg.norm(new_points[None] - old_points[:, None], axis=-1)
    ordered = np.sort(np.where(common, gaps, np.inf), axis=-1)
    count = common.sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, gaps.shape[-1] - 1), axis=-1)
    median = 0.5 * (low + high)[..., 0]
    centres = (
        new_boxes[None, :, :2] + new_boxes[None, :, 2:] / 2
        - old_boxes[:, None, :2] - old_boxes[:, None, 2:] / 2
    )  # fmt: skip
    enough = count[..., 0] >= MIN_COMMON_KEYPOINTS
    gap = np.where(enough, median, np.linalg.norm(centres, axis=-1))
    size = 0.5 * (old_boxes[:, None, 2:].max(axis=-1) + new_boxes[None, :, 2:].max(axis=-1))
    near = np.exp(-4.0 * gap / np.maximum(size, 1.0))
    return np.asarray(0.7 * near + 0.3 * box_overlap(old_boxes[:, None], new_boxes[None]))


def _follow(track: _Track, person: Skeleton, stamp_ns: int, body: npt.NDArray[np.intp]) -> None:
    """Take the person as the track's newest sight and learn its velocity."""
    elapsed_s = (stamp_ns - track.seen_ns) * 1e-9
    if elapsed_s > 0.0:
        speed = _displacement(track.seen, person, body) / elapsed_s
        # Right after its start a track believes each new measurement more than its memory.
        memory_s = min(VELOCITY_MEMORY_S, track.age_s)
        share = elapsed_s / (elapsed_s + memory_s)
        track.velocity = track.velocity + share * (speed - track.velocity)
        track.age_s += elapsed_s
    track.seen, track.seen_ns = person, stamp_ns


def _displacement(
    before: Skeleton, now: Skeleton, body: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """(2,) pixels that the body moved: the median of its keypoints, or its box's centre."""
    common = np.minimum(before.scores[body], now.scores[body]) >= MIN_KEYPOINT_SCORE
    if int(common.sum()) < MIN_COMMON_KEYPOINTS:
        return _box_centre(now) - _box_centre(before)
    steps = now.keypoints[body][common].astype(np.float64) - before.keypoints[body][common]
    return np.asarray(np.median(steps, axis=0))


def _box_centre(skeleton: Skeleton) -> npt.NDArray[np.float64]:
    box = skeleton.bbox.astype(np.float64)
    return np.asarray(box[:2] + 0.5 * box[2:])


def _canonical(skeleton: Skeleton) -> tuple[float, ...]:
    """A key that orders skeletons by what they are, not by where they stand in a list."""
    return (*skeleton.bbox.tolist(), skeleton.bbox_score, *skeleton.keypoints.ravel().tolist())
