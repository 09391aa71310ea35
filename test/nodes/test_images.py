from __future__ import annotations

from array import array

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import Image

from bharnet_ros.errors import InvalidImageError
from bharnet_ros.nodes.images import BadImage, bgr_to_image, image_to_bgr

PICTURE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def message(encoding: str, pixels: np.ndarray, padding: int = 0) -> Image:
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        height=height, width=width, encoding=encoding, step=rows.shape[1],
        data=array("B", rows.tobytes()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("bgr8", PICTURE),
        ("8UC3", PICTURE),
        ("rgb8", PICTURE[..., ::-1]),
        ("bgra8", cv2.cvtColor(PICTURE, cv2.COLOR_BGR2BGRA)),
        ("rgba8", cv2.cvtColor(PICTURE, cv2.COLOR_BGR2RGBA)),
    ],
)
@pytest.mark.parametrize("padding", [0, 5])
def test_colour_encodings_give_the_same_picture(
    encoding: str, pixels: np.ndarray, padding: int
) -> None:
    np.testing.assert_array_equal(image_to_bgr(message(encoding, pixels, padding)), PICTURE)


def test_mono_is_grey() -> None:
    grey = PICTURE[..., 0]
    found = image_to_bgr(message("mono8", grey[..., None]))
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], grey)


def test_deep_grey_of_either_byte_order() -> None:
    grey = PICTURE[..., 0]
    for order, is_bigendian in ((">u2", 1), ("<u2", 0)):
        data = array("B", (grey.astype(order) * 257).astype(order).tobytes())
        deep = Image(
            height=5, width=7, encoding="mono16", is_bigendian=is_bigendian, step=14, data=data
        )
        np.testing.assert_array_equal(image_to_bgr(deep), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("change", "reason", "word"),
    [
        ({"encoding": "yuv411"}, "unsupported encoding", "yuv411"),
        ({"encoding": ""}, "unsupported encoding", "''"),
        ({"height": 0}, "empty image", "7 x 0"),
        ({"width": 0}, "empty image", "0 x 5"),
        ({"step": 20}, "wrong step", "20 bytes"),
        ({"step": 22}, "truncated data", "110"),
        ({"height": 6}, "truncated data", "105 bytes"),
        ({"data": array("B", b"123")}, "truncated data", "3 bytes"),
        ({"height": 100_000, "width": 100_000, "step": 300_000}, "image too large", "100000"),
    ],
)
def test_contradictions_are_refused(change: dict[str, object], reason: str, word: str) -> None:
    bad = message("bgr8", PICTURE)
    for name, value in change.items():
        setattr(bad, name, value)
    with pytest.raises(BadImage, match=word) as caught:
        image_to_bgr(bad)
    assert caught.value.reason == reason


@given(
    height=st.integers(0, 2**32 - 1), width=st.integers(0, 2**32 - 1),
    step=st.integers(0, 2**32 - 1), size=st.integers(0, 200),
    encoding=st.sampled_from(["bgr8", "rgb8", "bgra8", "rgba8", "mono8", "16UC1", "x" * 50]),
)  # fmt: skip
def test_whatever_comes_is_a_picture_or_a_typed_error(
    height: int, width: int, step: int, size: int, encoding: str
) -> None:
    bad = Image(height=height, width=width, step=step, encoding=encoding)
    bad.data = array("B", bytes(size))
    try:
        picture = image_to_bgr(bad)
    except InvalidImageError:
        return
    assert picture.shape == (height, width, 3) and picture.dtype == np.uint8


@given(
    height=st.integers(1, 20), width=st.integers(1, 20),
    stamp_ns=st.integers(0, 2**31 * 10**9 - 1), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_there_and_back(height: int, width: int, stamp_ns: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    there = bgr_to_image(picture, stamp_ns, "lens")
    np.testing.assert_array_equal(image_to_bgr(there), picture)
    assert there.header.stamp.sec * 10**9 + there.header.stamp.nanosec == stamp_ns
    assert there.header.frame_id == "lens"


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_only_pictures_are_published(picture: np.ndarray) -> None:
    with pytest.raises(InvalidImageError, match="uint8"):
        bgr_to_image(picture, 0, "")
