"""What it costs to read an image message, per encoding.

    python -m benchmarks.image_reading [--frames 30] [--json FILE] [--machine TEXT]

Reads images of 1280 x 720 and 1920 x 1080 pixels in every encoding that cameras send, raw and
compressed, to the BGR arrays of the core. Times are medians of the processor time of one thread,
so that other programs on the machine change them little; OpenCV's own threads are off.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from benchmarks.drawing import median_ms
from bharnet_ros.image_encodings import SUPPORTED_ENCODINGS, compressed_to_bgr, image_to_bgr

SIZES = ((1280, 720), (1920, 1080))
_SAME = {"yuv422", "yuv422_yuy2"}
"""Other names of uyvy and yuyv."""


def picture(width: int, height: int) -> Any:
    """(height, width, 3) uint8: smooth shapes and a little noise, as a JPEG encoder meets them."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 16, 3), np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.add(smooth, rng.integers(0, 8, (height, width, 3), np.uint8))


def raw_message(encoding: str, width: int, height: int) -> SimpleNamespace:
    """A sensor_msgs/Image of noise; what the pixels are does not change the time."""
    colours = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4}
    channels = colours.get(encoding.rstrip("168"), 1)
    step = width * channels * (2 if encoding.endswith("16") else 1)
    rows = height
    if encoding in ("uyvy", "yuyv"):
        step = 2 * width
    elif encoding.startswith("nv"):
        rows = 3 * height if encoding == "nv24" else height + height // 2
    data = np.random.default_rng(0).integers(0, 256, rows * step, np.uint8)
    return SimpleNamespace(
        encoding=encoding, height=height, width=width, step=step, is_bigendian=0, data=data
    )


def measure(frames: int) -> list[dict[str, Any]]:
    """Rows of encoding and, for each size, milliseconds."""
    cv2.setNumThreads(1)
    rows: list[dict[str, Any]] = []
    for encoding in SUPPORTED_ENCODINGS:
        if encoding in _SAME:
            continue
        row: dict[str, Any] = {"encoding": encoding}
        for width, height in SIZES:
            message = raw_message(encoding, width, height)
            row[f"ms_{height}p"] = median_ms(lambda m=message: image_to_bgr(m), frames)  # type: ignore[misc]
        rows.append(row)
    for kind, suffix in (("jpeg", ".jpg"), ("png", ".png")):
        row = {"encoding": f"compressed {kind}"}
        for width, height in SIZES:
            data = cv2.imencode(suffix, picture(width, height))[1].reshape(-1)
            message = SimpleNamespace(format=kind, data=data)
            row[f"ms_{height}p"] = median_ms(lambda m=message: compressed_to_bgr(m), frames)  # type: ignore[misc]
        rows.append(row)
    return rows


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--frames", type=int, default=30, help="default 30")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--machine", default="", help="what it ran on, for the file")
    options = parser.parse_args()
    rows = measure(options.frames)
    print(f"{'encoding':18}" + "".join(f"{f'{height}p ms':>10}" for _, height in SIZES))
    for row in rows:
        figures = "".join(f"{row[f'ms_{height}p']:10.2f}" for _, height in SIZES)
        print(f"{row['encoding']:18}{figures}")
    if options.json:
        rounded = [
            {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()} for row in rows
        ]
        content = {"machine": options.machine, "frames": options.frames, "encodings": rounded}
        options.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
