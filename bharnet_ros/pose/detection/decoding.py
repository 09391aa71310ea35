"""From a detection network's outputs to person boxes; which way, is told by their shapes.

All boxes are (M, 4) float32 x0, y0, x1, y1 in pixels of the network's input, scores (M,) 0..1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray

STRIDES = (8, 16, 32)
Found = tuple[FloatArray, FloatArray]
Decode = Callable[[Mapping[str, FloatArray], int], Found]
"""(outputs of a batch by name, row) -> boxes, scores of the person class."""


class Decoder(NamedTuple):
    """family: "yolox", "rtmdet", or "" where the outputs do not tell. suppressed: whether the
    graph leaves one box per person by itself."""

    family: str
    suppressed: bool
    decode: Decode


def choose_decoder(
    outputs: Mapping[str, FloatArray], size: tuple[int, int], person_class: int, graph: str
) -> Decoder:
    """The decoder for a graph that gave these outputs for one image of (width, height) `size`.

    Raises ConfigurationError if it is none that is known.
    """
    for choose in (_end_to_end, _yolox, _rtmdet_heads):
        decoder = choose(outputs, size, person_class)
        if decoder is not None:
            return decoder
    shapes = {name: list(value.shape) for name, value in outputs.items()}
    raise ConfigurationError(
        f"The graph {graph} gives {shapes} for an image of {size[0]} x {size[1]} pixels; expected "
        "are boxes with scores [N, M, 5] (and labels), YOLOX [N, anchors, 5 + classes], or the "
        "six heads of RTMDet: use a person detector (python -m bharnet_ros models list)."
    )


def _end_to_end(
    outputs: Mapping[str, FloatArray], size: tuple[int, int], person_class: int
) -> Decoder | None:
    """As mmdeploy exports: [N, M, 5] boxes with scores and, for several classes, labels [N, M]."""
    boxes = [n for n, v in outputs.items() if v.ndim == 3 and v.shape[2] == 5]
    labels = [n for n, v in outputs.items() if v.ndim == 2]
    if len(boxes) != 1 or len(labels) > 1 or len(outputs) != 1 + len(labels):
        return None

    def decode(found: Mapping[str, FloatArray], row: int) -> Found:
        rows = found[boxes[0]][row]
        if labels:
            rows = rows[found[labels[0]][row] == person_class]
        return rows[:, :4], rows[:, 4]

    return Decoder("", True, decode)


def _yolox(
    outputs: Mapping[str, FloatArray], size: tuple[int, int], person_class: int
) -> Decoder | None:
    """YOLOX (Ge et al., arXiv 2107.08430): per anchor x, y, w, h, objectness, classes.

    Offsets from the grid in strides and logarithms, or pixels where the export decodes.
    """
    corners, strides = grid(size)
    if len(outputs) != 1:
        return None
    ((name, value),) = outputs.items()
    if value.ndim != 3 or value.shape[1] != len(corners) or value.shape[2] < 6 + person_class:
        return None
    in_pixels = np.abs(value[0, :, :2] - corners).mean() < np.abs(value[0, :, :2] * strides).mean()

    def decode(found: Mapping[str, FloatArray], row: int) -> Found:
        rows = found[name][row]
        sure = np.clip(rows[:, [4, 5 + person_class]], 0.0, 1.0)
        scores = sure[:, 0] * sure[:, 1]
        middle, extent = rows[:, :2], rows[:, 2:4]
        if not in_pixels:
            middle = (middle + corners / strides) * strides
            extent = np.exp(np.minimum(extent, 20.0)) * strides
        half = extent * np.float32(0.5)
        return np.concatenate((middle - half, middle + half), axis=1), scores

    return Decoder("yolox", False, decode)


def _rtmdet_heads(
    outputs: Mapping[str, FloatArray], size: tuple[int, int], person_class: int
) -> Decoder | None:
    """RTMDet (Lyu et al., arXiv 2212.07784) as torch.onnx writes it: per stride class logits
    [N, C, h, w] and distances [N, 4, h, w] in pixels to the left, top, right and bottom."""
    cells = [(size[1] // stride, size[0] // stride) for stride in STRIDES]
    names = list(outputs)
    shapes = [outputs[name].shape for name in names]
    if len(names) != 6 or any(
        len(shape) != 4 or shape[2:] != cells[i % 3] for i, shape in enumerate(shapes)
    ):
        return None
    if any(s[1] != 4 for s in shapes[3:]) or any(s[1] <= person_class for s in shapes[:3]):
        return None
    corners, _ = grid(size)

    def decode(found: Mapping[str, FloatArray], row: int) -> Found:
        logits = np.concatenate([found[n][row, person_class].ravel() for n in names[:3]])
        gaps = np.concatenate([found[n][row].reshape(4, -1).T for n in names[3:]])
        boxes = np.concatenate((corners - gaps[:, :2], corners + gaps[:, 2:]), axis=1)
        return boxes, 1.0 / (1.0 + np.exp(-np.clip(logits, -50.0, 50.0)))

    return Decoder("rtmdet", False, decode)


def grid(size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """(A, 2) x and y of the upper left corners of all cells in pixels, (A, 1) their strides."""
    corners, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: size[1] // stride, : size[0] // stride]
        corners.append(np.stack((x.ravel(), y.ravel()), axis=1) * stride)
        strides.append(np.full((x.size, 1), stride))
    return (
        np.concatenate(corners).astype(np.float32),
        np.concatenate(strides).astype(np.float32),
    )
