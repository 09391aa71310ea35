"""Tiles: small square pictures of a person's regions, cut from an image, at moments of a window.

Training and the robot use exactly these functions. Stamps alone decide which moments are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import InvalidImageError
from bharnet_ros.roi.config import RoiConfig
from bharnet_ros.roi.regions import region_squares
from bharnet_ros.types import AnyFloat, FloatArray, Image

MIN_SIDE_PX = 4.0
"""A smaller square shows nothing."""
MAX_SIDE = 4.0
"""A square of more than so many image sides comes from a keypoint that is wrong."""


@dataclass(frozen=True, eq=False)
class Tiles:
    """What was seen of one person in one window.

    values: (F, R, S, S, 3) uint8 BGR, a row of tiles a moment, oldest first; black where not seen.
    seen: (F, R) bool.
    """

    values: Image
    seen: npt.NDArray[np.bool_]

    @classmethod
    def unseen(cls, config: RoiConfig) -> Tiles:
        """Of a person of whom there are no pixels."""
        count, side = (config.num_frames, config.num_regions), config.tile_px
        return cls(np.zeros((*count, side, side, 3), np.uint8), np.zeros(count, np.bool_))


def cut_tiles(image_bgr: Image, squares: AnyFloat, tile_px: int) -> Image:
    """(R, S, S, 3) uint8 BGR: the squares (R, 3) of an image (H, W, 3) uint8, each as a tile.

    squares: centre x, centre y and side in pixels; side 0 = a black tile. Outside of the image its
    border is repeated. Corners are rounded to whole pixels. Raises InvalidImageError.
    """
    if image_bgr.dtype != np.uint8 or image_bgr.ndim != 3 or image_bgr.shape[2] != 3:
        raise InvalidImageError(
            f"An image of shape {image_bgr.shape} and type {image_bgr.dtype} cannot be cut; give "
            "(height, width, 3) uint8 in BGR."
        )
    if image_bgr.size == 0:
        raise InvalidImageError(f"An image of shape {image_bgr.shape} is empty; give pixels.")
    tiles = np.zeros((len(squares), tile_px, tile_px, 3), np.uint8)
    for tile, (x, y, side) in zip(tiles, np.asarray(squares, np.float64).tolist(), strict=True):
        if side > 0.0:
            tile[:] = _cut(image_bgr, x, y, side, tile_px)
    return tiles


def cut_person(
    image_bgr: Image, keypoints: AnyFloat, scores: AnyFloat, layout: str, config: RoiConfig
) -> tuple[Image, npt.NDArray[np.bool_]]:
    """Tiles (R, S, S, 3) of one person in one image, and which of them (R,) show the region.

    A region counts as seen if `region_squares` finds it, its middle is in the image and its size
    is possible. Raises InvalidImageError, InvalidSkeletonError and LayoutError.
    """
    squares = region_squares(keypoints, scores, layout, config)
    height, width = image_bgr.shape[:2]
    x, y, side = squares.T
    seen = (side >= MIN_SIDE_PX) & (side <= MAX_SIDE * max(height, width))
    seen &= (x >= 0.0) & (x < width) & (y >= 0.0) & (y < height)
    squares[~seen] = 0.0
    return cut_tiles(image_bgr, squares, config.tile_px), np.asarray(seen, np.bool_)


def pick(
    stamps_ns: npt.NDArray[np.int64], start_ns: int, end_ns: int, num_frames: int
) -> npt.NDArray[np.intp]:
    """(F,) which of the rising stamps (n,) show a window's moments; -1 where none is near enough.

    The moments are evenly spaced, the first at start_ns and the last at end_ns (one alone: at the
    end). Each takes the nearest stamp, at most half their spacing away and never after end_ns.
    """
    stamps = np.asarray(stamps_ns, np.int64)
    usable = int(np.searchsorted(stamps, end_ns, side="right"))
    if usable == 0:
        return np.full(num_frames, -1, np.intp)
    moments, half = _moments(start_ns, end_ns, num_frames)
    after = np.clip(np.searchsorted(stamps[:usable], moments), 0, usable - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(stamps[after] - moments) < np.abs(moments - stamps[before])
    found = np.where(nearer, after, before)
    near = np.abs(stamps[found] - moments) <= half
    return np.where(near, found, -1).astype(np.intp)


def spacing_ns(window_ns: int, num_frames: int) -> int:
    """Time between two moments of a window, ns."""
    return window_ns // max(num_frames - 1, 1)


def tiles_input(tiles: Sequence[Tiles]) -> tuple[FloatArray, FloatArray]:
    """What the network reads of N people: tiles (N, F, R, 3, S, S) float32 RGB, 0..1, and seen
    (N, F, R) float32, 0 or 1. Raises ValueError for no tiles."""
    values = np.stack([each.values for each in tiles])[..., ::-1]
    planes = np.moveaxis(values, -1, -3).astype(np.float32, order="C")
    planes *= np.float32(1.0 / 255.0)
    return planes, np.stack([each.seen for each in tiles]).astype(np.float32)


def _moments(start_ns: int, end_ns: int, num_frames: int) -> tuple[npt.NDArray[np.int64], int]:
    """(F,) stamps of the moments, and half their spacing."""
    length = end_ns - start_ns
    if num_frames == 1:
        return np.array([end_ns], np.int64), length // 2
    gaps = num_frames - 1
    steps = [start_ns + length * number // gaps for number in range(num_frames)]
    return np.array(steps, np.int64), length // (2 * gaps)


def _cut(image: Image, x: float, y: float, side: float, tile_px: int) -> Image:
    """Only the part within the image is resized; the tile's rest repeats its border."""
    pixels = max(1, round(side))
    top, bottom, rows = _span(y, pixels, image.shape[0], tile_px)
    left, right, columns = _span(x, pixels, image.shape[1], tile_px)
    size = (columns[1] - columns[0], rows[1] - rows[0])
    how = cv2.INTER_AREA if pixels > tile_px else cv2.INTER_LINEAR
    inside = cv2.resize(image[top:bottom, left:right], size, interpolation=how)
    if size == (tile_px, tile_px):
        return np.asarray(inside, np.uint8)
    return np.asarray(
        cv2.copyMakeBorder(
            inside, rows[0], tile_px - rows[1], columns[0], tile_px - columns[1],
            cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )  # fmt: skip


def _span(
    middle: float, pixels: int, size: int, tile_px: int
) -> tuple[int, int, tuple[int, int]]:
    """Of one axis: first and last + 1 pixel within the image, and the tile's pixels they fill."""
    first = round(middle - pixels / 2)
    low = min(max(first, 0), size - 1)
    high = min(max(first + pixels, low + 1), size)
    begin = min(max(round((low - first) * tile_px / pixels), 0), tile_px - 1)
    end = min(max(round((high - first) * tile_px / pixels), begin + 1), tile_px)
    return low, high, (begin, end)
