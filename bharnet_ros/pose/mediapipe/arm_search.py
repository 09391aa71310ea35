"""When and where the palm detector looks for the hands that a person's arms lack.

Not in every image: after a hand was lost, when an arm has moved, and otherwise less and less
often, for many an arm ends in a pocket. Whoever is close to the camera is looked at again
sooner, because the pose's wrists are least to be trusted there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.confirm import visible_square
from bharnet_ros.pose.mediapipe.hand_tracking import MIN_WRIST_SCORE, SIDES, Side
from bharnet_ros.pose.mediapipe.regions import Region

FIRST_WAIT_S = 0.1
"""From losing a hand to the first look; the wait doubles with every look in vain."""
MAX_WAIT_S = 2.0
MAX_WAIT_CLOSE_S = 0.5
CLOSE = 0.3
"""A torso this long, as a share of the image's shorter side, belongs to somebody close."""
MOVED = 0.3
"""Torso lengths that a wrist moves before its arm is worth an early look."""
AROUND_WRIST = 1.8
"""Side, in torso lengths, of the square looked at around a visible wrist."""


class ArmSearch:
    """The waiting times of one person."""

    def __init__(self) -> None:
        self._due_ns: int | None = None
        self._looked_ns = 0
        self._wait_s = FIRST_WAIT_S
        self._wrists: npt.NDArray[np.float64] | None = None
        self._turn = 0

    def due_ns(self, body: Body, missing: Sequence[Side], stamp_ns: int) -> int:
        """When the next look is due: a stamp, which may be in the past.

        missing: the sides without a hand. Call it once for every image.
        """
        if self._due_ns is None:
            self._due_ns = stamp_ns
        if not missing:
            self._wait_s = FIRST_WAIT_S
            self._due_ns = stamp_ns + _ns(FIRST_WAIT_S)
        elif self._moved(body):
            self._wait_s = FIRST_WAIT_S
            self._due_ns = min(self._due_ns, self._looked_ns + _ns(FIRST_WAIT_S))
        return self._due_ns

    def look(
        self, body: Body, missing: Sequence[Side], size: tuple[int, int], stamp_ns: int
    ) -> Region | None:
        """The square to look at now, or None when there is nothing to look at.

        size: (height, width) pixels of the image. Takes the look as done, and as one in vain:
        that a hand was found shows when it is missing no more.
        """
        close = body.torso_length >= CLOSE * min(size)
        arms = [side for side in missing if body.scores[side.wrist] >= MIN_WRIST_SCORE]
        self._looked_ns, self._wrists = stamp_ns, _wrists(body)
        limit_s = MAX_WAIT_CLOSE_S if close else MAX_WAIT_S
        self._wait_s = min(2.0 * self._wait_s, limit_s)
        self._due_ns = stamp_ns + _ns(self._wait_s)
        if close:
            region = visible_square(body.next_region, *size)
        elif arms:
            self._turn += 1
            wrist = body.points[arms[self._turn % len(arms)].wrist]
            side = AROUND_WRIST * body.torso_length
            region = Region(float(wrist[0]), float(wrist[1]), side, 0.0)
        else:
            return None
        return region if region.usable() else None

    def _moved(self, body: Body) -> bool:
        if self._wrists is None:
            return False
        gaps = np.hypot(*(_wrists(body) - self._wrists).T)
        seen = body.scores[[side.wrist for side in SIDES]] >= MIN_WRIST_SCORE
        return bool((gaps[seen] > MOVED * body.torso_length).any())


def _wrists(body: Body) -> npt.NDArray[np.float64]:
    """(2, 2) the pose's wrists, seen from the middle of the shoulders."""
    return np.asarray(body.points[15:17] - body.points[11:13].mean(axis=0))


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
