"""Image messages without ROS, as a bag reader makes them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt


def raw(
    encoding: str,
    width: int,
    rows: npt.NDArray[np.uint8],
    *,
    padding: int = 0,
    height: int | None = None,
    big_endian: bool = False,
) -> SimpleNamespace:
    """A sensor_msgs/Image. rows: (R, bytes of a row) without padding, R is the height or, where
    planes follow each other, more; padding: bytes behind each row."""
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return SimpleNamespace(
        height=len(rows) if height is None else height, width=width, encoding=encoding,
        is_bigendian=int(big_endian), step=padded.shape[1], data=padded.reshape(-1),
    )  # fmt: skip
