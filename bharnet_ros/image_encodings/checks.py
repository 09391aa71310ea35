"""What every image must fulfil before a pixel of it is read."""

from __future__ import annotations

from bharnet_ros.errors import InvalidImageError

MAX_PIXELS = 64_000_000
"""Larger images are refused: nothing downstream needs them and one could fill the memory."""


class BadImage(InvalidImageError):
    """An image message that contradicts itself. reason: two words to count it under."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def check_size(height: int, width: int) -> None:
    """Raise BadImage for an image without pixels, or with too many."""
    if height == 0 or width == 0:
        raise BadImage(
            "empty image", f"The image is {width} x {height} pixels; it has no content."
        )
    if height * width > MAX_PIXELS:
        raise BadImage(
            "image too large",
            f"The image is {width} x {height} pixels; more than {MAX_PIXELS} are refused.",
        )


def check_step(encoding: str, width: int, step: int, needed: int) -> None:
    """Raise BadImage unless a row of `step` bytes holds the `needed` bytes of its pixels."""
    if step < needed:
        raise BadImage(
            "wrong step",
            f"The step is {step} bytes, but {width} pixels of {encoding} need at least {needed}.",
        )


def check_length(length: int, rows: int, step: int) -> None:
    """Raise BadImage unless the data is as long as its rows."""
    if length != rows * step:
        raise BadImage(
            "truncated data",
            f"The data holds {length} bytes, but {rows} rows of {step} bytes are "
            f"{rows * step}; the message is truncated or its step is wrong.",
        )
