"""People found by a YOLOX or RTMDet in ONNX, on this package's engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bharnet_ros.errors import BundleError
from bharnet_ros.inference import Report
from bharnet_ros.pose.detection.decoding import choose_decoder
from bharnet_ros.pose.detection.description import read_description
from bharnet_ros.pose.detection.letterbox import Letterbox
from bharnet_ros.pose.detection.suppression import best_boxes, share
from bharnet_ros.pose.image_graph import EngineSettings, ImageGraph, opened, title
from bharnet_ros.types import FloatArray, Image

MIN_SCORE = 0.3
"""As the demos of mmpose: what is no person is found out by its keypoints."""
MAX_OVERLAP = 0.45


class OnnxPersonDetector:
    """`PersonDetector` on an ONNX graph.

    path: YOLOX (raw, decoded or end to end) or RTMDet (six heads or end to end). min_score: 0..1,
    None = 0.3. engine, engine_options, num_threads: what runs it, see `bharnet_ros.inference`.
    max_overlap: intersection over union of two boxes that may still be two people.
    Raises ConfigurationError (options, another kind of graph) and what `open_graph` raises.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        min_score: float | None = None,
        engine: str = "onnxruntime",
        engine_options: EngineSettings = None,
        num_threads: int = 2,
        max_overlap: float = MAX_OVERLAP,
        report: Report | None = None,
    ) -> None:
        self._min_score = MIN_SCORE if min_score is None else share("min_score", min_score)
        self._max_overlap = share("max_overlap", max_overlap)
        path = Path(path)
        told = read_description(path)
        try:
            with opened(path, engine, engine_options, num_threads, report) as opened_engine:
                self._graph = ImageGraph(path, opened_engine, told.input_size)
                self._decoder = choose_decoder(
                    self._graph.probe(told.pad), self._graph.size, told.person_class, str(path)
                )
                if self._decoder.suppressed:  # by code that was traced for a single image
                    self._graph.one_by_one()
                else:
                    self._graph.try_batches()
                self._pixels = told.pixels(path, self._decoder.family)
        except BundleError as error:
            raise BundleError(_remedy(str(error), engine)) from error
        self._pad = told.pad
        self.identity = f"{title(path)}, {self._graph.identity}"

    def detect(self, images: Sequence[Image]) -> list[tuple[FloatArray, FloatArray]]:
        """Everybody in every image, of any sizes: per image boxes (M, 4) float32 x0, y0, x1, y1
        in its pixels, surest first, and scores (M,). Raises EngineError."""
        size = self._graph.size
        boxed = [Letterbox.fit(image.shape[0], image.shape[1], size) for image in images]
        results: list[tuple[FloatArray, FloatArray]] = []

        def fill(index: int, out: FloatArray) -> None:
            boxed[index].fill(out, images[index], self._pixels, self._pad)

        for part, outputs in self._graph.map(len(images), fill):
            for row, letterbox in enumerate(boxed[part]):
                boxes, scores = self._decoder.decode(outputs, row)
                boxes = np.nan_to_num(boxes, nan=np.nan, posinf=np.nan, neginf=np.nan)
                overlap = 1.0 if self._decoder.suppressed else self._max_overlap
                found = best_boxes(letterbox.to_image(boxes), scores, self._min_score, overlap)
                results.append(found)
        return results

    def close(self) -> None:
        """Free the network."""
        self._graph.close()


def _remedy(problem: str, engine: str) -> str:
    """How many boxes are left after suppression depends on the image: TensorRT cannot have that."""
    if not engine.startswith("tensorrt"):
        return problem
    return (
        f"{problem} A detector that leaves one box per person by itself (end to end) runs with "
        "detector_engine=onnxruntime; for TensorRT take a raw one, such as yolox_s."
    )
