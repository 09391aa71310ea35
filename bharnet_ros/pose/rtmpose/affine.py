"""Cutting a person out of an image as mmpose's top-down networks are trained to see them.

A box is widened by `padding`, then to the aspect ratio of the network's input, about its centre;
what lies outside of the image is black. The same as GetBBoxCenterScale and TopdownAffine of
mmpose, without rotation.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.types import Image

Floats = npt.NDArray[np.floating[Any]]


def usable(box: Floats, height: int, width: int) -> bool:
    """Whether a box x0, y0, x1, y1 is finite, has an area and touches the image."""
    x0, y0, x1, y1 = map(float, box)
    if not np.isfinite(box).all() or np.abs(box).max() > 1e6:
        return False
    return x0 < x1 and y0 < y1 and x1 > 0.0 and y1 > 0.0 and x0 < width and y0 < height


def crop_region(
    box: Floats, input_size: tuple[int, int], padding: float = 1.25
) -> tuple[Floats, Floats]:
    """Centre (2,) and width and height (2,) in pixels of what the network is shown of the image.

    box: x0, y0, x1, y1. input_size: (width, height).
    """
    corners = np.asarray(box, np.float32)
    centre = (corners[2:] + corners[:2]) * np.float32(0.5)
    width, height = (corners[2:] - corners[:2]) * np.float32(padding)
    aspect = np.float32(input_size[0] / input_size[1])
    scale = (width, width / aspect) if width > height * aspect else (height * aspect, height)
    return centre, np.array(scale, np.float32)


def crop_matrix(
    box: Floats, input_size: tuple[int, int], padding: float = 1.25
) -> npt.NDArray[np.float64]:
    """(2, 3) from image pixels to pixels of the network's input."""
    centre, scale = crop_region(box, input_size, padding)
    width, height = input_size
    # Three points, as mmpose has them: other ways round otherwise in the last bits, which
    # moves single pixels of the cut-out.
    half = scale[0] * 0.5
    source = np.array([centre, centre - (half, 0.0), centre - (half, -half)], np.float32)
    middle = np.array([width * 0.5, height * 0.5])
    to = width * 0.5
    target = np.array([middle, middle - (to, 0.0), middle - (to, -to)], np.float32)
    return np.asarray(cv2.getAffineTransform(source, target), np.float64)


def crop(image: Image, matrix: npt.NDArray[np.float64], input_size: tuple[int, int]) -> Image:
    """(height, width, 3) uint8: the image seen through `crop_matrix`."""
    return np.asarray(cv2.warpAffine(image, matrix, input_size, flags=cv2.INTER_LINEAR), np.uint8)


def to_image(points: Floats, box: Floats, input_size: tuple[int, int], padding: float) -> Floats:
    """(..., 2) pixels of the network's input to pixels of the image."""
    centre, scale = crop_region(box, input_size, padding)
    share = points / np.array(input_size, np.float32)
    return np.asarray(share * scale + centre - 0.5 * scale)
