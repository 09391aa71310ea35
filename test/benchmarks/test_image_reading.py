from __future__ import annotations

from benchmarks.image_reading import measure, raw_message
from bharnet_ros.image_encodings import SUPPORTED_ENCODINGS, image_to_bgr


def test_its_messages_can_be_read() -> None:
    for encoding in set(SUPPORTED_ENCODINGS) - {"yuv422", "yuv422_yuy2"}:
        assert image_to_bgr(raw_message(encoding, 64, 48)).shape == (48, 64, 3)


def test_every_encoding_has_a_time() -> None:
    rows = measure(1)
    assert {"nv12", "bayer_rggb8", "compressed jpeg"} <= {row["encoding"] for row in rows}
    assert all(row["ms_720p"] >= 0.0 and row["ms_1080p"] > 0.0 for row in rows)
