"""Cutting regions out of images: much of what the estimator does beside its networks.

OpenCV turns and scales images of four channels faster than those of three, and to the same pixels:
four bytes lie in memory as its vector instructions want them. So the parts of an image that small
regions are cut from get a fourth channel first, once for everybody.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.types import Image

MAX_SHARE = 4
"""So many pixels of the image for each of the crop, and a fourth channel costs what it saves."""
MARGIN_PX = 2
"""Around a region: what interpolation reads beyond it."""

STRIP_PX = 64
"""The fourth channel is added to upright strips of this width, as far up and down as needed."""

Rectangle = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are the first ones outside."""
Cut = Callable[[Image, Region, int], Image]
"""`crop`, or `Cutter.cut`."""


def crop(image: Image, region: Region, side: int, out: Image | None = None) -> Image:
    """Cut `region` out as (side, side, C); what lies outside of the image is black.

    image: (H, W, C) uint8. Pixel centres are honoured: crop pixel (0, 0) covers 0..1/side of the
    region. out: memory for the result.
    """
    (cos, _, x), (sin, _, y) = region.to_image().tolist()
    along, across = cos / side, sin / side
    matrix = np.array(
        (
            (along, -across, x + (0.5 * along - 0.5 * across) - 0.5),
            (across, along, y + (0.5 * across + 0.5 * along) - 0.5),
        )
    )
    cut = cv2.warpAffine(
        image,
        matrix,
        (side, side),
        dst=out,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0, 0),
    )
    return np.asarray(cut, np.uint8)


class Cutter:
    """`crop` for the many regions of one image at a time.

    Not for several threads at once; cameras that share one take turns.
    """

    def __init__(self) -> None:
        self._memory: Image = np.zeros(0, np.uint8)
        self._image: Image | None = None
        self._wide: Image = self._memory
        self._crops: dict[int, Image] = {}
        self._rows: list[tuple[int, int]] = []  # of each strip, those that have four channels

    def show(self, image: Image) -> None:
        """From now on this image, (H, W, 3) uint8 BGR, is cut; it must not change meanwhile."""
        height, width = image.shape[:2]
        if self._memory.size < height * width * 4:
            self._memory = np.zeros(height * width * 4, np.uint8)
        self._wide = self._memory[: height * width * 4].reshape(height, width, 4)
        self._image, self._rows = image, [(0, 0)] * math.ceil(width / STRIP_PX)

    def forget(self) -> None:
        """The next image may lie in the same memory."""
        self._image = None

    def cut(self, image: Image, region: Region, side: int) -> Image:
        """As `crop`; of the image shown (side, side, 4), where that is quicker.

        The fourth channel means nothing. Any other image is cropped as it is. What is returned
        holds until the next cut.
        """
        if image is not self._image or not region.usable():
            return crop(image, region, side)
        x0, y0, x1, y1 = part = _around(region, image.shape[1], image.shape[0])
        if (x1 - x0) * (y1 - y0) > MAX_SHARE * side * side:
            return crop(image, region, side)
        self._prepare(image, part)
        out = self._crops.get(side)
        if out is None:
            out = self._crops[side] = np.zeros((side, side, 4), np.uint8)
        return crop(self._wide, region, side, out)

    def _prepare(self, image: Image, part: Rectangle) -> None:
        """Give this part of the image its fourth channel, unless it has it."""
        x0, y0, x1, y1 = part
        if x0 >= x1 or y0 >= y1:
            return
        for strip in range(x0 // STRIP_PX, (x1 - 1) // STRIP_PX + 1):
            top, bottom = self._rows[strip]
            if top == bottom:
                top = bottom = y0
            if y0 < top:
                self._widen(image, strip, y0, top)
                top = y0
            if bottom < y1:
                self._widen(image, strip, bottom, y1)
                bottom = y1
            self._rows[strip] = top, bottom

    def _widen(self, image: Image, strip: int, top: int, bottom: int) -> None:
        part = slice(top, bottom), slice(strip * STRIP_PX, (strip + 1) * STRIP_PX)
        cv2.cvtColor(image[part], cv2.COLOR_BGR2BGRA, dst=self._wide[part])


def _around(region: Region, width: int, height: int) -> Rectangle:
    """The pixels of an image that the crop of a region is made of."""
    reach = 0.5 * region.size * (abs(math.cos(region.angle)) + abs(math.sin(region.angle)))
    reach += MARGIN_PX
    return (
        min(max(math.floor(region.x - reach), 0), width),
        min(max(math.floor(region.y - reach), 0), height),
        min(max(math.ceil(region.x + reach) + 1, 0), width),
        min(max(math.ceil(region.y + reach) + 1, 0), height),
    )
