"""Image messages of a bag as stamped pictures."""

from __future__ import annotations

from typing import Any

from bharnet_ros.bags.messages import stamp_to_ns
from bharnet_ros.image_encodings import compressed_to_bgr, image_to_bgr, is_depth_format
from bharnet_ros.types import Image

RAW = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
IMAGE_TYPES = (RAW, COMPRESSED)


def bag_image(message: Any) -> tuple[int, Image]:
    """(stamp in ns, (height, width, 3) uint8 BGR picture) of an Image or CompressedImage message.

    The stamp is that of the header. Raises BadImage (an InvalidImageError), as `image_to_bgr` and
    `compressed_to_bgr` do.
    """
    picture = compressed_to_bgr(message) if hasattr(message, "format") else image_to_bgr(message)
    return stamp_to_ns(message.header.stamp), picture


def is_depth_image(message: Any) -> bool:
    """Whether an Image or CompressedImage message is a depth camera's: distances, no picture."""
    return is_depth_format(message.format if hasattr(message, "format") else message.encoding)
