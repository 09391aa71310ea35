"""Text into images, in many scripts where OpenCV has TrueType fonts (5 or newer).

Its fonts have Latin, Greek, Cyrillic, Hebrew, Arabic, Chinese, Japanese and Korean letters; others
become "?". Older OpenCV draws ASCII strokes only; accents are then left away.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import cv2

from bharnet_ros.types import Image

Colour = tuple[int, int, int]

_HERSHEY = cv2.FONT_HERSHEY_SIMPLEX
_HERSHEY_HEIGHT_PX = 22.0
"""Height of its capitals at scale 1."""
_NORMAL, _BOLD = 400, 700
_CAPITALS = 0.7
"""Height of a capital letter in parts of the size of a TrueType font."""
_LONGEST = 48
_TELLING = 6
"""Letters: where there is room for no more, dots would take the place of what is told."""


def shortened(text: str) -> str:
    """A text that fits a label: on one line, and not endless."""
    # The fonts have letters with their accents, not accents to put over letters.
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def text_width(text: str, height_px: int, bold: bool = False) -> int:
    """Width in pixels. height_px: of capital letters."""
    font = _font()
    if font is not None:
        x, _, width, _ = cv2.getTextSize(
            (0, 0), text, (0, 0), font, _size(height_px), _BOLD if bold else _NORMAL
        )
        return int(x + width)
    (width, _), _ = cv2.getTextSize(
        _ascii(text), _HERSHEY, height_px / _HERSHEY_HEIGHT_PX, _stroke(height_px, bold)
    )
    return width


def fitted(text: str, width_px: int, height_px: int, bold: bool = False) -> str:
    """The text, or as much of its beginning as has room. height_px: of capital letters."""
    if text_width(text, height_px, bold) <= width_px:
        return text
    for length in range(len(text) - 1, 0, -1):
        cut = text[:length].rstrip()
        if length > _TELLING:
            cut += "..."
        if text_width(cut, height_px, bold) <= width_px:
            return cut
    return ""


def put_text(
    canvas: Image, text: str, place: tuple[int, int], height_px: int, colour: Colour,
    bold: bool = False,
) -> None:  # fmt: skip
    """Write into the canvas. place: x of the left end, y of the baseline, in pixels."""
    font = _font()
    if font is not None:
        cv2.putText(
            canvas, text, place, colour, font, _size(height_px), _BOLD if bold else _NORMAL
        )
        return
    cv2.putText(
        canvas, _ascii(text), place, _HERSHEY, height_px / _HERSHEY_HEIGHT_PX, colour,
        _stroke(height_px, bold), cv2.LINE_AA,
    )  # fmt: skip


@cache
def _font() -> Any:
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def _size(height_px: int) -> int:
    return max(1, round(height_px / _CAPITALS))


def _stroke(height_px: int, bold: bool) -> int:
    return max(1, round(height_px / (8 if bold else 14)))


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return kept.encode("ascii", "replace").decode("ascii")
