"""What 16 bits change in the answers of pose networks and person detectors, without any GPU.

    python -m benchmarks.reduced_precision --data FOLDER [--pose GRAPH] [--detectors GRAPH ...]
        [--json FILE]

The graph that `precision=fp16` hands to TensorRT is run by ONNX Runtime on the CPU, beside the
graph as it is: on the photographs in FOLDER, a pose network on everybody annotated there. Counted
are keypoints that stay in their bin of the SimCC outputs, how far the others move (pixels of the
photograph), boxes that both find, and the largest change of a box's edge and of a score.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.coco_annotations import read_annotations
from benchmarks.person_detectors import read, short
from bharnet_ros.errors import BharnetError
from bharnet_ros.inference.precision import to_fp16
from bharnet_ros.models_store.weights import find_weights
from bharnet_ros.pose.detection.onnx import OnnxPersonDetector
from bharnet_ros.pose.rtmpose.keypoints import RTMPoseKeypoints
from bharnet_ros.types import FloatArray, Image


@dataclass(frozen=True)
class PoseRow:
    """same: share of keypoints in the same place. moved_px: the move that 99 of 100 stay below.
    score: largest change, scores 0..1."""

    graph: str
    people: int
    same: float
    moved_px: float
    score: float


@dataclass(frozen=True)
class DetectorRow:
    """boxes: found in 32 and in 16 bits. edge_px, score: largest changes of those paired;
    median_px: median of the largest change of each."""

    graph: str
    boxes: tuple[int, int]
    edge_px: float
    median_px: float
    score: float


def halved(graph: Path, folder: Path) -> Path:
    """The graph in 16 bits with all that describes it, in `folder`."""
    place = Path(tempfile.mkdtemp(dir=folder)) / graph.parent.name  # names may tell families
    place.mkdir()
    for beside in (*graph.parent.glob("*.yaml"), *graph.parent.glob("pipeline.json")):
        shutil.copy(beside, place)
    (place / graph.name).write_bytes(to_fp16(graph))
    return place / graph.name


def compare_pose(graph: Path, half: Path, crops: list[tuple[Image, FloatArray]]) -> PoseRow:
    """One network on the people of all photographs."""
    (whole, sure), (found, less) = (RTMPoseKeypoints(p).estimate(crops) for p in (graph, half))
    moved = np.hypot(*(found - whole).transpose(2, 0, 1))
    return PoseRow(
        short(str(graph)), len(crops), float((moved == 0.0).mean()),
        float(np.percentile(moved, 99)),
        float(np.abs(less - sure).max()),
    )  # fmt: skip


def compare_detector(graph: Path, half: Path, images: list[Image]) -> DetectorRow:
    """One network on all photographs; boxes are paired by the nearest edges."""
    whole, found = (OnnxPersonDetector(path).detect(images) for path in (graph, half))
    edges: list[float] = []
    scores: list[float] = []
    for (boxes, sure), (others, less) in zip(whole, found, strict=True):
        if not len(others):
            continue
        gaps = np.abs(boxes[:, None] - others[None]).max(axis=2)
        nearest = gaps.argmin(axis=1)
        edges.extend(gaps.min(axis=1).tolist())
        scores.extend(np.abs(sure - less[nearest]).tolist())
    counts = (sum(len(b) for b, _ in whole), sum(len(b) for b, _ in found))
    median = float(np.median(edges)) if edges else 0.0
    most = max(edges, default=0.0), max(scores, default=0.0)
    return DetectorRow(short(str(graph)), counts, most[0], median, most[1])


def main() -> int:
    """Print what changes; 2 after a clear sentence about what was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reduced_precision", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="photographs and annotations")
    parser.add_argument("--pose", nargs="*", default=[], help="SimCC graphs or names in the store")
    parser.add_argument("--detectors", nargs="*", default=[], help="graphs or names in the store")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    rows: list[PoseRow | DetectorRow] = []
    try:
        people = read_annotations(options.data)
        images = {name: read(options.data / name) for name in people}
        crops = [
            (images[name], np.array([x, y, x + width, y + height], np.float32))
            for name, annotated in people.items()
            for x, y, width, height in (person.box for person in annotated)
        ]
        with tempfile.TemporaryDirectory() as scratch:
            for spec in options.pose:
                graph = find_weights(spec, "pose")
                rows.append(compare_pose(graph, halved(graph, Path(scratch)), crops))
                print(rows[-1])
            for spec in options.detectors:
                graph = find_weights(spec, "detector")
                half = halved(graph, Path(scratch))
                rows.append(compare_detector(graph, half, list(images.values())))
                print(rows[-1])
    except BharnetError as error:
        print(f"error: {error}")
        return 2
    if options.json is not None:
        record = {
            "command": "python -m benchmarks.reduced_precision",
            "rows": [asdict(row) for row in rows],
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
