"""The newest picture, encoded once for everybody who waits for it, and only then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from bharnet_ros.errors import BharnetError, InvalidImageError
from bharnet_ros.types import Image

MAX_NUMBER = 999_999_999
"""Numbers of images begin anew after this one."""
LINGER_S = 3.0
"""Whoever asked for something so recently is still looking."""


@dataclass(frozen=True)
class Look:
    """How pictures are made smaller for the way to the browser.

    max_width: pixels; wider ones are scaled down. quality: of the JPEG, 1 to 100.
    max_rate_hz: pictures per second at most.
    """

    max_width: int = 960
    quality: int = 80
    max_rate_hz: float = 10.0


@dataclass(frozen=True)
class Picture:
    """A JPEG. number: counts the images that came in; taken_s, came_s: when its image was taken
    and put, on the clock of `time.monotonic`."""

    number: int
    data: bytes
    taken_s: float
    came_s: float

    @property
    def age_s(self) -> float:
        """How long ago the image was taken."""
        return time.monotonic() - self.taken_s

    @property
    def held_s(self) -> float:
        """How long ago the image came in; whatever clock its stamp is of."""
        return time.monotonic() - self.came_s


@dataclass(frozen=True)
class _Source:
    number: int
    image: Any
    taken_s: float
    came_s: float


class Pictures:
    """Between the graph, which puts images, and browsers, which wait for the newest.

    `put` only stores a reference, so no browser can slow the graph down; one image and one JPEG
    are all that is ever kept. decode: what was put -> (H, W, 3) uint8 BGR; called in the thread
    of whoever waits; may raise BharnetError.
    """

    def __init__(self, decode: Callable[[Any], Image], look: Look | None = None) -> None:
        self.look = look or Look()
        self._decode = decode
        self._changed = threading.Condition()
        self._source: _Source | None = None
        self._encoded: Picture | None = None
        self._encoded_s = 0.0
        self._is_encoding = False
        self._closed = False
        self._waiting = 0
        self._asked_s = -LINGER_S
        self._numbers = 0
        self._made = 0
        self._problem = ""

    def put(self, image: Any, age_s: float = 0.0) -> None:
        """A new image; age_s: how long ago it was taken."""
        with self._changed:
            self._numbers = self._numbers % MAX_NUMBER + 1
            now = time.monotonic()
            self._source = _Source(self._numbers, image, now - age_s, now)
            if self._waiting:
                self._changed.notify_all()

    def wait(self, after: int, seconds: float) -> Picture | None:
        """The newest picture with a number other than `after`; None if none comes in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._waiting += 1
            try:
                while not self._closed:
                    now = self._asked_s = time.monotonic()
                    due = self._encoded_s + 1.0 / self.look.max_rate_hz
                    is_fresh = self._source is not None and not self._is_encoding
                    if is_fresh and now >= due:
                        self._encode()
                        continue
                    encoded = self._encoded
                    if encoded is not None and not self._is_encoding and encoded.number != after:
                        return encoded
                    until = min(deadline, due) if is_fresh and now < due else deadline
                    if now >= deadline:
                        return None
                    self._changed.wait(until - now)
                return None
            finally:
                self._waiting -= 1

    def is_watched(self) -> bool:
        """Whether anybody waits for a picture, or did a moment ago."""
        with self._changed:
            return self._waiting > 0 or time.monotonic() - self._asked_s < LINGER_S

    def forget(self) -> None:
        """Drop what there is, so that nobody later takes it for the present."""
        with self._changed:
            self._source = self._encoded = None
            self._problem = ""

    def close(self) -> None:
        """Whoever waits gets nothing, from now on."""
        with self._changed:
            self._closed = True
            self._source = self._encoded = None
            self._changed.notify_all()

    @property
    def made(self) -> int:
        """Pictures encoded so far."""
        return self._made

    @property
    def problem(self) -> str:
        """Why the newest image could not be shown; "" if it could."""
        return self._problem

    def _encode(self) -> None:
        """Encode the newest image; others may put and wait meanwhile. Holds the lock around it."""
        source, look = self._source, self.look
        assert source is not None  # noqa: S101  the caller has looked, under the lock
        self._source = None
        self._is_encoding = True
        self._encoded_s = time.monotonic()
        picture, problem = None, ""
        self._changed.release()
        try:
            data = encode_jpeg(self._decode(source.image), look)
            picture = Picture(source.number, data, source.taken_s, source.came_s)
        except BharnetError as error:
            problem = str(error)
        finally:
            self._changed.acquire()
            self._is_encoding = False
            if not self._closed:
                self._problem = problem
                if picture is not None:
                    self._encoded = picture
                    self._made += 1
            self._changed.notify_all()


def encode_jpeg(image: Image, look: Look) -> bytes:
    """A (H, W, 3) uint8 BGR image as JPEG, not wider than the look says.

    Raises InvalidImageError for anything else.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise InvalidImageError(
            f"An image of shape {image.shape} and type {image.dtype} cannot be shown; "
            "(height, width, 3) uint8 is expected."
        )
    height, width = image.shape[:2]
    if width > look.max_width:
        smaller = (look.max_width, max(1, round(height * look.max_width / width)))
        image = np.asarray(cv2.resize(image, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    try:
        fine, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, look.quality])
    except cv2.error as error:
        raise InvalidImageError(
            f"An image of {width} x {height} pixels cannot be shown: {error}"
        ) from None
    if not fine:
        raise InvalidImageError(f"An image of {width} x {height} pixels cannot be shown as JPEG.")
    return data.tobytes()
