"""Keypoints of people by a SimCC network in ONNX: RTMPose, RTMW, DWPose, RTMPose-hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import Report
from bharnet_ros.models_store.weights import find_weights
from bharnet_ros.pose.image_graph import EngineSettings, ImageGraph, opened, title
from bharnet_ros.pose.rtmpose.affine import crop, crop_matrix, to_image, usable
from bharnet_ros.pose.rtmpose.description import (
    FILE,
    PoseDescription,
    full_score_of,
    read_description,
)
from bharnet_ros.pose.rtmpose.simcc import decode
from bharnet_ros.pose.sidecars import PIPELINE
from bharnet_ros.types import FloatArray, Image

WHOLE_BODY = 133
HAND = 21


class Outputs(NamedTuple):
    """Which outputs are read, and how. x, y: names. keypoints: their number."""

    x: str
    y: str
    keypoints: int
    split_ratio: float


class RTMPoseKeypoints:
    """`KeypointModel` on an ONNX graph, for people of all cameras at once.

    model: path of a graph or name in the model store; `pose.yaml` beside it may describe it.
    num_keypoints: how many the graph must give. engine, engine_options, num_threads: what runs
    it, see `bharnet_ros.inference`. kind: of the model in the store. report: told about builds.
    Raises ConfigurationError (options, another kind of graph), WeightsError or what
    `open_graph` raises.
    """

    def __init__(
        self,
        model: str | Path,
        num_keypoints: int = WHOLE_BODY,
        *,
        engine: str = "onnxruntime",
        engine_options: EngineSettings = None,
        num_threads: int = 2,
        kind: str = "pose",
        report: Report | None = None,
    ) -> None:
        path = find_weights(model, kind)
        self._description = read_description(path)
        with opened(path, engine, engine_options, num_threads, report) as opened_engine:
            self._graph = ImageGraph(path, opened_engine, self._description.input_size)
            self._outputs = find_outputs(
                path, self._graph.probe(), self._graph.size, self._description
            )
            found, stated = self._outputs.keypoints, self._description.keypoints
            if found != num_keypoints:
                raise ConfigurationError(_other_number(path, found, num_keypoints))
            if stated not in (None, found):
                raise ConfigurationError(
                    f"The graph {path} gives {found} keypoints, not {stated} as {FILE} beside it "
                    "says: correct or remove that."
                )
            self._full_score = np.float32(full_score_of(path, self._description))
            self._graph.try_batches()
        self.identity = f"{title(path)}, {self._graph.identity}"

    @property
    def num_keypoints(self) -> int:
        """Of one person."""
        return self._outputs.keypoints

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height in pixels of what the network sees of a person."""
        return self._graph.size

    def estimate(self, crops: Sequence[tuple[Image, FloatArray]]) -> tuple[FloatArray, FloatArray]:
        """Keypoints of everybody.

        crops: images (H, W, 3) uint8, blue first, each with a tight box (4,) x0, y0, x1, y1 in
        its pixels. Returns (N, K, 2) x and y in pixels of the image, which may lie outside of it,
        and (N, K) scores 0..1. Boxes that are not finite, have no area or do not touch their
        image score 0 everywhere. Raises EngineError.
        """
        count, size = len(crops), self._graph.size
        points = np.zeros((count, self.num_keypoints, 2), np.float32)
        scores = np.zeros((count, self.num_keypoints), np.float32)
        seen = [i for i, (image, box) in enumerate(crops) if usable(box, *image.shape[:2])]
        pixels, padding = self._description.normalization, self._description.padding

        def fill(index: int, out: FloatArray) -> None:
            image, box = crops[seen[index]]
            pixels.fill(out, crop(image, crop_matrix(box, size, padding), size))

        for part, found in self._graph.map(len(seen), fill):
            located, raw = decode(
                found[self._outputs.x], found[self._outputs.y], self._outputs.split_ratio
            )
            for row, index in enumerate(seen[part]):
                points[index] = to_image(located[row], crops[index][1], size, padding)
                scores[index] = raw[row]
        return points, np.clip(scores / self._full_score, 0.0, 1.0)

    def close(self) -> None:
        """Free the network."""
        self._graph.close()


def find_outputs(
    path: Path,
    outputs: Mapping[str, FloatArray],
    size: tuple[int, int],
    description: PoseDescription,
) -> Outputs:
    """The SimCC outputs among those of one image. Raises ConfigurationError."""
    rows = {name: value.shape for name, value in outputs.items() if value.ndim == 3}
    width, height = size
    names = list(rows)
    if "simcc_x" in rows and "simcc_y" in rows:
        names = ["simcc_x", "simcc_y"]
    fits: Callable[[str, str], bool] = lambda x, y: (  # noqa: E731
        rows[x][1] == rows[y][1] and rows[x][2] * height == rows[y][2] * width
    )
    # mmpose and mmdeploy write x first; in a square input only the order tells.
    if len(names) == 2 and not fits(*names):
        names.reverse()
    if len(names) != 2 or not fits(*names):
        shapes = {name: list(value.shape) for name, value in outputs.items()}
        raise ConfigurationError(
            f"The graph {path} gives {shapes} for an image of {width} x {height} pixels; expected "
            "are two SimCC outputs, [N, keypoints, width x ratio] and [N, keypoints, height x "
            "ratio]: use RTMPose, RTMW or DWPose (python -m bharnet_ros models list)."
        )
    x, y = names
    ratio = rows[x][2] / width
    stated = description.split_ratio
    if stated is not None and abs(ratio - stated) > 1e-6:
        raise ConfigurationError(
            f"The graph {path} gives {rows[x][2]} bins for {width} pixels, which is a split_ratio "
            f"of {ratio:g}; the file beside it says {stated:g}: correct or remove it ({FILE}, or "
            f"{PIPELINE} where there is none)."
        )
    return Outputs(x, y, int(rows[x][1]), ratio)


def _other_number(path: Path, found: int, wanted: int) -> str:
    use = {
        WHOLE_BODY: "use a whole-body network (RTMW, DWPose, RTMPose whole-body)",
        HAND: "use RTMPose-hand",
    }
    remedy = use.get(wanted, "use another network")
    return f"The graph {path} gives {found} keypoints, not {wanted}; {remedy}."
