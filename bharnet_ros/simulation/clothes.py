"""Patterns and folds of the clothes, fixed to the torso so that they move with it."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.body import TORSO_GROUP
from bharnet_ros.simulation.hand import cross
from bharnet_ros.simulation.materials import ACCENT, HAIR, SHIRT, TROUSERS
from bharnet_ros.simulation.solids import Canvas, Plane
from bharnet_ros.types import AnyFloat

_TILE = 1024


@lru_cache(maxsize=1)
def _folds() -> npt.NDArray[np.float32]:
    """(1024, 1024) smooth noise around 0, the same in every run."""
    rng = np.random.default_rng(7)
    total = np.zeros((_TILE, _TILE), np.float32)
    for cells, share in ((14, 0.55), (40, 0.45), (160, 0.25)):
        coarse = rng.standard_normal((cells, cells), np.float32)
        total += share * cv2.resize(coarse, (_TILE, _TILE), interpolation=cv2.INTER_CUBIC)
    return total


@lru_cache(maxsize=1)
def _weights() -> npt.NDArray[np.float32]:
    weights = np.full(256, 0.015, np.float32)
    weights[[SHIRT, ACCENT, TROUSERS]] = 0.075
    weights[HAIR] = 0.12
    return weights


def dress(canvas: Canvas, pixels: AnyFloat, local: AnyFloat, look: Appearance) -> Plane:
    """Give parts of the shirt its second colour; returns the (h, w) brightness of the folds.

    pixels: (133, 2) image pixels; local: (133, 3) camera coordinates.
    """
    hips = canvas.to_canvas(pixels[[11, 12]].mean(axis=0))
    neck = canvas.to_canvas(pixels[[5, 6]].mean(axis=0))
    height, width = canvas.depth.shape
    spine = neck - hips
    length = float(np.linalg.norm(spine))
    if look.pattern != "plain" and length > 8:
        _pattern(canvas, hips, spine / length, length, local, look)
    x, y = (np.rint(-hips).astype(int) + _TILE // 2) % max(_TILE - max(height, width), 1)
    folds = _folds()[y : y + height, x : x + width]
    if folds.shape != canvas.depth.shape:  # a person larger than the tile
        folds = np.asarray(cv2.resize(_folds(), (width, height)), np.float32)
    texture: Plane = np.asarray(cv2.LUT(canvas.material, _weights()), np.float32)
    texture *= folds
    texture += np.float32(1)
    return texture


def _pattern(
    canvas: Canvas, hips: AnyFloat, up: AnyFloat, length: float, local: AnyFloat, look: Appearance
) -> None:
    mask = (canvas.group == TORSO_GROUP).astype(np.uint8)
    left_px, top_px, width, height = cv2.boundingRect(mask)
    window = (slice(top_px, top_px + height), slice(left_px, left_px + width))
    hips = hips - (left_px, top_px)
    x = (np.arange(width, dtype=np.float32) - np.float32(hips[0]))[None, :]
    y = (np.arange(height, dtype=np.float32) - np.float32(hips[1]))[:, None]
    upward = (x * np.float32(up[0]) + y * np.float32(up[1])) * np.float32(1 / length)
    across = (y * np.float32(up[0]) - x * np.float32(up[1])) * np.float32(1 / length)
    if look.pattern == "stripes":
        second = _repeats(upward, 0.16, 0.45)
    elif look.pattern == "checks":
        second = _repeats(upward, 0.2, 0.25) | _repeats(across, 0.2, 0.25)
    else:
        left = local[5] - local[6]
        spine = local[[5, 6]].mean(axis=0) - local[[11, 12]].mean(axis=0)
        if cross(left, spine)[2] > 0:  # the print is on the chest, not on the back
            return
        second = (np.abs(across) < 0.16) & (np.abs(upward - np.float32(0.68)) < 0.13)
    shirt = canvas.material[window]
    second &= (shirt == SHIRT) & (mask[window] > 0)
    shirt[second] = ACCENT


def _repeats(values: Plane, period: float, share: float) -> npt.NDArray[np.bool_]:
    """True where values fall into the first `share` of their period."""
    phase = values * np.float32(1 / period)
    inside: npt.NDArray[np.bool_] = phase - np.floor(phase) < np.float32(share)
    return inside
