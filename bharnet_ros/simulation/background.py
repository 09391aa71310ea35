"""What stands behind the people: a small choice of rooms without people in them."""

from __future__ import annotations

from typing import Literal, get_args

import cv2
import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import Image

BackgroundKind = Literal["plain", "gradient", "room", "shelves", "clutter", "outdoor"]
BACKGROUND_KINDS: tuple[BackgroundKind, ...] = get_args(BackgroundKind)


def make_background(kind: str, size: tuple[int, int], rng: np.random.Generator) -> Image:
    """(height, width, 3) uint8 BGR. size: (width, height).

    Raises ConfigurationError for an unknown kind.
    """
    width, height = size
    base = rng.uniform(70, 215) + rng.uniform(-18, 18, 3)
    if kind == "plain":
        picture = np.broadcast_to(base, (height, width, 3)).astype(np.float32)
    elif kind == "gradient":
        picture = _gradient(base, rng.uniform(60, 200, 3), width, height, rng)
    elif kind == "room":
        picture = _room(base, width, height, rng)
    elif kind == "shelves":
        picture = _shelves(base, width, height, rng)
    elif kind == "clutter":
        picture = _clutter(base, width, height, rng)
    elif kind == "outdoor":
        picture = _outdoor(width, height, rng)
    else:
        raise ConfigurationError(
            f"background '{kind}' is not known; choose one of {', '.join(BACKGROUND_KINDS)}"
        )
    picture = picture + _clouds(width, height, 10.0, rng)[..., None]
    blur = float(rng.uniform(0.6, 3.0)) * width / 1280
    picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), max(blur, 0.3))
    result: Image = np.clip(picture, 0, 255).astype(np.uint8)
    return result


def _clouds(width: int, height: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    total = np.zeros((height, width), np.float32)
    for cells, share in ((4, 1.0), (12, 0.5), (40, 0.25)):
        coarse = rng.normal(0, spread * share, (cells, cells * 2)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(total, np.float32)


def _gradient(
    first: np.ndarray, second: np.ndarray, width: int, height: int, rng: np.random.Generator
) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-1, 1, width)[None, :] * np.cos(angle)
    y = np.linspace(-1, 1, height)[:, None] * np.sin(angle)
    mix = ((x + y) / 2.83 + 0.5)[..., None]
    return np.asarray(first * (1 - mix) + second * mix, np.float32)


def _room(base: np.ndarray, width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = base
    floor = int(height * rng.uniform(0.72, 0.9))
    picture[floor:] = base * rng.uniform(0.45, 0.8) + rng.uniform(-12, 12, 3)
    cv2.line(picture, (0, floor), (width, floor), (base * 0.8).tolist(), max(height // 90, 2))
    for _ in range(int(rng.integers(1, 4))):  # door, window, pictures on the wall
        w, h = int(width * rng.uniform(0.08, 0.2)), int(height * rng.uniform(0.2, 0.55))
        x, y = int(rng.integers(0, max(width - w, 1))), int(rng.integers(0, max(floor - h, 1)))
        cv2.rectangle(picture, (x, y), (x + w, y + h), rng.uniform(40, 235, 3).tolist(), -1)
        cv2.rectangle(picture, (x, y), (x + w, y + h), (base * 0.5).tolist(), max(height // 120, 2))
    return picture


def _shelves(base: np.ndarray, width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = base * 0.6
    rows = int(rng.integers(3, 6))
    for row in range(rows):
        top, bottom = int(row * height / rows), int((row + 1) * height / rows)
        x = 0
        while x < width:
            w = int(width * rng.uniform(0.012, 0.05))
            h = int((bottom - top) * rng.uniform(0.5, 0.85))
            cv2.rectangle(
                picture, (x, bottom - h), (x + w, bottom), rng.uniform(30, 220, 3).tolist(), -1
            )
            x += w + int(rng.integers(1, 6))
        thick = max(height // 60, 3)
        cv2.line(picture, (0, bottom), (width, bottom), (base * 0.9).tolist(), thick)
    return picture


def _clutter(base: np.ndarray, width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = base
    for _ in range(int(rng.integers(15, 40))):
        colour = rng.uniform(20, 235, 3).tolist()
        x, y = int(rng.integers(width)), int(rng.integers(height))
        w, h = int(width * rng.uniform(0.02, 0.15)), int(height * rng.uniform(0.02, 0.25))
        if rng.random() < 0.6:
            cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
        else:
            cv2.ellipse(picture, (x, y), (w // 2 + 1, h // 2 + 1), 0, 0, 360, colour, -1)
    return picture


def _outdoor(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    horizon = int(height * rng.uniform(0.35, 0.65))
    picture = np.empty((height, width, 3), np.float32)
    sky = np.array([rng.uniform(190, 240), rng.uniform(180, 215), rng.uniform(150, 205)])
    ramp = np.linspace(0.85, 1.05, horizon)[:, None, None]
    picture[:horizon] = sky * ramp
    picture[horizon:] = np.array([60, 95, 85]) * rng.uniform(0.7, 1.4)
    for _ in range(int(rng.integers(4, 12))):  # houses and trees along the horizon
        w, h = int(width * rng.uniform(0.05, 0.2)), int(height * rng.uniform(0.08, 0.35))
        x = int(rng.integers(-w, width))
        if rng.random() < 0.5:
            colour = (rng.uniform(90, 190) + rng.uniform(-20, 20, 3)).tolist()
            cv2.rectangle(picture, (x, horizon - h), (x + w, horizon + 8), colour, -1)
        else:
            colour = (np.array([45, 90, 60]) * rng.uniform(0.6, 1.3)).tolist()
            cv2.ellipse(picture, (x, horizon - h // 2), (w // 2, h // 2 + 9), 0, 0, 360, colour, -1)
    return picture
