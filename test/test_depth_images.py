"""Depth images in every form that REP 118 and compressed_depth_image_transport know."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.depth_images import compressed_depth_to_metres, depth_to_metres
from bharnet_ros.image_encodings import BadImage

MILLIMETRES = np.array([[0, 1, 1500], [65535, 2000, 0]], np.uint16)
METRES = np.array([[np.nan, 0.001, 1.5], [65.535, 2.0, np.nan]], np.float32)


def image(values: Any, encoding: str, big: bool = False, padding: int = 0, **changes: Any) -> Any:
    stored = values.astype(values.dtype.newbyteorder(">" if big else "<"))
    rows = [row.tobytes() + b"\xff" * padding for row in stored]
    fields = {
        "encoding": encoding, "height": values.shape[0], "width": values.shape[1],
        "step": len(rows[0]), "is_bigendian": int(big), "data": b"".join(rows),
    }  # fmt: skip
    return SimpleNamespace(**{**fields, **changes})


def compressed(values: Any, kind: str, quantization: tuple[float, float] = (0.0, 0.0)) -> Any:
    _, png = cv2.imencode(".png", values)
    data = struct.pack("<iff", 0, *quantization) + png.tobytes()
    return SimpleNamespace(format=kind, data=data)


@pytest.mark.parametrize("encoding", ["16UC1", "mono16", "16uc1"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 3])
def test_millimetres(encoding: str, big: bool, padding: int) -> None:
    found = depth_to_metres(image(MILLIMETRES, encoding, big, padding))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, METRES, rtol=1e-6)


@pytest.mark.parametrize("big", [False, True])
def test_metres_with_all_that_means_unknown(big: bool) -> None:
    values = np.array([[1.5, np.nan, np.inf], [-np.inf, 0.0, -1.0]], np.float32)
    found = depth_to_metres(image(values, "32FC1", big))
    assert found[0, 0] == 1.5 and np.isnan(found.ravel()[1:]).all()


def test_the_last_row_may_lack_its_padding() -> None:
    whole = image(MILLIMETRES, "16UC1", padding=4)
    whole.data = whole.data[:-4]
    np.testing.assert_allclose(depth_to_metres(whole), METRES, rtol=1e-6)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (image(MILLIMETRES, "bgr8"), "unsupported encoding"),
        (image(MILLIMETRES, "16UC1", height=0), "empty image"),
        (image(MILLIMETRES, "16UC1", step=5), "wrong step"),
        (image(MILLIMETRES, "16UC1", data=b"123"), "truncated data"),
        (image(MILLIMETRES, "16UC1", data=b"1" * 100), "truncated data"),
        (image(MILLIMETRES, "16UC1", height=100000, width=100000), "image too large"),
    ],
)
def test_contradictions_are_refused(message: Any, reason: str) -> None:
    with pytest.raises(BadImage) as caught:
        depth_to_metres(message)
    assert caught.value.reason == reason


def test_compressed_millimetres() -> None:
    found = compressed_depth_to_metres(compressed(MILLIMETRES, "16UC1; compressedDepth png"))
    np.testing.assert_allclose(found, METRES, rtol=1e-6)
    old = compressed_depth_to_metres(compressed(MILLIMETRES, "16UC1; compressedDepth"))
    np.testing.assert_allclose(old, METRES, rtol=1e-6)


def test_compressed_metres_are_quantized_inverses() -> None:
    # As compressed_depth_image_transport writes them: depth_quantization 100, depth_max 10 m.
    depth = np.array([[0.5, 1.0, 4.0], [9.0, np.nan, 2.5]], np.float64)
    quant_a = 100.0 * 101.0
    quant_b = 1.0 - quant_a / 10.0
    codes = np.where(np.isnan(depth), 0, np.round(quant_a / depth + quant_b)).astype(np.uint16)
    message = compressed(codes, "32FC1; compressedDepth png", (quant_a, quant_b))
    found = compressed_depth_to_metres(message)
    np.testing.assert_allclose(found, depth, rtol=0.01)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (compressed(MILLIMETRES, "jpeg"), "unsupported encoding"),
        (compressed(MILLIMETRES, "16UC1; jpeg compressed "), "unsupported encoding"),
        (compressed(MILLIMETRES, "8UC1; compressedDepth png"), "unsupported encoding"),
        (
            SimpleNamespace(format="16UC1; compressedDepth rvl", data=b"\0" * 64),
            "unsupported encoding",
        ),
        (SimpleNamespace(format="16UC1; compressedDepth png", data=b""), "unsupported encoding"),
        (
            compressed(MILLIMETRES, "32FC1; compressedDepth png", (np.nan, 0.0)),
            "truncated data",
        ),
        (
            compressed(MILLIMETRES.astype(np.uint8), "16UC1; compressedDepth png"),
            "truncated data",
        ),
    ],
)
def test_other_compressed_images_are_refused(message: Any, reason: str) -> None:
    with pytest.raises(BadImage) as caught:
        compressed_depth_to_metres(message)
    assert caught.value.reason == reason


def test_a_header_that_promises_too_much_is_not_decoded() -> None:
    message = compressed(MILLIMETRES, "16UC1; compressedDepth png")
    data = bytearray(message.data)
    data[12 + 16 : 12 + 24] = (100_000).to_bytes(4, "big") * 2
    message.data = bytes(data)
    with pytest.raises(BadImage) as caught:
        compressed_depth_to_metres(message)
    assert caught.value.reason == "image too large"


@settings(max_examples=60)
@given(st.binary(max_size=120), st.integers(0, 120))
def test_damaged_data_never_does_more_than_refuse(noise: bytes, cut: int) -> None:
    good = bytes(compressed(MILLIMETRES, "16UC1; compressedDepth png").data)
    for data in (noise, good[:cut], good[:cut] + noise, good[:12] + noise):
        try:
            found = compressed_depth_to_metres(
                SimpleNamespace(format="16UC1; compressedDepth png", data=data)
            )
        except BadImage:
            continue
        assert found.ndim == 2
