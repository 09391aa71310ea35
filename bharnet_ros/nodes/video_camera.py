"""A video file or a camera device as image_raw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.base import run
from bharnet_ros.nodes.camera import CAMERA_PARAMS, CameraNode
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.types import Image

PARAMS = (
    Param("source", "0", "A video file, or the number of a camera device."),
    Param("loop", False, "Begin a file anew at its end."),
    Param("rate_hz", 0.0, "Frames per second; 0 = what the file or the device says.", 0.0, 240.0),
    *CAMERA_PARAMS,
)
_FALLBACK_HZ = 30.0


class VideoCameraNode(CameraNode):
    """Publishes image_raw from a file or a device; a file ends (or loops), a device does not."""

    def __init__(self, **options: Any) -> None:
        self._capture: cv2.VideoCapture | None = None
        self._position = 0
        self._rate_hz = _FALLBACK_HZ
        super().__init__("video_camera", PARAMS, **options)

    @property
    def rate_hz(self) -> float:
        """As the parameter, the file or the device says."""
        return self._rate_hz

    @property
    def follows_clock(self) -> bool:
        """A device's images are stamped when they are read."""
        return self._is_file

    @property
    def _is_file(self) -> bool:
        return not self.params["source"].strip().isdecimal()

    def configure(self) -> None:
        """Open the source and read a first frame."""
        source = self.params["source"].strip()
        if self._is_file and not Path(source).is_file():
            raise ConfigurationError(f"The video {source} does not exist; give the path of a file.")
        self._capture = cv2.VideoCapture(source if self._is_file else int(source))
        if not self._capture.isOpened() or not self._capture.read()[0]:
            what = f"video {source}" if self._is_file else f"camera device {source}"
            raise ConfigurationError(
                f"The {what} gives no images; check that it is one, that it is whole and that "
                "no other program uses it."
            )
        stated = float(self._capture.get(cv2.CAP_PROP_FPS))
        sane = math.isfinite(stated) and 1.0 <= stated <= 240.0
        self._rate_hz = self.params["rate_hz"] or (stated if sane else _FALLBACK_HZ)

    def cleanup(self) -> None:
        """Close the source."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def rewind(self) -> None:
        """A file begins at its first frame; a device cannot."""
        if self._capture is not None and self._is_file:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            self._position = 0

    def next_frame(self, index: int) -> Image | None:
        """Frames the clock has passed by are skipped without decoding them to pictures."""
        if self._capture is None:
            return None
        if self._is_file:
            while self._position < index:
                if not self._capture.grab():
                    break
                self._position += 1
        good, image = self._capture.read()
        self._position += 1
        if not good and self._is_file and self.params["loop"]:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            self._position = index + 1
            good, image = self._capture.read()
        if not good:
            return None
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return np.ascontiguousarray(image, dtype=np.uint8)


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros video_camera"""
    return run([VideoCameraNode], args)
