"""sensor_msgs/CompressedImage -> BGR: JPEG and PNG, grey, Bayer, with alpha or 16 bits too."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from bharnet_ros.image_encodings.checks import BadImage, check_size
from bharnet_ros.image_encodings.raw import DEPTH, MOSAICS, TO_8_BITS
from bharnet_ros.types import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_HOW = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
"""The orientation in a JPEG's EXIF data is ignored: a robot's camera is mounted as it is."""


def is_depth_format(kind: str) -> bool:
    """Whether a CompressedImage's format, or an Image's encoding, is a depth camera's."""
    return "compressedDepth" in kind or kind.split(";")[0].strip().lower() in DEPTH


def compressed_to_bgr(message: Any) -> Image:
    """Return the (height, width, 3) uint8 BGR picture of a sensor_msgs/CompressedImage.

    JPEG and PNG are read. Raises BadImage (an InvalidImageError) for anything else, and for
    data that cannot be decoded.
    """
    data = np.frombuffer(message.data, dtype=np.uint8)
    kind = str(message.format)
    if is_depth_format(kind):
        raise BadImage(
            "unsupported encoding",
            f"Format {kind!r} is a depth image; people are recognised in colour or grey images: "
            "choose the camera's colour topic.",
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
    check_size(*size)
    try:
        picture = cv2.imdecode(data, _HOW)
    except cv2.error as error:
        raise BadImage("truncated data", f"A compressed image cannot be decoded: {error}") from None
    if picture is None or picture.size == 0:
        raise BadImage(
            "truncated data",
            f"The {len(data)} bytes of a compressed image (format {kind!r}) cannot be decoded; "
            "the message is truncated or damaged.",
        )
    mosaic = _mosaic(kind)
    if mosaic is not None:
        picture = cv2.cvtColor(np.ascontiguousarray(picture[..., 0]), mosaic)
    if picture.dtype != np.uint8:
        picture = cv2.convertScaleAbs(picture, alpha=TO_8_BITS)
    # compressed_image_transport names the order in which it handed the channels to its encoder.
    if kind.endswith(("compressed rgb8", "compressed rgba8", "compressed rgb16")):
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return np.ascontiguousarray(picture, dtype=np.uint8)


def _mosaic(kind: str) -> int | None:
    """OpenCV's code if a Bayer image was compressed as it is; None for any other.

    compressed_image_transport does so where it names nothing that it turned the image into: with
    PNG always, with JPEG before it made them mono8.
    """
    encoding, _, how = kind.partition(";")
    return MOSAICS.get(encoding.strip().lower()) if how.strip().endswith("compressed") else None


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
