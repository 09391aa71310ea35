"""What a camera of this package shows: a video file, or a device by number or path. No ROS."""

from __future__ import annotations

import os
import re

_FOLDER = "/dev/"
_FILES = "/dev/shm/"  # noqa: S108 - files in memory, where Linux has them; no devices
_LAST = 2**31 - 1
"""OpenCV takes no higher number."""
_VIDEO = re.compile(r"/dev/video(\d{1,9})")


def is_device(source: str) -> bool:
    """Whether a source means a camera device: a number, or a path below /dev. What lies in /dev/shm
    are files."""
    return source.isdecimal() or (source.startswith(_FOLDER) and not source.startswith(_FILES))


def device_number(source: str) -> int | None:
    """The number of a camera device now; None if there is none.

    A path such as /dev/v4l/by-id/usb-... leads to another number after the device was plugged in
    again, or the machine started anew: ask each time it is opened.
    """
    if source.isdecimal():
        return int(source) if int(source) <= _LAST else None
    found = _VIDEO.fullmatch(os.path.realpath(source))
    return int(found[1]) if found and os.path.exists(source) else None


def same_device(one: str, other: str) -> bool:
    """Whether two sources are one device, whatever they call it, plugged in or not."""
    return is_device(one) and is_device(other) and _file(one) == _file(other)


def _file(source: str) -> str:
    path = f"{_FOLDER}video{int(source)}" if source.isdecimal() else source
    return os.path.realpath(path)
