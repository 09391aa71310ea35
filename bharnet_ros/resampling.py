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
) -> tuple[FloatArray, FloatArray]:
    """Observations at any times -> values at the wanted times, keypoint by keypoint.

    stamps_ns: (F,) strictly rising; keypoints: (F, K, 2); scores: (F, K), 0 = missing.
    steps_ns: (T,) rising. Returns (T, K, 2) and (T, K): straight lines between the nearest
    observations on both sides if these are at most `max_gap_ns` apart, otherwise zeros.
    """
    frames = len(scores)
    if frames == 0:
        shape = (len(steps_ns), scores.shape[1])
        return np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    valid = scores > 0.0
    ever = np.asarray(valid.any(axis=0))
    at_or_before = np.searchsorted(stamps_ns, steps_ns, side="right") - 1
    at_or_after = np.searchsorted(stamps_ns, steps_ns, side="left")
    place = _Place(
        (at_or_before >= 0) & (at_or_after < frames),
        np.maximum(at_or_before, 0),
        np.minimum(at_or_after, frames - 1),
    )
    observed = (stamps_ns, keypoints, scores)
    if np.array_equal(ever, valid.all(axis=0)):
        return _from_whole_frames(observed, steps_ns, max_gap_ns, place, ever)
    return _each_from_its_own(observed, steps_ns, max_gap_ns, place)


class _Place(NamedTuple):
    """(T,) of each step: whether it lies among the frames, the frames before and after it."""

    inside: npt.NDArray[np.bool_]
    before: npt.NDArray[np.intp]
    after: npt.NDArray[np.intp]


_Observed = tuple[npt.NDArray[np.int64], FloatArray, FloatArray]


def _from_whole_frames(
    observed: _Observed,
    steps_ns: npt.NDArray[np.int64],
    max_gap_ns: int,
    place: _Place,
    ever: npt.NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Where every keypoint is in all frames, so that they share their times, or in none.

    ever: (K,) which keypoints there are.
    """
    stamps_ns, keypoints, scores = observed
    before_ns = stamps_ns[place.before]
    span_ns = stamps_ns[place.after] - before_ns
    known = (place.inside & (span_ns <= max_gap_ns))[:, None]
    share = ((steps_ns - before_ns) / np.maximum(span_ns, 1)).astype(np.float32)[:, None]
    shape = (len(stamps_ns), -1)  # x and y side by side: longer rows are quicker
    flat = np.ascontiguousarray(keypoints, dtype=np.float32).reshape(shape)
    points = _between(flat[place.before], flat[place.after], share) * known
    weights = _between(scores[place.before], scores[place.after], share) * known
    if not ever.all():
        points *= np.repeat(ever, 2)
        weights *= ever
    return points.reshape(*weights.shape, 2), weights


def _each_from_its_own(
    observed: _Observed, steps_ns: npt.NDArray[np.int64], max_gap_ns: int, place: _Place
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
    known &= span_ns <= max_gap_ns
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
    moved: Values = old + (new - old) * share
    return moved
