"""Eyes, brows, mouth and glasses, painted on the head where the face points say."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.solids import Canvas
from bharnet_ros.types import AnyFloat, Image

_FACE = 23
_SHIFT = 4


def paint_face(
    colours: Image, canvas: Canvas, pixels: AnyFloat, depth: AnyFloat, look: Appearance,
    tint: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Paint the features onto `colours` (h, w, 3) BGR of a canvas, where the head is seen.

    pixels: (133, 2) image pixels; depth: (133,) metres. A feature is painted only where the
    nearest surface lies at its depth, so hair, hands and the head itself hide it.
    """
    face = canvas.to_canvas(pixels[_FACE : _FACE + 68])
    far = depth[_FACE : _FACE + 68]
    low = np.maximum(np.floor(face.min(axis=0)).astype(int) - 6, 0)
    high = np.minimum(np.ceil(face.max(axis=0)).astype(int) + 7, canvas.depth.shape[::-1])
    if (high <= low).any():
        return
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    part = colours[window]
    painted = part.copy()
    face = face - low
    size = float(np.linalg.norm(face[36] - face[45])) + 1e-6
    height = float(np.linalg.norm(face[27] - face[8])) + 1e-6
    if height < 6:
        return
    skin = np.array(look.skin, np.float64)
    hair = np.array(look.hair, np.float64)

    def colour(values: npt.NDArray[np.float64] | tuple[float, float, float]) -> tuple[int, ...]:
        return tuple(int(v) for v in np.clip(np.asarray(values) * tint, 0, 255))

    def fixed(points: AnyFloat) -> npt.NDArray[np.int32]:
        return np.round(points * (1 << _SHIFT)).astype(np.int32)

    def fill(points: AnyFloat, paint: tuple[int, ...]) -> None:
        cv2.fillPoly(painted, [fixed(points)], paint, cv2.LINE_AA, _SHIFT)

    def line(points: AnyFloat, paint: tuple[int, ...], width: float, closed: bool = False) -> None:
        thick = max(round(width), 1)
        cv2.polylines(painted, [fixed(points)], closed, paint, thick, cv2.LINE_AA, _SHIFT)

    down = np.array([0.0, height])
    dark = colour(skin * [0.35, 0.38, 0.5])
    soft = colour(skin * [0.66, 0.68, 0.78])
    for start in (36, 42):
        eye = face[start : start + 6]
        centre = eye.mean(axis=0)
        bigger = centre + (eye - centre) * [1.12, 1.45]
        fill(bigger - (0, 0.012 * height), soft)
        fill(eye, colour((225, 228, 230)))
        radius = max(0.062 * height, 0.8)
        middle = tuple(int(v) for v in fixed(centre))
        cv2.circle(painted, middle, int(radius * 16), colour((38, 45, 60)), -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(painted, middle, int(radius * 8), (12, 12, 12), -1, cv2.LINE_AA, _SHIFT)
        line(eye[:4], dark, 0.022 * height)
    for start in (17, 22):
        brow = face[start : start + 5]
        thick = np.concatenate([brow, brow[::-1] + down * 0.055])
        fill(thick, colour(0.75 * hair * 0.8 + 0.25 * skin * 0.6))
    nostrils = face[31:36] + down * 0.01
    line(nostrils, soft, 0.02 * height)
    for k in (32, 34):
        spot = tuple(int(v) for v in fixed(face[k]))
        cv2.circle(painted, spot, int(0.018 * height * 16), dark, -1, cv2.LINE_AA, _SHIFT)
    lip = colour(skin * [0.66, 0.62, 0.86])
    fill(face[48:60], lip)
    line(face[[48, 60, 61, 62, 63, 64, 54]], dark, 0.018 * height)
    if look.glasses:
        frame = colour((35, 32, 30))
        for start in (36, 42):
            eye = face[start : start + 6]
            centre = eye.mean(axis=0) + down * 0.01
            ring = centre + (eye - centre) * [1.55, 3.4]
            line(ring, frame, 0.02 * height, closed=True)
        line(face[[39, 27, 42]], frame, 0.02 * height)
    # Only where the surface is the head's own front: nearer things and the far side hide it.
    nearest = canvas.depth[window]
    reach = 0.035 * max(size, height) / max(height, 1.0)
    shown = np.abs(nearest - np.float32(far.mean())) < max(0.06, reach)
    np.copyto(part, painted, where=shown[..., None] & (canvas.group[window] == 2)[..., None])
