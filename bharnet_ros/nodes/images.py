"""sensor_msgs/Image to and from the BGR arrays of the core, for the encodings cameras send.

cv_bridge is not needed. Every way in which an image can contradict itself is refused with a
sentence, because a wrong step shears the picture and the networks then see nobody, silently.
"""

from __future__ import annotations

from array import array

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image as ImageMessage

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


class BadImage(InvalidImageError):
    """An image message that contradicts itself. reason: two words to count it under."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


SUPPORTED_ENCODINGS = tuple(sorted(_CHANNELS))


def image_to_bgr(message: ImageMessage) -> Image:
    """Return the (height, width, 3) uint8 BGR picture of a message.

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
    if height * width > MAX_PIXELS:
        raise BadImage(
            "image too large",
            f"The image is {width} x {height} pixels; more than {MAX_PIXELS} are refused.",
        )
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


def bgr_to_image(image: Image, stamp_ns: int, frame_id: str) -> ImageMessage:
    """Return a bgr8 message of a (height, width, 3) uint8 picture."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise InvalidImageError(
            f"A picture of shape {image.shape} and type {image.dtype} cannot be published; "
            "(height, width, 3) uint8 is expected."
        )
    message = ImageMessage()
    message.header.stamp = Time(
        sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000
    )
    message.header.frame_id = frame_id
    message.height, message.width = image.shape[:2]
    message.encoding = "bgr8"
    message.is_bigendian = 0
    message.step = 3 * image.shape[1]
    # array is the one type rclpy takes without looking at each of the millions of bytes.
    data = array("B")
    data.frombytes(np.ascontiguousarray(image).data)
    message.data = data
    return message
