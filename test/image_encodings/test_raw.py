"""Packed pixels, 16 bits, mosaics: each against arithmetic that is not OpenCV's."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import InvalidImageError
from bharnet_ros.image_encodings import SUPPORTED_ENCODINGS, BadImage, image_to_bgr

from .messages import raw

Picture = npt.NDArray[np.uint8]
Deep = npt.NDArray[np.uint16]
SIZES = [(6, 8), (5, 7), (9, 12), (12, 9)]
PADDINGS = [0, 1, 6]
ORDERS = {
    "bgr": (0, 1, 2), "rgb": (2, 1, 0), "bgra": (0, 1, 2, -1), "rgba": (2, 1, 0, -1),
    "mono": (0,),
}  # fmt: skip
"""Channel of the BGR picture for each sample of a pixel; -1 = alpha."""


def deep_picture(size: tuple[int, int], seed: int = 0) -> Deep:
    return np.random.default_rng(seed).integers(0, 65536, (*size, 3), np.uint16)


def bytes_of(samples: npt.NDArray[np.generic], big_endian: bool = False) -> Picture:
    """(H, anything) samples as the bytes of rows."""
    height = len(samples)
    if samples.dtype == np.uint16:
        samples = samples.astype(">u2" if big_endian else "<u2")
    return np.frombuffer(samples.tobytes(), np.uint8).reshape(height, -1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize(("bits", "big_endian"), [(8, False), (16, False), (16, True)])
def test_packed_pixels(
    name: str, bits: int, big_endian: bool, padding: int, size: tuple[int, int]
) -> None:
    deep = deep_picture(size)
    plain = deep if bits == 16 else (deep >> 8).astype(np.uint8)
    alpha = np.full((*size, 1), 99, plain.dtype)
    samples = np.concatenate([plain, alpha], axis=2)[..., ORDERS[name]]
    message = raw(
        f"{name}{bits}", size[1], bytes_of(samples, big_endian), padding=padding,
        big_endian=big_endian,
    )  # fmt: skip
    expected = np.rint(plain / 257).astype(np.uint8) if bits == 16 else plain
    if name == "mono":
        expected = np.repeat(expected[..., :1], 3, axis=2)
    np.testing.assert_array_equal(image_to_bgr(message), expected)


def test_every_16_bit_value_is_scaled_alike_however_bright_its_neighbours_are() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    found = image_to_bgr(raw("mono16", 256, bytes_of(every)))[..., 0]
    np.testing.assert_array_equal(found, np.rint(every / 257))
    dark = np.full((8, 8), 1000, np.uint16)
    assert set(image_to_bgr(raw("mono16", 8, bytes_of(dark))).ravel()) == {4}


def mix(mosaic: npt.NDArray[np.integer], first: str) -> npt.NDArray[np.int64]:
    """(H, W, 3) BGR of a mosaic by the mean of the nearest samples of each colour, rounded half up;
    without a border of one pixel, which has fewer neighbours.

    first: colours of the first two pixels and of those below them, as ROS names them.
    """
    height, width = mosaic.shape
    colours = np.array(["bgr".index(c) for c in first]).reshape(2, 2)
    at = np.tile(colours, (height // 2 + 1, width // 2 + 1))[:height, :width]
    found = np.zeros((height - 2, width - 2, 3), np.int64)
    around = {
        "self": [(0, 0)], "side": [(0, -1), (0, 1)], "above": [(-1, 0), (1, 0)],
        "cross": [(0, -1), (0, 1), (-1, 0), (1, 0)],
        "corners": [(-1, -1), (-1, 1), (1, -1), (1, 1)],
    }  # fmt: skip
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            for channel in range(3):
                for places in around.values():
                    if all(at[y + dy, x + dx] == channel for dy, dx in places):
                        values = [int(mosaic[y + dy, x + dx]) for dy, dx in places]
                        count = len(values)
                        found[y - 1, x - 1, channel] = (sum(values) + count // 2) // count
                        if len(places) != 2:
                            break
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("first", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize(("bits", "big_endian"), [(8, False), (16, False), (16, True)])
def test_mosaics(
    first: str, bits: int, big_endian: bool, padding: int, size: tuple[int, int]
) -> None:
    deep = deep_picture(size)[..., 0]
    mosaic = deep if bits == 16 else (deep >> 8).astype(np.uint8)
    message = raw(
        f"bayer_{first}{bits}", size[1], bytes_of(mosaic, big_endian), padding=padding,
        big_endian=big_endian,
    )  # fmt: skip
    found, expected = image_to_bgr(message), mix(mosaic, first)
    assert found.shape == (*size, 3)
    if bits == 16:
        expected = np.rint(expected / 257).astype(np.int64)
    np.testing.assert_array_equal(found[1:-1, 1:-1], expected)
    # OpenCV continues the border with the pixels next to it.
    np.testing.assert_array_equal(found[0, 1:-1], expected[0])
    np.testing.assert_array_equal(found[1:-1, -1], expected[:, -1])


@pytest.mark.parametrize(("alias", "encoding"), [("8UC1", "mono8"), ("8UC3", "bgr8")])
def test_opencv_names_mean_the_same(alias: str, encoding: str) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (4, 4 * (3 if "3" in alias else 1)), np.uint8)
    np.testing.assert_array_equal(
        image_to_bgr(raw(alias, 4, rows)), image_to_bgr(raw(encoding, 4, rows))
    )


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("16UC1", "depth image.*mono16"),
        ("32FC1", "depth image.*colour topic"),
        ("h264", "'h264' is not supported.*bgr8.*image_proc"),
        ("64FC3", "'64FC3' is not supported"),
        ("yuv411", "nv12.*yuv422"),
        ("", "'' is not supported"),
    ],
)
def test_an_unsupported_encoding_names_the_remedy(encoding: str, words: str) -> None:
    message = raw(encoding, 8, np.zeros((8, 64), np.uint8))
    with pytest.raises(BadImage, match=words) as caught:
        image_to_bgr(message)
    assert caught.value.reason == "unsupported encoding"


@pytest.mark.parametrize("encoding", SUPPORTED_ENCODINGS)
def test_a_row_too_short_or_missing_is_named(encoding: str) -> None:
    message = raw(encoding, 8, np.zeros((4, 4), np.uint8))
    with pytest.raises(BadImage, match="step is 4 bytes") as caught:
        image_to_bgr(message)
    assert caught.value.reason == "wrong step"
    message = raw(encoding, 8, np.zeros((4, 64), np.uint8), height=9)
    with pytest.raises(BadImage, match="256 bytes") as caught:
        image_to_bgr(message)
    assert caught.value.reason == "truncated data"


@given(
    encoding=st.sampled_from([*SUPPORTED_ENCODINGS, "8UC4", "16UC1", "x"]),
    height=st.integers(0, 6), width=st.integers(0, 6), step=st.integers(0, 40),
    size=st.integers(0, 200), big_endian=st.integers(0, 1),
)  # fmt: skip
def test_whatever_comes_is_a_picture_or_a_typed_error(
    encoding: str, height: int, width: int, step: int, size: int, big_endian: int
) -> None:
    message = SimpleNamespace(
        encoding=encoding, height=height, width=width, step=step, is_bigendian=big_endian,
        data=np.zeros(size, np.uint8),
    )  # fmt: skip
    try:
        picture = image_to_bgr(message)
    except InvalidImageError:
        return
    assert picture.shape == (height, width, 3) and picture.dtype == np.uint8
