"""`python -m benchmarks.following`: what it costs not to run the person detector in every image.

Drawn encounters with exact truth (`bharnet_ros/simulation/encounters.py`: people pass, hide, leave
and come back) are read by the top-down estimator at several `detect_every_s`. The detector is
real; for whole-body networks there are no weights to hand out, so MediaPipe's body network stands
in as the keypoint network: the figures say how well people are followed, not how good RTMW is.
Seeds are none that the following was made with.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tracking_sights import id_frame
from bharnet_ros.assignment import assign
from bharnet_ros.pose.detection import open_detector
from bharnet_ros.pose.mediapipe.models import open_models
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.pose.topdown import Crop, PersonDetector, TopDownEstimator, TopDownOptions
from bharnet_ros.simulation.encounters import encounter
from bharnet_ros.skeleton import mediapipe_to_coco
from bharnet_ros.types import FloatArray, Image, SkeletonFrame

KINDS = ("pass", "hide", "leave", "group")
RATE_HZ = 15.0
FIRST_SEED = 700
INTERVALS_S = (0.0, 0.5, 1.0, 2.0)
FOUND = 0.5
"""A person is found where a skeleton has at least this object keypoint similarity."""
PADDING = 1.25


@dataclass
class Meter:
    """How often a network ran, and on how many images or boxes."""

    runs: int = 0
    items: int = 0

    def add(self, items: int) -> None:
        """It ran once more."""
        self.runs, self.items = self.runs + 1, self.items + items


class MeteredDetector:
    """A detector whose runs are counted."""

    def __init__(self, detector: PersonDetector, meter: Meter) -> None:
        self.detector, self.meter = detector, meter
        self.identity = detector.identity

    def detect(self, images: Sequence[Image]) -> list[tuple[FloatArray, FloatArray]]:
        """As the detector does."""
        self.meter.add(len(images))
        return self.detector.detect(images)

    def close(self) -> None:
        """The detector is shared; whoever opened it closes it."""


class BodyKeypoints:
    """MediaPipe's body network as a keypoint network: 133 keypoints of which 21 are seen."""

    identity = "pose_landmark_full.tflite"
    num_keypoints = 133

    def __init__(self, meter: Meter, num_threads: int) -> None:
        self.meter = meter
        self._bodies = open_models(None, num_threads, None, 0.5).bodies

    def estimate(self, crops: Sequence[Crop]) -> tuple[FloatArray, FloatArray]:
        """One box after another."""
        self.meter.add(len(crops))
        points, scores = [], []
        for image, box in crops:
            x, y = (float(v) for v in 0.5 * (box[:2] + box[2:]))
            side = PADDING * float((box[2:] - box[:2]).max())
            body = self._bodies.look(image, Region(x, y, side, 0.0))
            found, sure = mediapipe_to_coco(body.points, body.scores * body.presence)
            points.append(found)
            scores.append(sure)
        return np.stack(points), np.stack(scores).astype(np.float32)

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Tally:
    """What one setting gave over all frames."""

    frames: int = 0
    people: int = 0
    found: int = 0
    likeness: float = 0.0
    surplus: int = 0
    seconds: float = 0.0
    detector: Meter = field(default_factory=Meter)
    keypoints: Meter = field(default_factory=Meter)

    def add(self, found: SkeletonFrame, truth: SkeletonFrame) -> None:
        """One frame. People of whom less than half is in view need not be found."""
        place = id_frame(found, truth)
        pairs = assign(place.likeness, FOUND)
        counted = [i for i, _ in pairs if place.counted[i]]
        self.frames += 1
        self.people += int(place.counted.sum())
        self.found += len(counted)
        self.likeness += sum(float(place.likeness[i, j]) for i, j in pairs if place.counted[i])
        self.surplus += len(found.skeletons) - len(pairs)

    def data(self) -> dict[str, float]:
        """Rates and means."""
        return {
            "frames": self.frames,
            "found_percent": 100.0 * self.found / max(self.people, 1),
            "oks_of_found": self.likeness / max(self.found, 1),
            "surplus_per_100_frames": 100.0 * self.surplus / max(self.frames, 1),
            "detector_runs_per_s": self.detector.runs / max(self.seconds, 1e-9),
            "boxes_per_frame": self.keypoints.items / max(self.frames, 1),
        }


def measure(
    seeds: Sequence[int], detector: PersonDetector, intervals_s: Sequence[float], threads: int
) -> dict[float, Tally]:
    """Every setting on the same pictures."""
    tallies = {interval: Tally() for interval in intervals_s}
    networks = {i: BodyKeypoints(tally.keypoints, threads) for i, tally in tallies.items()}
    for seed in seeds:
        for kind in KINDS:
            scene = encounter(kind, seed)
            estimators = {
                interval: TopDownEstimator(
                    MeteredDetector(detector, tally.detector),
                    networks[interval],
                    options=TopDownOptions(detect_every_s=interval),
                )
                for interval, tally in tallies.items()
            }
            for shot in scene.frames(RATE_HZ):
                for interval, estimator in estimators.items():
                    seen = estimator.estimate(shot.image, shot.skeletons.stamp_ns)
                    tallies[interval].add(seen, shot.skeletons)
            for tally in tallies.values():
                tally.seconds += scene.duration_s
    return tallies


def text(tallies: dict[float, Tally]) -> str:
    """As a table."""
    lines = ["detect_every_s   found   OKS  surplus/100  detector/s  boxes/frame"]
    for interval, tally in tallies.items():
        row = tally.data()
        lines.append(
            f"{interval:14.1f}{row['found_percent']:7.1f}%{row['oks_of_found']:6.3f}"
            f"{row['surplus_per_100_frames']:13.1f}{row['detector_runs_per_s']:12.1f}"
            f"{row['boxes_per_frame']:13.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.following", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--seeds", type=int, default=1, help="of each kind (%(default)s)")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="%(default)s")
    parser.add_argument("--detector", default="mediapipe", help="see open_detector (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of a network (%(default)s)")
    parser.add_argument("--json", type=Path, default=None, help="file for the figures")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    detector = open_detector(options.detector, num_threads=options.threads)
    tallies = measure(seeds, detector, INTERVALS_S, options.threads)
    print(text(tallies))
    if options.json is not None:
        result: dict[str, Any] = {
            "command": f"python -m benchmarks.following --seeds {options.seeds} "
            f"--detector {Path(options.detector).name}",
            "seeds": [seeds.start, seeds.stop - 1],
            "kinds": list(KINDS),
            "rate_hz": RATE_HZ,
            "machine": "2 shared cores, no GPU",
            "detect_every_s": {str(i): tally.data() for i, tally in tallies.items()},
        }
        options.json.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
