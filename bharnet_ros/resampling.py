"""Observations at any times -> values at evenly spaced ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import FloatArray

Values = npt.NDArray[Any]


def step_stamps(start_ns: int, end_ns: int, num_steps: int) -> npt.NDArray[np.int64]:
    """(T,) evenly spaced stamps from start to end, both included, rounded to nanoseconds."""
    stamps: npt.NDArray[np.int64] = np.int64(start_ns) + _offsets(end_ns - start_ns, num_steps)
    return stamps


@lru_cache(maxsize=64)
def _offsets(length_ns: int, num_steps: int) -> npt.NDArray[np.int64]:
    """Not to be written to: it is made once for all windows of a length."""
    offsets = np.rint(np.linspace(0.0, float(length_ns), num_steps)).astype(np.int64)
    offsets.flags.writeable = False
    return offsets


def resample(
    stamps_ns: npt.NDArray[np.int64],
    keypoints: FloatArray,
    scores: FloatArray,
    steps_ns: npt.NDArray[np.int64],
    max_gap_ns: int,
    joins_ns: npt.NDArray[np.int64] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Observations at any times -> values at the wanted times, keypoint by keypoint.

    stamps_ns: (F,) strictly rising; keypoints: (F, K, 2); scores: (F, K), 0 = missing.
    steps_ns: (T,) rising. Returns (T, K, 2) and (T, K): straight lines between the nearest
    observations on both sides if these are at most `max_gap_ns` apart, otherwise zeros.
    joins_ns: (F,) how far apart two observations may be instead that lie in frame f and the one
    right before it; None = max_gap_ns there, too.
    """
    points, weights = resample_together(
        stamps_ns, keypoints[None], scores[None], steps_ns, max_gap_ns, joins_ns
    )
    return points[0], weights[0]


def resample_together(
    stamps_ns: npt.NDArray[np.int64],
    keypoints: FloatArray,
    scores: FloatArray,
    steps_ns: npt.NDArray[np.int64],
    max_gap_ns: int,
    joins_ns: npt.NDArray[np.int64] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """As `resample`, for P people who were seen in the same frames.

    keypoints: (P, F, K, 2); scores: (P, F, K). Returns (P, T, K, 2) and (P, T, K), for each of
    them what `resample` gives.
    """
    people, frames, num_keypoints = scores.shape
    if frames == 0:
        shape = (people, len(steps_ns), num_keypoints)
        return np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    if joins_ns is None:
        joins_ns = np.full(frames, max_gap_ns, np.int64)
    valid = scores > 0.0
    ever = np.asarray(valid.any(axis=1))
    at_or_before = np.searchsorted(stamps_ns, steps_ns, side="right") - 1
    at_or_after = np.searchsorted(stamps_ns, steps_ns, side="left")
    place = _Place(
        (at_or_before >= 0) & (at_or_after < frames),
        np.maximum(at_or_before, 0),
        np.minimum(at_or_after, frames - 1),
    )
    whole = (ever == valid.all(axis=1)).all(axis=1)
    if whole.all():
        observed = (stamps_ns, keypoints, scores)
        return _from_whole_frames(observed, steps_ns, joins_ns, place, ever)
    points = np.empty((people, len(steps_ns), num_keypoints, 2), np.float32)
    weights = np.empty((people, len(steps_ns), num_keypoints), np.float32)
    if whole.any():
        observed = (stamps_ns, keypoints[whole], scores[whole])
        points[whole], weights[whole] = _from_whole_frames(
            observed, steps_ns, joins_ns, place, ever[whole]
        )
    for person in np.flatnonzero(~whole):
        observed = (stamps_ns, keypoints[person], scores[person])
        points[person], weights[person] = _each_from_its_own(
            observed, steps_ns, max_gap_ns, joins_ns, place
        )
    return points, weights


class _Place(NamedTuple):
    """(T,) of each step: whether it lies among the frames, the frames before and after it."""

    inside: npt.NDArray[np.bool_]
    before: npt.NDArray[np.intp]
    after: npt.NDArray[np.intp]


_Observed = tuple[npt.NDArray[np.int64], FloatArray, FloatArray]


def _from_whole_frames(
    observed: _Observed,
    steps_ns: npt.NDArray[np.int64],
    joins_ns: npt.NDArray[np.int64],
    place: _Place,
    ever: npt.NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Where every keypoint is in all frames, so that they share their times, or in none.

    observed: of people (P, F, ...). ever: (P, K) which keypoints there are.
    """
    stamps_ns, keypoints, scores = observed
    before_ns = stamps_ns[place.before]
    span_ns = stamps_ns[place.after] - before_ns
    # Factors as floats: products with booleans convert them number by number.
    known = (place.inside & (span_ns <= joins_ns[place.after])).astype(np.float32)[:, None]
    share = ((steps_ns - before_ns) / np.maximum(span_ns, 1)).astype(np.float32)[:, None]
    shape = (*scores.shape[:2], -1)  # x and y side by side: longer rows are quicker
    flat = np.ascontiguousarray(keypoints, dtype=np.float32).reshape(shape)
    points = _between(flat.take(place.before, 1), flat.take(place.after, 1), share)
    weights = _between(scores.take(place.before, 1), scores.take(place.after, 1), share)
    points *= known
    weights *= known
    if not ever.all():
        there = ever.astype(np.float32)[:, None]
        points *= np.repeat(there, 2, axis=2)
        weights *= there
    return points.reshape(*weights.shape, 2), weights


def _each_from_its_own(
    observed: _Observed,
    steps_ns: npt.NDArray[np.int64],
    max_gap_ns: int,
    joins_ns: npt.NDArray[np.int64],
    place: _Place,
) -> tuple[FloatArray, FloatArray]:
    """Where keypoints are missing now and then: each between its own observations."""
    stamps_ns, keypoints, scores = observed
    frames, num_keypoints = scores.shape
    valid = scores > 0.0
    # For every frame and keypoint: the newest observation up to it, the oldest from it on.
    number = np.arange(frames)[:, None]
    up_to = np.maximum.accumulate(np.where(valid, number, -1), axis=0)
    from_on = np.minimum.accumulate(np.where(valid, number, frames)[::-1], axis=0)[::-1]
    before, after = up_to[place.before], from_on[place.after]
    known = place.inside[:, None] & (before >= 0) & (after < frames)
    before = np.where(known, before, 0)
    after = np.where(known, after, 0)

    before_ns = stamps_ns[before]
    span_ns = stamps_ns[after] - before_ns
    known &= span_ns <= np.where(after - before <= 1, joins_ns[after], max_gap_ns)
    share = ((steps_ns[:, None] - before_ns) / np.maximum(span_ns, 1)).astype(np.float32)
    # x and y travel as one complex number: half the gathering, which is what costs here.
    flat = np.ascontiguousarray(keypoints, dtype=np.float32).view(np.complex64).ravel()
    flat_scores = scores.ravel()
    column = np.arange(num_keypoints)
    from_index, to_index = before * num_keypoints + column, after * num_keypoints + column
    points = _between(flat[from_index], flat[to_index], share) * known
    weights = _between(flat_scores[from_index], flat_scores[to_index], share) * known
    return points.view(np.float32).reshape(*weights.shape, 2), weights


def _between(old: Values, new: Values, share: FloatArray) -> Values:
    moved: Values = new - old
    moved *= share
    moved += old
    return moved
