"""Fitting an image into a network's input without changing its shape."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from bharnet_ros.pose.normalization import Normalization
from bharnet_ros.types import FloatArray, Image


@dataclass(frozen=True)
class Letterbox:
    """How an image of `height` x `width` pixels lies in the input: top left, the rest padded.

    inner_width, inner_height: pixels of the input that show the image, at least 1.
    """

    width: int
    height: int
    inner_width: int
    inner_height: int

    @classmethod
    def fit(cls, height: int, width: int, size: tuple[int, int]) -> Letterbox:
        """size: (width, height) of the input."""
        factor = min(size[0] / width, size[1] / height)
        inner_width = min(max(int(width * factor), 1), size[0])
        inner_height = min(max(int(height * factor), 1), size[1])
        return cls(width, height, inner_width, inner_height)

    def fill(self, out: FloatArray, image: Image, pixels: Normalization, pad: float) -> None:
        """Write the image (H, W, 3) into the input `out` (3, h, w); `pad` is the grey around."""
        inner = (self.inner_width, self.inner_height)
        small = image
        if inner != (self.width, self.height):
            small = np.asarray(cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR), np.uint8)
        pixels.pad(out[:, self.inner_height :], pad)
        pixels.pad(out[:, : self.inner_height, self.inner_width :], pad)
        pixels.fill(out[:, : self.inner_height, : self.inner_width], small)

    def to_image(self, boxes: FloatArray) -> FloatArray:
        """(M, 4) x0, y0, x1, y1 in pixels of the input -> of the image, cut at its edges."""
        x, y = self.width / self.inner_width, self.height / self.inner_height
        scaled = boxes * np.array([x, y, x, y], np.float32)
        most = np.array([self.width, self.height] * 2, np.float32)
        return np.asarray(np.clip(scaled, 0.0, most), np.float32)

    def to_input(self, boxes: FloatArray) -> FloatArray:
        """(M, 4) pixels of the image -> of the input."""
        x, y = self.inner_width / self.width, self.inner_height / self.height
        return np.asarray(boxes * np.array([x, y, x, y], np.float32), np.float32)
