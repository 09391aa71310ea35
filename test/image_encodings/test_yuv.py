"""YUV against the formula of ITU-R BT.601, in floats, pixel by pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bharnet_ros.image_encodings import BadImage, image_to_bgr

from .messages import raw

Plane = npt.NDArray[np.uint8]
EVEN = [(6, 8), (2, 2), (4, 10)]
ODD = [(5, 7), (5, 8), (6, 7), (1, 1)]


def planes(size: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    """Luma in its legal range and two planes of chroma, all of full size."""
    rng = np.random.default_rng(0)
    luma = rng.integers(16, 236, size, np.uint8)
    return luma, rng.integers(0, 256, size, np.uint8), rng.integers(0, 256, size, np.uint8)


def bgr(y: Plane, u: Plane, v: Plane) -> npt.NDArray[np.float64]:
    """BT.601: luma 16..235, chroma 16..240 around 128, to full range."""
    luma, blue, red = (y - 16.0) / 219.0, (u - 128.0) / 112.0, (v - 128.0) / 112.0
    b, r = luma + 0.886 * blue, luma + 0.701 * red
    g = (luma - 0.299 * r - 0.114 * b) / 0.587
    return np.clip(np.stack([b, g, r], axis=2), 0.0, 1.0) * 255.0


def close(found: Plane, expected: npt.NDArray[np.float64]) -> None:
    """Half a level of rounding, and half of one for coefficients with three digits."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1.0


@pytest.mark.parametrize("padding", [0, 3, 16])
@pytest.mark.parametrize("size", EVEN)
@pytest.mark.parametrize("encoding", ["uyvy", "yuv422", "yuyv", "yuv422_yuy2"])
def test_two_pixels_share_their_chroma(
    encoding: str, size: tuple[int, int], padding: int
) -> None:
    y, u, v = planes(size)
    rows = np.empty((size[0], 2 * size[1]), np.uint8)
    first = 0 if encoding in ("uyvy", "yuv422") else 1
    rows[:, first::4], rows[:, first + 2 :: 4] = u[:, ::2], v[:, ::2]
    rows[:, 1 - first :: 2] = y
    wide = [np.repeat(plane[:, ::2], 2, axis=1) for plane in (u, v)]
    close(image_to_bgr(raw(encoding, size[1], rows, padding=padding)), bgr(y, *wide))


@pytest.mark.parametrize("padding", [0, 3, 16])
@pytest.mark.parametrize("size", EVEN + ODD)
@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_four_pixels_share_their_chroma(
    encoding: str, size: tuple[int, int], padding: int
) -> None:
    height, width = size
    y, u, v = planes(size)
    odd = width % 2
    pairs = (u, v) if encoding == "nv12" else (v, u)
    chroma = np.stack([plane[::2, ::2] for plane in pairs], axis=2).reshape((height + 1) // 2, -1)
    rows = np.concatenate([np.pad(y, ((0, 0), (0, odd))), chroma])
    found = image_to_bgr(raw(encoding, width, rows, padding=padding, height=height))
    full = [plane[::2, ::2].repeat(2, axis=0).repeat(2, axis=1) for plane in (u, v)]
    close(found, bgr(y, *(plane[:height, :width] for plane in full)))


@pytest.mark.parametrize("padding", [0, 3, 16])
@pytest.mark.parametrize("size", EVEN + ODD)
def test_every_pixel_has_its_chroma(size: tuple[int, int], padding: int) -> None:
    height, width = size
    y, u, v = planes(size)
    # Two steps per row of chroma: its padding is twice that of the luma.
    luma = np.pad(y, ((0, 0), (0, padding)))
    chroma = np.pad(np.stack([u, v], axis=2).reshape(height, -1), ((0, 0), (0, 2 * padding)))
    rows = np.concatenate([luma, chroma.reshape(2 * height, -1)])
    close(image_to_bgr(raw("nv24", width, rows, height=height)), bgr(y, u, v))


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
def test_a_step_computed_from_two_channels_is_understood(encoding: str) -> None:
    height, width = 4, 6
    rows = np.random.default_rng(0).integers(16, 236, (12 if "24" in encoding else 6, width))
    message = raw(encoding, width, rows.astype(np.uint8), height=height)
    expected = image_to_bgr(message)
    message.step = 2 * width
    np.testing.assert_array_equal(image_to_bgr(message), expected)


def test_black_white_and_a_primary_colour() -> None:
    for (y, u, v), colour in (
        ((16, 128, 128), (0, 0, 0)),
        ((235, 128, 128), (255, 255, 255)),
        ((81, 90, 240), (0, 0, 254)),
    ):
        rows = np.tile(np.array([u, y, v, y], np.uint8), (2, 2))
        found = image_to_bgr(raw("uyvy", 4, rows)).reshape(-1, 3)
        assert np.abs(found.astype(int) - colour).max() <= 1


@pytest.mark.parametrize("encoding", ["uyvy", "yuyv"])
def test_an_odd_width_needs_room_for_the_pair(encoding: str) -> None:
    rows = np.random.default_rng(0).integers(16, 236, (4, 16), np.uint8)
    whole = image_to_bgr(raw(encoding, 8, rows))
    np.testing.assert_array_equal(image_to_bgr(raw(encoding, 7, rows)), whole[:, :7])
    with pytest.raises(BadImage, match=r"in pairs.*even width"):
        image_to_bgr(raw(encoding, 7, rows[:, :14]))


def test_chroma_without_room_is_named() -> None:
    with pytest.raises(BadImage, match="even width") as caught:
        image_to_bgr(raw("nv12", 7, np.zeros((6, 7), np.uint8), height=4))
    assert caught.value.reason == "wrong step"
