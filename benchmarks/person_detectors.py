"""How well and how fast person detectors find people in photographs annotated as COCO-WholeBody.

    python -m benchmarks.person_detectors --data FOLDER [--detectors mediapipe GRAPH ...]
        [--threads 1] [--json FILE]

A detector is what the pose backends take: "mediapipe", the path of an ONNX graph, or a name in the
model store. Counted, with the detector's own threshold:

- found: annotated people whose box and a box of the detector share at least half (intersection
  over union), paired one to one; of the clear ones (at least 10 of 17 body points annotated) apart.
- made up: boxes that share less than 0.3 with everybody annotated.
- overlap: mean intersection over union of those found; how well boxes fit.
- ms: median time of one photograph, the detector's own preparation of it included.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.coco_annotations import CocoPerson, read_annotations
from bharnet_ros.assignment import assign
from bharnet_ros.boxes import box_overlap
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.pose.detection import open_detector
from bharnet_ros.pose.topdown import PersonDetector
from bharnet_ros.types import FloatArray, Image

SAME = 0.5
NOBODY = 0.3
REPEATS = 9


@dataclass(frozen=True)
class Row:
    """One detector over all photographs; see the module for what is counted."""

    detector: str
    identity: str
    people: int
    clear: int
    found: int
    clear_found: int
    made_up: int
    overlap: float
    median_ms: float


def judge(
    people: Sequence[CocoPerson], boxes: FloatArray
) -> tuple[list[tuple[bool, float]], int]:
    """Whether each person is clear with the share of their own box (0 = not found), and how many
    of the boxes (M, 4) x0, y0, x1, y1 are nobody's."""
    sized = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
    truth = np.array([person.box for person in people]).reshape(-1, 4)
    shared = box_overlap(truth[:, None], sized[None])
    pairs = dict(assign(shared, SAME))
    found = [
        (person.clear, float(shared[i, pairs[i]]) if i in pairs else 0.0)
        for i, person in enumerate(people)
    ]
    nobody = shared.max(axis=0, initial=0.0) < NOBODY
    return found, int(nobody.sum())


def measure(name: str, detector: PersonDetector, data: Path) -> Row:
    """One detector over all photographs in `data`. Raises ConfigurationError."""
    people: list[tuple[bool, float]] = []
    made_up, times = 0, []
    for file, annotated in read_annotations(data).items():
        image = read(data / file)
        ((boxes, _),) = detector.detect([image])
        found, more = judge(annotated, boxes)
        people += found
        made_up += more
        for _ in range(REPEATS):
            begin = time.perf_counter()
            detector.detect([image])
            times.append((time.perf_counter() - begin) * 1e3)
    shares = [share for _, share in people if share > 0.0]
    return Row(
        detector=name,
        identity=detector.identity,
        people=len(people),
        clear=sum(clear for clear, _ in people),
        found=len(shares),
        clear_found=sum(clear and share > 0.0 for clear, share in people),
        made_up=made_up,
        overlap=round(float(np.mean(shares)), 3) if shares else 0.0,
        median_ms=round(float(np.median(times)), 1),
    )


def read(path: Path) -> Image:
    """Raises ConfigurationError."""
    image = cv2.imread(str(path))
    if image is None:
        raise ConfigurationError(f"{path} is not a readable image; copy it again.")
    return np.asarray(image, np.uint8)


def short(spec: str) -> str:
    """A detector's name for people; graphs in folders of their own go by the folder's."""
    path = Path(spec)
    return f"{path.parent.name}/{path.name}" if path.stem in ("model", "end2end") else path.name


def line(row: Row) -> str:
    """Of the table."""
    found, clear = f"{row.found}/{row.people}", f"{row.clear_found}/{row.clear}"
    return (
        f"{row.detector:30} {found:>6} {clear:>6} {row.made_up:8} {row.overlap:8.2f} "
        f"{row.median_ms:6.1f}"
    )


def main() -> int:
    """Print the table; 2 after a clear sentence about what was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.person_detectors", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="photographs and annotations")
    parser.add_argument("--detectors", nargs="+", default=["mediapipe"], help="what to compare")
    parser.add_argument("--threads", type=int, default=1, help="of one run (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--machine", default="", help="what it ran on, in words")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    rows = []
    print("detector                        found  clear  made up  overlap     ms")
    try:
        for spec in options.detectors:
            detector = open_detector(spec, num_threads=options.threads)
            rows.append(measure(short(spec), detector, options.data))
            detector.close()
            print(line(rows[-1]))
    except BharnetError as error:
        print(f"error: {error}")
        return 2
    if options.json is not None:
        record = {
            "command": "python -m benchmarks.person_detectors",
            "machine": options.machine,
            "threads": options.threads,
            "rows": [asdict(row) for row in rows],
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
