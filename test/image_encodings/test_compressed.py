"""Compressed images; raw ones are tested with the messages of rclpy in test/nodes."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import InvalidImageError
from bharnet_ros.image_encodings import BadImage, compressed_to_bgr, image_to_bgr

SMOOTH = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8), (0, 0), 4
)
PNG = cv2.imencode(".png", SMOOTH)[1].tobytes()
JPEG = cv2.imencode(".jpg", SMOOTH)[1].tobytes()


def message(data: bytes, kind: str = "jpeg") -> SimpleNamespace:
    return SimpleNamespace(data=np.frombuffer(data, np.uint8), format=kind)


@pytest.mark.parametrize(
    "flag", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]]
)
def test_every_kind_of_jpeg(flag: list[int]) -> None:
    data = cv2.imencode(".jpg", SMOOTH, [cv2.IMWRITE_JPEG_QUALITY, 100, *flag])[1].tobytes()
    picture = compressed_to_bgr(message(data))
    assert picture.shape == SMOOTH.shape
    assert np.abs(picture.astype(int) - SMOOTH).mean() < 2


def test_grey_and_transparent_become_bgr() -> None:
    grey = cv2.imencode(".png", SMOOTH[..., 0])[1].tobytes()
    picture = compressed_to_bgr(message(grey, "mono8; png compressed mono8"))
    np.testing.assert_array_equal(picture, np.repeat(SMOOTH[..., :1], 3, axis=2))
    seen_through = cv2.cvtColor(SMOOTH, cv2.COLOR_BGR2BGRA)
    picture = compressed_to_bgr(message(cv2.imencode(".png", seen_through)[1].tobytes(), "png"))
    np.testing.assert_array_equal(picture, SMOOTH)


def test_16_bits_become_8_as_in_raw_images() -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (9, 11, 3), np.uint16)
    expected = np.rint(deep / 257).astype(np.uint8)
    data = cv2.imencode(".png", deep)[1].tobytes()
    np.testing.assert_array_equal(compressed_to_bgr(message(data, "bgr16; png")), expected)
    data = cv2.imencode(".png", deep[..., 0])[1].tobytes()
    picture = compressed_to_bgr(message(data, "mono16; png compressed mono16"))
    np.testing.assert_array_equal(picture, np.repeat(expected[..., :1], 3, axis=2))


def test_the_order_that_the_transport_names_is_undone() -> None:
    for kind in ("rgb8; png compressed rgb8", "rgba8; png compressed rgba8"):
        picture = compressed_to_bgr(message(PNG, kind))
        np.testing.assert_array_equal(picture, SMOOTH[..., ::-1])


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "bayer_gbrg16"])
def test_a_bayer_image_keeps_its_colours(encoding: str) -> None:
    """image_transport compresses the mosaic as it is, and says so by naming no other encoding."""
    deep = encoding.endswith("16")
    mosaic = np.random.default_rng(2).integers(0, 65536 if deep else 256, (12, 16))
    mosaic = mosaic.astype("<u2" if deep else "u1")
    raw = SimpleNamespace(
        encoding=encoding, height=12, width=16, step=16 * mosaic.itemsize, is_bigendian=0,
        data=mosaic.tobytes(),
    )  # fmt: skip
    png = cv2.imencode(".png", mosaic)[1].tobytes()
    picture = compressed_to_bgr(message(png, f"{encoding}; png compressed "))
    np.testing.assert_array_equal(picture, image_to_bgr(raw))


def test_a_bayer_image_that_the_transport_has_read_is_left_alone() -> None:
    picture = compressed_to_bgr(message(PNG, "bayer_rggb8; png compressed bgr8"))
    np.testing.assert_array_equal(picture, SMOOTH)
    grey = cv2.imencode(".jpg", SMOOTH[..., 0])[1].tobytes()
    picture = compressed_to_bgr(message(grey, "bayer_rggb8; jpeg compressed mono8"))
    np.testing.assert_array_equal(picture, compressed_to_bgr(message(grey)))


def test_a_picture_turned_by_its_camera_stays_as_it_is() -> None:
    """EXIF says "turn by 90 degrees"; the raw image of the same camera would not be turned."""
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    turned = JPEG[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + JPEG[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (50, 30, 3)
    np.testing.assert_array_equal(
        compressed_to_bgr(message(turned)), compressed_to_bgr(message(JPEG))
    )


def test_a_bomb_is_never_unpacked() -> None:
    huge = (60_000).to_bytes(4, "big")
    at = JPEG.index(b"\xff\xc0") + 5
    for data in (
        PNG[:16] + huge + huge + PNG[24:],
        JPEG[:at] + huge[2:] + huge[2:] + JPEG[at + 4 :],
    ):
        with pytest.raises(BadImage, match="60000 x 60000") as caught:
            compressed_to_bgr(message(data))
        assert caught.value.reason == "image too large"


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"", "jpeg", "unsupported encoding"),
        (b"RIFF....WEBPVP8 ", "webp", "unsupported encoding"),
        (PNG, "16UC1; compressedDepth png", "unsupported encoding"),
        (PNG, "16UC1; png compressed ", "unsupported encoding"),
        (JPEG[:30], "jpeg", "truncated data"),
        (PNG[:12], "png", "truncated data"),
        (PNG[:24] + bytes(40), "png", "truncated data"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, kind: str, reason: str) -> None:
    with pytest.raises(BadImage) as caught:
        compressed_to_bgr(message(data, kind))
    assert caught.value.reason == reason


@given(
    whole=st.sampled_from([PNG, JPEG]), cut=st.integers(0, len(PNG)),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8),
)  # fmt: skip
def test_damaged_data_is_a_picture_or_a_typed_error(
    whole: bytes, cut: int, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(whole[: len(whole) - cut] if cut < len(whole) else whole)
    for at, value in changes:
        if at < len(data):
            data[at] = value
    try:
        picture = compressed_to_bgr(message(bytes(data)))
    except InvalidImageError:
        return
    assert picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8
