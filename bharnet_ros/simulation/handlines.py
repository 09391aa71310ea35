"""The three lines of a palm, which tell a palm from the back of a hand."""

from __future__ import annotations

import cv2
import numpy as np

from bharnet_ros.simulation.hand import PALM_GROUP, palm_frame, palm_length
from bharnet_ros.simulation.materials import PALM
from bharnet_ros.simulation.solids import Canvas
from bharnet_ros.types import AnyFloat

# Points as (to the thumb's side, to the fingers), in palm lengths; life, head and heart line.
_LINES = (
    ((0.30, 0.74), (0.16, 0.66), (0.06, 0.46), (0.02, 0.24), (0.04, 0.08)),
    ((0.30, 0.74), (0.12, 0.68), (-0.10, 0.54), (-0.26, 0.40)),
    ((-0.36, 0.64), (-0.18, 0.68), (0.00, 0.78), (0.10, 0.92)),
)
_STRENGTH = 0.30


def draw_palm_lines(
    canvas: Canvas, hand: AnyFloat, pixels: AnyFloat, right: bool, palm_px: float
) -> None:
    """Darken the palm's lines in canvas.tone, if the palm of this (21, 3) hand faces the camera.

    pixels: (21, 2) image pixels. palm_px: palm length in canvas pixels.
    """
    if palm_px < 24:
        return
    out, side, along = palm_frame(hand, right)
    if out[2] > -0.25:
        return
    size = palm_length(hand)
    width = abs(float((hand[5] - hand[17]) @ side)) / size / 0.67
    zoom = palm_px / canvas.scale / size  # image pixels per metre
    origin = pixels[0] + out[:2] * (0.10 * size * zoom)
    lines = []
    for line in _LINES:
        offsets = np.array(line)
        flat = offsets[:, :1] * width * side[:2] + offsets[:, 1:] * along[:2]
        place = canvas.to_canvas(origin + flat * size * zoom)
        lines.append(np.round(place * 16).astype(np.int32))
    mask = np.zeros(canvas.tone.shape, np.uint8)
    thick = max(round(palm_px * 0.022), 1)
    cv2.polylines(mask, lines, False, 255, thick, cv2.LINE_AA, 4)
    cv2.GaussianBlur(mask, (3, 3), 0, dst=mask)
    shown = (canvas.group == PALM_GROUP) & (canvas.material == PALM)
    mask[~shown] = 0
    canvas.tone *= np.float32(1) - mask.astype(np.float32) * np.float32(_STRENGTH / 255)
