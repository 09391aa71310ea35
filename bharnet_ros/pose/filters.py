"""Smoothing keypoints over time: the One Euro filter (Casiez, Roussel, Vogel, CHI 2012)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


class OneEuroFilter:
    """A low-pass filter per keypoint that opens up when the keypoint moves fast.

    min_cutoff_hz: cutoff of a keypoint at rest; lower is smoother. beta: how much the cutoff
    rises (Hz) per unit of speed, where speed is in `scale` lengths per second, so that near
    and far people are treated alike. speed_cutoff_hz: smoothing of the speed itself.
    max_gap_s: after a longer gap, or where a keypoint was missing, the filter starts afresh.
    """

    def __init__(
        self,
        min_cutoff_hz: float = 3.0,
        beta: float = 20.0,
        speed_cutoff_hz: float = 3.0,
        max_gap_s: float = 0.25,
    ) -> None:
        self._min_cutoff_hz = min_cutoff_hz
        self._beta = beta
        self._speed_cutoff_hz = speed_cutoff_hz
        self._max_gap_s = max_gap_s
        self._stamp_ns = 0
        self._valid: npt.NDArray[np.bool_] | None = None
        self._points: npt.NDArray[np.float64] = np.empty((0, 2))
        self._speed: npt.NDArray[np.float64] = np.empty((0, 2))

    def __call__(
        self, points: Array, scores: Array, stamp_ns: int, scale: float
    ) -> npt.NDArray[np.float64]:
        """points: (K, 2) pixels; scores: (K,), 0 = missing; scale: pixels of one length unit.

        Returns the smoothed (K, 2); missing keypoints pass unchanged.
        """
        seen = scores > 0.0
        now = np.asarray(points, dtype=np.float64)
        elapsed_s = (stamp_ns - self._stamp_ns) * 1e-9
        fresh = self._valid is None or not 0.0 < elapsed_s <= self._max_gap_s
        if fresh or self._valid is None:
            self._points, self._speed = now.copy(), np.zeros_like(now)
        else:
            both = seen & self._valid
            unit = max(scale, 1.0)
            raw_speed = (now - self._points) / (unit * elapsed_s)
            gain = _gain(np.array(self._speed_cutoff_hz), elapsed_s)
            speed = self._speed + gain * (raw_speed - self._speed)
            pace = np.hypot(speed[:, 0], speed[:, 1])
            share = _gain(self._min_cutoff_hz + self._beta * pace, elapsed_s)[:, None]
            smooth = self._points + share * (now - self._points)
            self._points = np.where(both[:, None], smooth, now)
            self._speed = np.where(both[:, None], speed, 0.0)
        self._valid, self._stamp_ns = seen, stamp_ns
        return np.array(self._points)

    def reset(self) -> None:
        """Start afresh with the next call."""
        self._valid = None


def _gain(cutoff_hz: npt.NDArray[np.float64], elapsed_s: float) -> npt.NDArray[np.float64]:
    """Share of the new value that a first-order low-pass filter takes over."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2.0 * math.pi * cutoff_hz * elapsed_s)))
