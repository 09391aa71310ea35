"""Where somebody will be: a Kalman filter of constant velocity for one point of the image."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MEASUREMENT = 0.02
"""Standard deviation of a measured place, in body heights."""
PUSH = 0.5
"""How much velocities change by themselves: standard deviation after one second, in body heights
a second. People start, stop and turn."""
START_SPEED = 0.6
"""Standard deviation of the velocity of somebody seen for the first time, likewise."""


class Motion:
    """One person's place and velocity, (2,) px and px/s, both axes alike and apart.

    The covariance is one (position, velocity) matrix for both axes: p, c, v in px², px²/s, px²/s².
    """

    __slots__ = ("_c", "_p", "_v", "place", "velocity")

    def __init__(self, place: Array, height_px: float) -> None:
        self.place = place
        self.velocity: Array = np.zeros(2)
        self._p = (MEASUREMENT * height_px) ** 2
        self._c = 0.0
        self._v = (START_SPEED * height_px) ** 2

    def copy(self) -> Motion:
        """An independent copy."""
        other = Motion(self.place, 1.0)
        other.velocity = self.velocity
        other._p, other._c, other._v = self._p, self._c, self._v
        return other

    def ahead(self, elapsed_s: float, height_px: float) -> tuple[Array, float]:
        """Place (2,) px expected so much later, and its variance per axis, px²."""
        p, _, _ = self._later(elapsed_s, height_px)
        return self.place + self.velocity * elapsed_s, p

    def measure(self, place: Array, elapsed_s: float, height_px: float) -> None:
        """Take a place (2,) px measured so long after the last one."""
        p, c, v = self._later(elapsed_s, height_px)
        expected = self.place + self.velocity * elapsed_s
        spread = p + (MEASUREMENT * height_px) ** 2
        gain, push = p / spread, c / spread
        self.place = expected + gain * (place - expected)
        self.velocity = self.velocity + push * (place - expected)
        self._p, self._c, self._v = (1.0 - gain) * p, (1.0 - gain) * c, v - push * c

    def _later(self, elapsed_s: float, height_px: float) -> tuple[float, float, float]:
        t, q = max(elapsed_s, 0.0), (PUSH * height_px) ** 2
        # White acceleration (Bar-Shalom, "Estimation with Applications", 6.2.2).
        p = self._p + 2 * t * self._c + t * t * self._v + q * t**3 / 3
        c = self._c + t * self._v + q * t * t / 2
        return p, c, self._v + q * t

    @property
    def speed_deviation(self) -> float:
        """Standard deviation of the velocity per axis, px/s."""
        return math.sqrt(max(self._v, 0.0))
