"""What is kept of one tracked person: the newest frames, in contiguous memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import FloatArray


class TrackHistory:
    """Frames of one person in contiguous memory, oldest first.

    capacity: frames kept at most. Twice that is reserved; reaching its end moves the live part to
    the front, so `view` never copies.
    """

    def __init__(self, capacity: int, num_keypoints: int) -> None:
        self._capacity = capacity
        self._stamps = np.empty(2 * capacity, np.int64)
        self._keypoints = np.empty((2 * capacity, num_keypoints, 2), np.float32)
        self._scores = np.empty((2 * capacity, num_keypoints), np.float32)
        self._follows = np.empty(2 * capacity, np.bool_)
        self._first = 0
        self._end = 0

    @property
    def newest_ns(self) -> int:
        """Stamp of the newest frame."""
        return int(self._stamps[self._end - 1])

    def append(
        self,
        stamp_ns: int,
        keypoints: FloatArray,
        scores: FloatArray,
        spacing_ns: int,
        follows: bool = True,
    ) -> None:
        """Add the next frame, (K, 2) and (K,); it takes the place of the newest one if that and
        the one before it are closer than `spacing_ns`. follows: no frame without this person lies
        between it and the newest one."""
        crowded = (
            self._end - self._first >= 2
            and self._stamps[self._end - 1] - self._stamps[self._end - 2] < spacing_ns
        )
        if crowded:  # Faster than can be kept: the newest replaces the second newest.
            self._end -= 1
            follows = follows and bool(self._follows[self._end])
        elif self._end == len(self._stamps):
            live = slice(self._first, self._end)
            count = self._end - self._first
            for array in (self._stamps, self._keypoints, self._scores, self._follows):
                array[:count] = array[live].copy()
            self._first, self._end = 0, count
        self._stamps[self._end] = stamp_ns
        self._keypoints[self._end] = keypoints
        self._scores[self._end] = scores
        self._follows[self._end] = follows
        self._end += 1
        self._first = max(self._first, self._end - self._capacity)

    def forget_before(self, stamp_ns: int) -> None:
        """Drop frames older than this."""
        live = self._stamps[self._first : self._end]
        self._first += int(np.searchsorted(live, stamp_ns, side="left"))

    def view(self) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
        """Stamps (F,), keypoints (F, K, 2) and scores (F, K), oldest first."""
        live = slice(self._first, self._end)
        return self._stamps[live], self._keypoints[live], self._scores[live]

    @property
    def follows(self) -> npt.NDArray[np.bool_]:
        """(F,) for each frame of `view`: no frame without this person lies before it and after the
        one before it."""
        return self._follows[self._first : self._end]
