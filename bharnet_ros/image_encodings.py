"""Image messages, raw and compressed, to the BGR arrays of the core. Free of ROS.

The functions read the fields of a message and do not care which library made it: rclpy, or a
bag reader. cv_bridge is not needed. Every way in which an image can contradict itself is refused
with a sentence, because a wrong step shears the picture and the networks then see nobody, silently.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from bharnet_ros.errors import InvalidImageError
from bharnet_ros.types import Image

MAX_PIXELS = 64_000_000
"""Larger images are refused: nothing downstream needs them and one could fill the memory."""

_CHANNELS = {"bgr8": 3, "rgb8": 3, "bgra8": 4, "rgba8": 4, "mono8": 1}
_TO_BGR = {
    "rgb8": cv2.COLOR_RGB2BGR,
    "bgra8": cv2.COLOR_BGRA2BGR,
    "rgba8": cv2.COLOR_RGBA2BGR,
    "mono8": cv2.COLOR_GRAY2BGR,
}
_ALIASES = {"8uc1": "mono8", "8uc3": "bgr8", "8uc4": "bgra8"}
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"


class BadImage(InvalidImageError):
    """An image message that contradicts itself. reason: two words to count it under."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


SUPPORTED_ENCODINGS = tuple(sorted(_CHANNELS))


def image_to_bgr(message: Any) -> Image:
    """Return the (height, width, 3) uint8 BGR picture of a sensor_msgs/Image.

    bgr8 without row padding is a view of the message's data; everything else is a copy.
    Raises BadImage (an InvalidImageError) naming what contradicts what.
    """
    encoding = _ALIASES.get(message.encoding.lower(), message.encoding.lower())
    channels = _CHANNELS.get(encoding)
    if channels is None:
        raise BadImage(
            "unsupported encoding",
            f"Encoding {message.encoding!r} is not supported; the camera must publish one of "
            f"{', '.join(SUPPORTED_ENCODINGS)} (image_proc and image_transport convert others).",
        )
    height, width, step = message.height, message.width, message.step
    if height == 0 or width == 0:
        raise BadImage(
            "empty image", f"The image is {width} x {height} pixels; it has no content."
        )
    _check_size(height, width)
    if step < width * channels:
        raise BadImage(
            "wrong step",
            f"The step is {step} bytes, but {width} pixels of {encoding} need at least "
            f"{width * channels}.",
        )
    if len(message.data) != step * height:
        raise BadImage(
            "truncated data",
            f"The data holds {len(message.data)} bytes, but {height} rows of {step} bytes are "
            f"{step * height}; the message is truncated or its step is wrong.",
        )
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(height, step)
    pixels = rows[:, : width * channels].reshape(height, width, channels)
    if encoding == "bgr8":
        return np.ascontiguousarray(pixels)
    converted = cv2.cvtColor(pixels, _TO_BGR[encoding])
    return np.asarray(converted, dtype=np.uint8)


def compressed_to_bgr(message: Any) -> Image:
    """Return the (height, width, 3) uint8 BGR picture of a sensor_msgs/CompressedImage.

    JPEG and PNG are read. Raises BadImage (an InvalidImageError) for anything else, and for
    data that cannot be decoded.
    """
    data = np.frombuffer(message.data, dtype=np.uint8)
    kind = str(message.format)
    if "compressedDepth" in kind:
        raise BadImage(
            "unsupported encoding",
            f"Format {kind!r} is a depth image; people are recognised in colour or grey images.",
        )
    size = _stated_size(data.tobytes())
    if size is None:
        raise BadImage(
            "unsupported encoding",
            f"The data of a compressed image with format {kind!r} is neither JPEG nor PNG; "
            "record the raw images, or let image_transport publish jpeg or png.",
        )
    if 0 in size:
        raise BadImage(
            "truncated data", f"The {len(data)} bytes of a compressed image end within its header."
        )
    _check_size(*size)
    # The orientation in a JPEG's EXIF data is ignored: a robot's camera is mounted as it is.
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise BadImage("truncated data", f"A compressed image cannot be decoded: {error}") from None
    if picture is None or picture.size == 0:
        raise BadImage(
            "truncated data",
            f"The {len(data)} bytes of a compressed image (format {kind!r}) cannot be decoded; "
            "the message is truncated or damaged.",
        )
    # compressed_image_transport names the order in which it handed the channels to its encoder.
    if kind.endswith(("compressed rgb8", "compressed rgba8")):
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return np.ascontiguousarray(picture, dtype=np.uint8)


def _check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise BadImage(
            "image too large",
            f"The image is {width} x {height} pixels; more than {MAX_PIXELS} are refused.",
        )


def _stated_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) as a JPEG or PNG header says, so that nothing huge is ever decoded.

    (0, 0) if the header is cut off; None for other formats.
    """
    if data.startswith(_PNG):
        return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")
    if not data.startswith(_JPEG):
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        # Start of frame, in any of the coding variants; the others in this range are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(
                data[at + 7 : at + 9], "big"
            )
        fill = marker == 0xFF
        at += 1 if fill else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0
