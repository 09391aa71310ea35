"""Image messages as a browser takes them."""

from __future__ import annotations

from typing import Any

import cv2

from bharnet_ros.bags.images import bag_image
from bharnet_ros.errors import InvalidImageError
from bharnet_ros.labelling.recording import Picture

MAX_WIDTH = 1920
"""Wider images are sent smaller: nobody sees the rest, and the browser has to hold them."""
_QUALITY = 90
_MAX_UNTOUCHED = 2_000_000
_SWAPPED = ("compressed rgb8", "compressed rgba8")
_EXIF_WITHIN = 65_536


def picture_of(message: Any) -> Picture:
    """sensor_msgs Image or CompressedImage -> JPEG, or the compressed image as it was recorded.

    Raises InvalidImageError for one that cannot be shown.
    """
    if hasattr(message, "format") and (untouched := _untouched(message)) is not None:
        return untouched
    _, image = bag_image(message)
    height, width = image.shape[:2]
    if width > MAX_WIDTH:
        size = MAX_WIDTH, max(1, round(height * MAX_WIDTH / width))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype("uint8")
    fine, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not fine:
        raise InvalidImageError(f"An image of {width} x {height} pixels cannot be shown.")
    return Picture(data.tobytes(), "image/jpeg")


def _untouched(message: Any) -> Picture | None:
    """The recorded file, unless a browser would show it otherwise than the networks see it:
    turned as its EXIF data say, or with red and blue swapped."""
    if len(message.data) > _MAX_UNTOUCHED or str(message.format).endswith(_SWAPPED):
        return None
    data = bytes(message.data)
    if data.startswith(b"\xff\xd8\xff") and b"Exif\x00" not in data[:_EXIF_WITHIN]:
        return Picture(data, "image/jpeg")
    return None
