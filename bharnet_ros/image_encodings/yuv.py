"""YUV pictures to BGR: ITU-R BT.601 with luma 16..235, as cameras send it and OpenCV reads it.

Chroma stands for two pixels (4:2:2), for four (4:2:0) or for one (4:4:4).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from bharnet_ros.image_encodings.checks import BadImage, check_length, check_step
from bharnet_ros.types import Image

PACKED_422 = {
    "uyvy": cv2.COLOR_YUV2BGR_UYVY,
    "yuyv": cv2.COLOR_YUV2BGR_YUY2,
}
"""Encoding -> OpenCV's code: 4 bytes for two pixels, chroma first or luma first."""

PLANAR_420 = {"nv12": cv2.COLOR_YUV2BGR_NV12, "nv21": cv2.COLOR_YUV2BGR_NV21}
"""Encoding -> OpenCV's code: a plane of luma, then one of chroma pairs (U first, V first)."""

PLANAR_444 = "nv24"
"""A plane of luma, then one with a pair of chroma (U first) for every pixel."""


def packed_422_to_bgr(message: Any, encoding: str) -> Image:
    """uyvy, yuyv -> (height, width, 3) uint8. Raises BadImage."""
    height, width, step = message.height, message.width, message.step
    check_step(encoding, width, step, 2 * width)
    check_length(len(message.data), height, step)
    pairs = (width + 1) // 2
    if step < 4 * pairs:
        raise BadImage(
            "wrong step",
            f"The image is {width} pixels wide, but {encoding} stores pixels in pairs and a step "
            f"of {step} bytes has no room for the last one's partner; set the camera to an even "
            "width.",
        )
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(height, step)
    pixels = rows[:, : 4 * pairs].reshape(height, 2 * pairs, 2)
    return _cut(cv2.cvtColor(pixels, PACKED_422[encoding]), height, width)


def planar_to_bgr(message: Any, encoding: str) -> Image:
    """nv12, nv21, nv24 -> (height, width, 3) uint8. Raises BadImage.

    The chroma plane follows the luma at once. Both have rows of `step` bytes (nv24: two steps for
    its chroma). A step of two bytes per pixel with data for one is taken for one: some publishers
    compute it from sensor_msgs' numChannels, which says 2 for these encodings.
    """
    height, width, step = message.height, message.width, message.step
    check_step(encoding, width, step, width)
    full = encoding == PLANAR_444
    chroma_rows = 2 * height if full else (height + 1) // 2
    even_width = width if full else width + width % 2
    rows = height + chroma_rows
    length = len(message.data)
    stride = even_width if step == 2 * width and length == rows * even_width else step
    check_length(length, rows, stride)
    if stride < even_width:
        raise BadImage(
            "wrong step",
            f"The image is {width} pixels wide, but the chroma of {encoding} belongs to two "
            f"pixels each and needs {even_width} bytes where the step is {stride}; set the camera "
            "to an even width.",
        )
    planes = np.frombuffer(message.data, dtype=np.uint8).reshape(rows, stride)
    luma = planes[:height, :width]
    if full:
        chroma = planes[height:].reshape(height, 2 * stride)[:, : 2 * width]
        return _planar_444(luma, chroma.reshape(height, width, 2))
    chroma = planes[height:, :even_width].reshape(chroma_rows, even_width // 2, 2)
    # OpenCV wants a luma for each quarter of a chroma; the one that an odd size lacks is cut off.
    luma = np.pad(luma, ((0, height % 2), (0, width % 2)), mode="edge")
    chroma = np.ascontiguousarray(chroma)
    return _cut(cv2.cvtColorTwoPlane(luma, chroma, PLANAR_420[encoding]), height, width)


def _planar_444(luma: Image, chroma: Image) -> Image:
    """luma: (H, W); chroma: (H, W, 2). OpenCV has no 4:4:4 with this range of luma: every pixel
    becomes a pair of 4:2:2, of which one is kept."""
    height, width = luma.shape
    pairs = np.empty((height, width, 4), np.uint8)
    planes = [np.ascontiguousarray(chroma), np.ascontiguousarray(luma)[..., None]]
    cv2.mixChannels(planes, [pairs], [0, 0, 2, 1, 1, 2, 2, 3])
    doubled = cv2.cvtColor(pairs.reshape(height, 2 * width, 2), cv2.COLOR_YUV2BGR_UYVY)
    picture = np.empty((height, width, 3), np.uint8)
    cv2.mixChannels([doubled.reshape(height, width, 6)], [picture], [0, 0, 1, 1, 2, 2])
    return picture


def _cut(picture: Any, height: int, width: int) -> Image:
    return np.ascontiguousarray(picture[:height, :width], dtype=np.uint8)
