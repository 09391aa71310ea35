"""Image messages, raw and compressed, to the BGR arrays of the core. Free of ROS.

The functions read the fields of a message and do not care which library made it: rclpy, or a
bag reader. cv_bridge is not needed. Every way in which an image can contradict itself is refused
with a sentence, because a wrong step shears the picture and the networks then see nobody, silently.
"""

from __future__ import annotations

from bharnet_ros.image_encodings.checks import MAX_PIXELS, BadImage
from bharnet_ros.image_encodings.compressed import compressed_to_bgr, is_depth_format
from bharnet_ros.image_encodings.raw import SUPPORTED_ENCODINGS, image_to_bgr

__all__ = [
    "MAX_PIXELS", "SUPPORTED_ENCODINGS", "BadImage", "compressed_to_bgr", "image_to_bgr",
    "is_depth_format",
]  # fmt: skip
