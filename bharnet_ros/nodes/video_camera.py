"""A video file or a camera device as image_raw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.base import run
from bharnet_ros.nodes.camera import CAMERA_PARAMS, CameraNode
from bharnet_ros.nodes.device import Device, opened
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.sources import is_device
from bharnet_ros.nodes.video_file import FALLBACK_HZ, VideoFile, stated_hz
from bharnet_ros.types import Image

PARAMS = (
    Param("source", "0", "A video file, or a camera device: its number, or its path below /dev."),
    Param("loop", False, "Begin a file anew at its end."),
    Param(
        "rate_hz", 0.0,
        "Frames per second; 0 = what the device says, and of a file each frame when the file says.",
        0.0, 240.0,
    ),
    *CAMERA_PARAMS,
)  # fmt: skip
_AWAY_S = 0.05
"""How often a device that is gone is asked for where nothing else sets the pace."""


class VideoCameraNode(CameraNode):
    """Publishes image_raw from a file or a device; a file ends (or loops), a device does not: one
    that was unplugged is opened again when it is back."""

    def __init__(self, **options: Any) -> None:
        self._video: VideoFile | None = None
        self._device: Device | None = None
        self._rate_hz = FALLBACK_HZ
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
        return not is_device(self.params["source"].strip())

    def configure(self) -> None:
        """Open the source and read a first frame."""
        source = self.params["source"].strip()
        if self._is_file and not Path(source).is_file():
            raise ConfigurationError(f"The video {source} does not exist; give the path of a file.")
        if self._is_file:
            self._video = VideoFile(source, self.params["rate_hz"], self.params["loop"])
            self._rate_hz = self._video.rate_hz
            return
        capture = opened(source)
        if capture is None:
            raise ConfigurationError(
                f"The camera device {source} gives no images; check that it is there, that it is "
                "one and that no other program uses it."
            )
        self._rate_hz = self.params["rate_hz"] or stated_hz(capture)
        self._device = Device(source, capture, self.get_logger().warning)

    def cleanup(self) -> None:
        """Close the source."""
        video, self._video = self._video, None
        device, self._device = self._device, None
        if video is not None:
            video.close()
        if device is not None:
            device.close()

    @property
    def trouble(self) -> str:
        """That the device is gone, and what is done about it."""
        return "" if self._device is None else self._device.trouble

    def rewind(self) -> None:
        """A file begins at its first frame; a device cannot."""
        if self._video is not None:
            self._video.rewind()

    def next_frame(self, index: int) -> Image | None:
        """A file's picture of that moment, or a device's next one."""
        image = None
        if self._device is not None:
            image = self._device.read()
            if image is None and not self.params["real_time"]:
                self._device.wait(_AWAY_S)
        elif self._video is not None:
            image = self._video.frame(index)
        if image is None:
            return None
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return np.ascontiguousarray(image, dtype=np.uint8)


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros video_camera"""
    return run([VideoCameraNode], args)
