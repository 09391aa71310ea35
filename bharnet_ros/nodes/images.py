"""sensor_msgs/Image to and from the BGR arrays of the core."""

from __future__ import annotations

from array import array

import numpy as np
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros.errors import InvalidImageError
from bharnet_ros.image_encodings import MAX_PIXELS, SUPPORTED_ENCODINGS, BadImage, image_to_bgr
from bharnet_ros.types import Image

__all__ = ["MAX_PIXELS", "SUPPORTED_ENCODINGS", "BadImage", "bgr_to_image", "image_to_bgr"]


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
