"""What a network wants its pixels to be: order of the colours, mean and deviation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray, Image

Triple = tuple[float, float, float]
IMAGENET_MEAN: Triple = (123.675, 116.28, 103.53)
IMAGENET_STD: Triple = (58.395, 57.12, 57.375)
"""Red, green, blue, for pixels of 0..255; what OpenMMLab's networks are trained with."""


@dataclass(frozen=True)
class Normalization:
    """(pixel - mean) / std for pixels of 0..255.

    color: "rgb" or "bgr", the order of the network's channels and of `mean` and `std`.
    Raises ConfigurationError.
    """

    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    color: str = "bgr"

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, _triple(name, getattr(self, name)))
        if min(self.std) <= 0.0:
            raise ConfigurationError(f"std is {list(self.std)}; its numbers must be above 0.")
        if self.color not in ("rgb", "bgr"):
            raise ConfigurationError(f"color is {self.color!r}; it must be 'rgb' or 'bgr'.")

    def fill(self, out: FloatArray, image_bgr: Image) -> None:
        """Write the pixels (H, W, 3) uint8, blue first, into `out` (3, H, W) float32."""
        planes = cv2.split(image_bgr)  # one pass: reading every third byte is slow
        for channel, plane in enumerate(planes[::-1] if self.color == "rgb" else planes):
            factor = 1.0 / self.std[channel]
            out[channel] = plane
            if factor != 1.0:
                out[channel] *= np.float32(factor)
            if self.mean[channel]:
                out[channel] -= np.float32(self.mean[channel] * factor)

    def pad(self, out: FloatArray, value: float) -> None:
        """Fill `out` (3, H, W) with pixels of this grey."""
        for channel in range(3):
            out[channel] = (value - self.mean[channel]) / self.std[channel]


def is_finite(value: object) -> bool:
    """Whether a value read from a file is a finite number, and no endless whole one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300  # NaN is not


def _triple(name: str, value: Sequence[float]) -> Triple:
    try:
        found = tuple(float(number) for number in value)
    except (TypeError, ValueError, OverflowError):
        found = ()
    if len(found) != 3 or isinstance(value, str) or not all(map(math.isfinite, found)):
        raise ConfigurationError(f"{name} is {value!r}; it must be three finite numbers.")
    return found
