"""The frames of a video file at even moments of time. Free of ROS."""

from __future__ import annotations

import math
from typing import Any

import cv2

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.device import opened

FALLBACK_HZ = 30.0
_SANE_HZ = (1.0, 240.0)
_LONGEST_S = 60.0
"""What follows a frame that would last longer is noted by another clock, as in joined films."""


class VideoFile:
    """What a file shows at the moments index / rate_hz.

    path: of the file. rate_hz: 0 = the file's own: each of its frames is shown from the time that
    is noted in the file, which in recordings of phones, screens and browsers is not even. Another
    rate plays frame after frame at that rate, whatever the file notes. loop: begin anew at the end.
    Raises ConfigurationError for a file that gives no images.
    """

    def __init__(self, path: str, rate_hz: float = 0.0, loop: bool = False) -> None:
        self._path, self._loop = path, loop
        self._capture = self._opened()
        self._by_time = rate_hz <= 0.0
        self.rate_hz = rate_hz if rate_hz > 0.0 else stated_hz(self._capture)
        """Moments per second."""
        self._image: Any | None = None
        self._waiting_s: float | None = None
        """When the next frame is due, since the first one; None behind the last one."""
        self._begin()

    def rewind(self) -> None:
        """The next frame asked for is the one of moment 0. Raises as the constructor does."""
        self.close()
        self._capture = self._opened()
        self._begin()

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def frame(self, index: int) -> Any | None:
        """The picture of a moment, (H, W, 3) or (H, W); None behind the end.

        index: 0 or more, rising. Frames that are passed by are skipped without making pictures of
        them, and one that lasts long is given again.
        """
        if self._waiting_s is None:
            if not self._loop:
                return None
            try:
                self.rewind()
            except ConfigurationError:  # taken away meanwhile
                return None
            self._first = index
        now_s, period_s = (index - self._first) / self.rate_hz, 1.0 / self.rate_hz
        # Half a period early: times in files are rounded.
        while self._waiting_s is not None and (
            self._image is None or self._waiting_s <= now_s + 0.5 * period_s
        ):
            if self._image is None or self._waiting_s > now_s - 1.5 * period_s:
                good, image = self._capture.retrieve()
                self._image = image if good else self._image
            self._grab()
        return self._image

    def _begin(self) -> None:
        self._first, self._origin_s = 0, 0.0
        self._image = self._waiting_s = None
        self._grab()

    def _grab(self) -> None:
        """Go on to the next frame."""
        before_s, self._waiting_s = self._waiting_s, None
        if not self._capture.grab():
            return
        noted_s = 1e-3 * float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        due_s = 0.0 if before_s is None else before_s + 1.0 / self.rate_hz
        if self._by_time and math.isfinite(noted_s):
            told_s = noted_s - self._origin_s
            if before_s is not None and before_s < told_s < before_s + _LONGEST_S:
                due_s = told_s
            else:  # the first one; and not every file notes times, or times that only rise
                self._origin_s = noted_s - due_s
        self._waiting_s = due_s

    def _opened(self) -> cv2.VideoCapture:
        """At the first frame. Opened anew, since going back to frame 0 leads to the first key frame
        (in MPEG streams a second later), or, where there is one frame only, nowhere."""
        found = opened(self._path)
        if found is None:
            raise ConfigurationError(
                f"The video {self._path} gives no images; check that it is there, that it is one "
                "and that it is whole."
            )
        found.open(self._path)
        return found


def stated_hz(capture: cv2.VideoCapture) -> float:
    """Frames per second as a file or device says, or a common rate where that cannot be."""
    stated = float(capture.get(cv2.CAP_PROP_FPS))
    sane = math.isfinite(stated) and _SANE_HZ[0] <= stated <= _SANE_HZ[1]
    return stated if sane else FALLBACK_HZ
