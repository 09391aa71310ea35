"""Depth images, raw and compressed, as metres along the optical axis (REP 118). Free of ROS.

The functions read the fields of a message and do not care which library made it.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

from bharnet_ros.image_encodings import MAX_PIXELS, BadImage
from bharnet_ros.types import FloatArray

DEPTH_ENCODINGS = ("16UC1", "mono16", "32FC1")
"""16UC1 and mono16: millimetres, 0 = unknown. 32FC1: metres, NaN = unknown, as REP 118 has it."""

_TYPES = {"16uc1": "u2", "mono16": "u2", "32fc1": "f4"}
_PNG = b"\x89PNG\r\n\x1a\n"
_CONFIG = struct.Struct("<iff")
"""What compressed_depth_image_transport puts before the picture: format, two numbers of the
quantization of 32FC1."""


def depth_to_metres(message: Any) -> FloatArray:
    """(height, width) float32 metres of a sensor_msgs/Image; NaN = unknown.

    Raises BadImage (an InvalidImageError) naming what contradicts what.
    """
    kind = _TYPES.get(str(message.encoding).lower())
    if kind is None:
        raise BadImage(
            "unsupported encoding",
            f"Encoding {message.encoding!r} is no depth image; the camera must publish one of "
            f"{', '.join(DEPTH_ENCODINGS)} (a disparity image needs "
            "stereo_image_proc or depth_image_proc first).",
        )
    height, width, step = message.height, message.width, message.step
    if height == 0 or width == 0:
        raise BadImage(
            "empty image", f"The depth image is {width} x {height} pixels; it has no content."
        )
    _check_size(height, width)
    dtype = np.dtype(kind).newbyteorder(">" if message.is_bigendian else "<")
    row = width * dtype.itemsize
    if step < row:
        raise BadImage(
            "wrong step",
            f"The step is {step} bytes, but {width} pixels of {message.encoding} need at least "
            f"{row}.",
        )
    # The last row of a picture cut out of a larger one may lack its padding.
    if not step * (height - 1) + row <= len(message.data) <= step * height:
        raise BadImage(
            "truncated data",
            f"The data holds {len(message.data)} bytes, but {height} rows of {step} bytes are "
            f"{step * height}; the message is truncated or its step is wrong.",
        )
    data = np.frombuffer(message.data, np.uint8)
    values = np.ndarray((height, width), dtype, data, strides=(step, dtype.itemsize))
    return _metres(values)


def compressed_depth_to_metres(message: Any) -> FloatArray:
    """The same of a sensor_msgs/CompressedImage of compressed_depth_image_transport, as PNG.

    Raises BadImage (an InvalidImageError) for anything else, and for data that cannot be decoded.
    """
    kind = str(message.format)
    encoding = kind.partition(";")[0].strip().lower()
    data = bytes(message.data)
    if "compresseddepth" not in kind.lower() or encoding not in _TYPES:
        raise BadImage(
            "unsupported encoding",
            f"Format {kind!r} is no compressed depth image; use the topic .../compressedDepth of "
            "compressed_depth_image_transport, not .../compressed, or the raw depth images.",
        )
    picture = data[_CONFIG.size :]
    if not picture.startswith(_PNG):
        raise BadImage(
            "unsupported encoding",
            f"The depth image (format {kind!r}) is not PNG inside; set the publisher's "
            "compressedDepth format to png, or use the raw depth images.",
        )
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    if not (width and height):
        raise BadImage("truncated data", "A compressed depth image ends within its header.")
    _check_size(height, width)
    try:
        values = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise BadImage(
            "truncated data", f"A compressed depth image cannot be decoded: {error}"
        ) from None
    if values is None or values.ndim != 2 or values.dtype != np.uint16:
        raise BadImage(
            "truncated data",
            f"The {len(data)} bytes of a compressed depth image cannot be decoded into 16 bits "
            "per pixel; the message is damaged.",
        )
    if _TYPES[encoding] == "u2":
        return _metres(values)
    _, quant_a, quant_b = _CONFIG.unpack_from(data)
    if not np.isfinite([quant_a, quant_b]).all() or quant_a <= 0.0:
        raise BadImage(
            "truncated data",
            f"A compressed depth image is quantized with {quant_a} and {quant_b}; it is damaged.",
        )
    known = values.astype(np.float32)
    with np.errstate(divide="ignore"):
        depth = np.float32(quant_a) / (known - np.float32(quant_b))
    depth[values == 0] = np.nan
    return _metres(depth)


def _metres(values: Any) -> FloatArray:
    """float32 metres; whatever is no positive number (REP 118: also infinities) becomes NaN."""
    if values.dtype.kind == "u":
        depth = values.astype(np.float32)
        depth *= np.float32(0.001)
    else:
        depth = values.astype(np.float32)
    depth[~((depth > 0.0) & (depth < np.inf))] = np.nan
    return np.ascontiguousarray(depth)


def _check_size(height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise BadImage(
            "image too large",
            f"The depth image is {width} x {height} pixels; more than {MAX_PIXELS} are refused.",
        )
