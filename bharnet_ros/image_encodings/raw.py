"""sensor_msgs/Image -> BGR: the encodings of sensor_msgs/image_encodings that hold a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from bharnet_ros.image_encodings.checks import BadImage, check_length, check_size, check_step
from bharnet_ros.image_encodings.foreign import foreign_to_bgr
from bharnet_ros.image_encodings.yuv import (
    PACKED_422,
    PLANAR_420,
    PLANAR_444,
    packed_422_to_bgr,
    planar_to_bgr,
)
from bharnet_ros.types import Image

TO_8_BITS = 255.0 / 65535.0
"""16 bits become 8 by this factor, rounded, as in cv_bridge. It is the same for every image: a
stretch to the brightest pixel would make a picture flicker with every lamp that comes into view."""


@dataclass(frozen=True)
class _Packed:
    """Pixel after pixel, row after row.

    channels: samples per pixel. depth: bytes per sample. code: OpenCV's, None = is BGR already.
    mosaic: a sample's colour depends on its place.
    """

    channels: int
    depth: int
    code: int | None
    mosaic: bool = False


def _mosaic(depth: int, code: int) -> _Packed:
    return _Packed(1, depth, code, mosaic=True)


_PACKED = {
    "bgr8": _Packed(3, 1, None),
    "rgb8": _Packed(3, 1, cv2.COLOR_RGB2BGR),
    "bgra8": _Packed(4, 1, cv2.COLOR_BGRA2BGR),
    "rgba8": _Packed(4, 1, cv2.COLOR_RGBA2BGR),
    "bgr16": _Packed(3, 2, None),
    "rgb16": _Packed(3, 2, cv2.COLOR_RGB2BGR),
    "bgra16": _Packed(4, 2, cv2.COLOR_BGRA2BGR),
    "rgba16": _Packed(4, 2, cv2.COLOR_RGBA2BGR),
    "mono8": _Packed(1, 1, cv2.COLOR_GRAY2BGR),
    "mono16": _Packed(1, 2, cv2.COLOR_GRAY2BGR),
    # ROS names a mosaic by its first two pixels, OpenCV by the second ones of the second row.
    "bayer_rggb8": _mosaic(1, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr8": _mosaic(1, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg8": _mosaic(1, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg8": _mosaic(1, cv2.COLOR_BayerGB2BGR),
    "bayer_rggb16": _mosaic(2, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr16": _mosaic(2, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg16": _mosaic(2, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg16": _mosaic(2, cv2.COLOR_BayerGB2BGR),
}
MOSAICS = {name: kind.code for name, kind in _PACKED.items() if kind.mosaic}
"""Encoding -> OpenCV's code: Bayer images, 8 and 16 bits."""
_ALIASES = {
    "8uc1": "mono8", "8uc3": "bgr8", "8uc4": "bgra8", "yuv422": "uyvy", "yuv422_yuy2": "yuyv",
}  # fmt: skip
DEPTH = ("16uc1", "32fc1")
"""What depth cameras call their images; of these nobody knows which value is white."""

SUPPORTED_ENCODINGS = tuple(
    sorted((*_PACKED, *PACKED_422, "yuv422", "yuv422_yuy2", *PLANAR_420, PLANAR_444))
)
"""Names as in sensor_msgs/image_encodings; 8UC1, 8UC3 and 8UC4 are read as mono8, bgr8, bgra8."""


def image_to_bgr(message: Any) -> Image:
    """Return the (height, width, 3) uint8 BGR picture of a sensor_msgs/Image.

    bgr8 without row padding is a view of the message's data; everything else is a copy. An encoding
    that is not among SUPPORTED_ENCODINGS is left to cv_bridge where that is installed.
    Raises BadImage (an InvalidImageError) naming what contradicts what.
    """
    encoding = _ALIASES.get(message.encoding.lower(), message.encoding.lower())
    if encoding in _PACKED:
        read = _packed_to_bgr
    elif encoding in PACKED_422:
        read = packed_422_to_bgr
    elif encoding in PLANAR_420 or encoding == PLANAR_444:
        read = planar_to_bgr
    elif encoding in DEPTH:
        raise BadImage(
            "unsupported encoding",
            f"Encoding {message.encoding!r} is a depth image, or counts of a sensor without a "
            "range; people are recognised in colour or grey images: choose the camera's colour "
            "topic, or set a grey camera to mono8 or mono16.",
        )
    else:
        read = _unknown_to_bgr
    check_size(message.height, message.width)
    return read(message, encoding)


def _packed_to_bgr(message: Any, encoding: str) -> Image:
    kind = _PACKED[encoding]
    height, width, step = message.height, message.width, message.step
    wide = width * kind.channels * kind.depth
    check_step(encoding, width, step, wide)
    check_length(len(message.data), height, step)
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(height, step)[:, :wide]
    if kind.depth == 1:
        samples: Any = rows
    else:
        order = ">u2" if message.is_bigendian else "<u2"
        samples = np.ascontiguousarray(rows).view(order).astype(np.uint16, copy=False)
        if not kind.mosaic:
            samples = cv2.convertScaleAbs(samples, alpha=TO_8_BITS)
    samples = samples.reshape(height, width, kind.channels)
    if kind.code is not None:
        samples = cv2.cvtColor(samples, kind.code)
    if samples.dtype != np.uint8:  # a mosaic is mixed in its full depth
        samples = cv2.convertScaleAbs(samples, alpha=TO_8_BITS)
    return np.ascontiguousarray(samples, dtype=np.uint8)


def _unknown_to_bgr(message: Any, encoding: str) -> Image:
    picture = foreign_to_bgr(message)
    if picture is not None:
        return picture
    raise BadImage(
        "unsupported encoding",
        f"Encoding {message.encoding!r} is not supported; the camera must publish one of "
        f"{', '.join(SUPPORTED_ENCODINGS)} (image_proc and image_transport convert others).",
    )
