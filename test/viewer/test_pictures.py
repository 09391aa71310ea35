"""The newest picture for everybody, drawn only for somebody, and never a wait for the graph."""

from __future__ import annotations

import threading
import time
from typing import Any

import cv2
import numpy as np
import pytest

from bharnet_ros.errors import InvalidImageError
from bharnet_ros.viewer.pictures import Look, Pictures, encode_jpeg

from .conftest import plain

FAST = Look(max_rate_hz=500.0)


def grey(data: bytes) -> int:
    """The grey of a plain picture."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return round(float(picture.mean()))


class Counting:
    """A decoder that notes what it had to decode."""

    def __init__(self) -> None:
        self.decoded: list[int] = []

    def __call__(self, level: int) -> Any:
        self.decoded.append(level)
        return plain(level)


def test_nothing_is_encoded_while_nobody_looks() -> None:
    decode = Counting()
    pictures = Pictures(decode, FAST)
    for level in range(50):
        pictures.put(level)
    assert decode.decoded == [] and pictures.made == 0 and not pictures.is_watched()
    newest = pictures.wait(0, 1.0)
    assert newest is not None and grey(newest.data) == 49 and newest.number == 50
    assert decode.decoded == [49] and pictures.is_watched()


def test_one_encoding_serves_everybody() -> None:
    decode = Counting()
    pictures = Pictures(decode, FAST)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(pictures.wait(0, 10.0))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    while pictures._waiting < 8:
        time.sleep(0.001)
    pictures.put(7, age_s=0.5)
    for thread in threads:
        thread.join()
    assert decode.decoded == [7] and len({id(each) for each in found}) == 1
    assert found[0].age_s >= 0.5


def test_not_faster_than_asked_and_newest_first() -> None:
    pictures = Pictures(plain, Look(max_rate_hz=20.0))
    begin = time.monotonic()
    after = seen = 0
    for level in range(200):
        pictures.put(level)
        picture = pictures.wait(after, 0.0) if level % 3 == 0 else None
        if picture is not None:
            after, seen = picture.number, seen + 1
    assert seen <= 1 + 20.0 * (time.monotonic() - begin)
    last = pictures.wait(after, 1.0)
    assert last is not None and grey(last.data) == 199


def test_a_wait_ends_in_time_and_at_the_close() -> None:
    pictures = Pictures(plain, FAST)
    assert pictures.wait(0, 0.02) is None
    found: list[Any] = ["nothing yet"]
    thread = threading.Thread(target=lambda: found.append(pictures.wait(0, 60.0)))
    thread.start()
    while not pictures._waiting:
        time.sleep(0.001)
    pictures.close()
    thread.join(2.0)
    assert not thread.is_alive() and found[-1] is None


def test_a_picture_that_cannot_be_shown_is_told_and_passed_over() -> None:
    pictures = Pictures(lambda image: image, FAST)
    pictures.put(np.zeros((4, 4), np.uint8))
    assert pictures.wait(0, 0.02) is None and "cannot be shown" in pictures.problem
    pictures.put(plain(9))
    assert pictures.wait(0, 1.0) is not None and pictures.problem == ""


def test_what_was_is_forgotten() -> None:
    pictures = Pictures(plain, FAST)
    pictures.put(1)
    first = pictures.wait(0, 1.0)
    pictures.forget()
    assert first is not None and pictures.wait(0, 0.01) is None


def test_pictures_get_smaller_never_larger() -> None:
    wide = encode_jpeg(plain(5, (1080, 1920)), Look(max_width=640))
    picture = cv2.imdecode(np.frombuffer(wide, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and picture.shape == (360, 640, 3)
    small = cv2.imdecode(
        np.frombuffer(encode_jpeg(plain(5, (2, 3)), Look()), np.uint8), cv2.IMREAD_COLOR
    )
    assert small is not None and small.shape == (2, 3, 3)
    with pytest.raises(InvalidImageError, match="shape"):
        encode_jpeg(np.zeros((0, 3, 3), np.uint8), Look())


def test_putting_takes_no_time_while_encoding_does() -> None:
    """The graph goes on while a browser's picture is being made."""
    entered, leave = threading.Event(), threading.Event()

    def slow(level: int) -> Any:
        entered.set()
        leave.wait(10.0)
        return plain(level)

    pictures = Pictures(slow, FAST)
    pictures.put(1)
    thread = threading.Thread(target=lambda: pictures.wait(0, 10.0))
    thread.start()
    assert entered.wait(10.0)
    for level in range(2, 100):
        pictures.put(level)  # would hang here
    assert thread.is_alive()
    leave.set()
    thread.join(10.0)
    assert not thread.is_alive()
