"""Milliseconds a frame of every pose backend, and how much of them the networks take.

    python -m benchmarks.perception_speed [--backends mediapipe rtmpose mmpose] [--threads 2]
        [--detector yolox_nano] [--json FILE] [--machine TEXT]

Shows drawn people (1280x720, stamped 30 a second, seeds 6000 and on) to a backend, twice: with
people followed from image to image and the detector run once a second, and with the detector run
for every image. Beside the time of a frame stands the time inside the networks in the same frames,
and their ratio: what following, cutting out and decoding cost on top of the networks alone.

rtmpose and mmpose run RTMW-m (256 x 192, 133 keypoints) with random weights, exported by
`training export-pose` for rtmpose: weights change no time. Their answers are replaced by the
exact keypoints (`benchmarks/true_networks.py`), or there would be nobody to follow. --model takes a
graph instead, which needs no mmpose. mediapipe runs as it is. The first frames, in which everybody
is taken up, do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.drawn_views import camera, cast, nearest_m
from benchmarks.network_clock import NetworkClock
from benchmarks.true_networks import TrueDetector, TrueKeypoints, Truth
from bharnet_ros.pose import PoseEstimator, available_backends, create_pose_estimator
from bharnet_ros.simulation import SceneFrame

CONFIG = "rtmw-m_8xb1024-270e_cocktail14-256x192"
SIZE = (1280, 720)
RATE_HZ = 30.0
FIRST_SEED = 6000
EVERY_S = {"tracked": 1.0, "every image": 0.0}
SPARE = 1
"""Room for one more person than there are: who has found everybody wanted need not look on."""


@dataclass(frozen=True)
class Setting:
    """What is run. model: a pose graph for rtmpose; engine: of it and of the detector's graph."""

    threads: int
    detector: str
    model: str
    engine: str
    engine_options: tuple[str, ...]


@dataclass
class Subject:
    """A backend ready to run: its clock runs inside networks, truth is what it will find."""

    estimator: PoseEstimator
    clock: NetworkClock
    truth: Truth
    detector: TrueDetector | None = None


def pictures(people: int, frames: int) -> list[SceneFrame]:
    """Drawn beforehand, so that drawing takes no time of the measurement."""
    view = camera(*SIZE)
    distance_m = max(nearest_m(people, view), 2.2)
    scene = cast(FIRST_SEED + people, people, distance_m, frames / RATE_HZ + 0.1, view)
    return [scene.frame(i / RATE_HZ) for i in range(frames)]


@contextmanager
def opened(backend: str, people: int, detect_every_s: float, setting: Setting) -> Iterator[Subject]:
    """The backend with its networks under the clock; freed afterwards."""
    make = _mediapipe if backend == "mediapipe" else _top_down
    with NetworkClock() as clock:
        subject = make(backend, people, detect_every_s, setting, clock)
        try:
            yield subject
        finally:
            subject.estimator.close()


def _mediapipe(
    backend: str, people: int, detect_every_s: float, setting: Setting, clock: NetworkClock
) -> Subject:
    from bharnet_ros.pose.mediapipe.networks import Network

    estimator = create_pose_estimator(
        backend,
        num_threads=setting.threads,
        max_people=people + SPARE,
        detect_every_s=detect_every_s,
    )
    clock.watch(Network, "run")
    return Subject(estimator, clock, Truth())


def _top_down(
    backend: str, people: int, detect_every_s: float, setting: Setting, clock: NetworkClock
) -> Subject:
    from bharnet_ros.pose.detection import open_detector
    from bharnet_ros.pose.mediapipe.networks import Network
    from bharnet_ros.pose.topdown import TopDownEstimator, TopDownOptions

    keypoints: Any
    if backend == "mmpose":
        keypoints = _mmpose_keypoints(setting, clock)
    else:
        keypoints = _rtmpose_keypoints(setting, clock)
    truth = Truth()
    graph_options: dict[str, Any] = {}
    if setting.detector != "mediapipe":
        graph_options = {"engine": setting.engine, "engine_options": setting.engine_options}
    inner: Any = open_detector(setting.detector, num_threads=setting.threads, **graph_options)
    if setting.detector == "mediapipe":
        clock.watch(Network, "run")
    else:
        clock.watch(inner._graph._engine, "run")
    detector = TrueDetector(inner, truth)
    options = TopDownOptions(max_people=people + SPARE, detect_every_s=detect_every_s)
    estimator = TopDownEstimator(detector, TrueKeypoints(keypoints, truth), None, options)
    return Subject(estimator, clock, truth, detector)


def _rtmpose_keypoints(setting: Setting, clock: NetworkClock) -> Any:
    from bharnet_ros.pose.rtmpose.keypoints import RTMPoseKeypoints

    keypoints = RTMPoseKeypoints(
        setting.model, engine=setting.engine, engine_options=setting.engine_options,
        num_threads=setting.threads,
    )  # fmt: skip
    clock.watch(keypoints._graph._engine, "run")
    return keypoints


def _mmpose_keypoints(setting: Setting, clock: NetworkClock) -> Any:
    import torch

    from bharnet_ros.pose.mmpose.keypoints import MMPoseKeypoints

    torch.set_num_threads(setting.threads)
    keypoints = MMPoseKeypoints(CONFIG, None)
    network: Any = keypoints._network
    clock.watch(network.module, "extract_feat")
    clock.watch(network.module.head, "forward")
    return keypoints


@dataclass
class Samples:
    """Of the frames that count, of one backend in one way."""

    totals_ms: list[float] = field(default_factory=list)
    networks_ms: list[float] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    detector_runs: list[int] = field(default_factory=list)

    def row(self, backend: str, mode: str, people: int) -> dict[str, Any]:
        """The figures; ratio is that of all frames together."""
        totals, networks = np.array(self.totals_ms), np.array(self.networks_ms)
        return {
            "backend": backend, "mode": mode, "people": people,
            "found": float(np.mean(self.found)), "median_ms": float(np.median(totals)),
            "p95_ms": float(np.quantile(totals, 0.95)), "mean_ms": float(totals.mean()),
            "networks_ms": float(networks.mean()),
            "ratio": float(totals.sum() / max(networks.sum(), 1e-9)),
            "detector_runs": float(np.mean(self.detector_runs)) if self.detector_runs else None,
        }  # fmt: skip


def measure(
    backends: Sequence[str], shown: Sequence[SceneFrame], warm_up: int, setting: Setting
) -> list[dict[str, Any]]:
    """All backends in both ways see each picture in turn: what else the machine does meanwhile
    disturbs all of them alike."""
    people = len(shown[0].skeletons.skeletons)
    cases = [(backend, mode) for backend in backends for mode in EVERY_S]
    with ExitStack() as stack:
        subjects = [
            stack.enter_context(opened(backend, people, EVERY_S[mode], setting))
            for backend, mode in cases
        ]
        samples = [Samples() for _ in cases]
        for index, frame in enumerate(shown):
            for subject, kept in zip(subjects, samples, strict=True):
                look(subject, frame, kept if index >= warm_up else Samples())
    return [kept.row(*case, people) for case, kept in zip(cases, samples, strict=True)]


def look(subject: Subject, frame: SceneFrame, samples: Samples) -> None:
    """Show one picture to one subject."""
    subject.truth.people = frame.skeletons.skeletons
    before = 0 if subject.detector is None else subject.detector.runs
    subject.clock.spent_ms = 0.0
    begin = time.perf_counter()
    result = subject.estimator.estimate(frame.image, frame.skeletons.stamp_ns)
    samples.totals_ms.append((time.perf_counter() - begin) * 1e3)
    samples.networks_ms.append(subject.clock.spent_ms)
    samples.found.append(len(result.skeletons))
    if subject.detector is not None:
        samples.detector_runs.append(subject.detector.runs - before)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """One line a backend, way and number of people."""
    lines = [
        f"{'backend':10s} {'detector':12s}{'people':>7s}{'found':>7s}{'median':>9s}{'p95':>9s}"
        f"{'mean':>9s}{'networks':>10s}{'ratio':>7s}"
    ]
    for r in rows:
        lines.append(
            f"{r['backend']:10s} {r['mode']:12s}{r['people']:7d}{r['found']:7.1f}"
            f"{r['median_ms']:9.1f}{r['p95_ms']:9.1f}{r['mean_ms']:9.1f}{r['networks_ms']:10.1f}"
            f"{r['ratio']:7.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.perception_speed", description=summary
    )
    add = parser.add_argument
    add("--backends", nargs="+", default=["mediapipe", "rtmpose", "mmpose"])
    add("--people", type=int, nargs="+", default=[1, 4, 8])
    add("--frames", type=int, default=30, help="that count (default: %(default)s)")
    add("--warm-up", type=int, default=6, help="frames before (default: %(default)s)")
    add("--threads", type=int, default=2, help="of the networks")
    add("--detector", default="mediapipe", help="mediapipe, a path or a name in the store")
    add("--model", default="", help="pose graph for rtmpose; else RTMW-m of random weights")
    add("--engine", default="onnxruntime", help="of rtmpose and of the detector's graph")
    add("--engine-options", nargs="*", default=[], help="as name=value")
    add("--json", type=Path, help="write the figures here too")
    add("--machine", default="", help="what to call this machine in the file")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    there = available_backends()
    backends = [name for name in options.backends if there.get(name)]
    if len(backends) < len(options.backends):
        left_out = ", ".join(sorted(set(options.backends) - set(backends)))
        print(f"left out, because packages are missing: {left_out}")
    with tempfile.TemporaryDirectory() as folder:
        model = options.model
        if "rtmpose" in backends and not model:
            from training.exporting_pose import export_pose

            model = str(export_pose(CONFIG, None, folder)[0])
        setting = Setting(
            options.threads, options.detector, model, options.engine,
            tuple(options.engine_options),
        )  # fmt: skip
        rows = []
        for people in options.people:
            shown = pictures(people, options.warm_up + options.frames)
            rows += measure(backends, shown, options.warm_up, setting)
            print(f"{people} people measured", flush=True)
    detector = Path(options.detector).name
    print(f"{options.threads} threads; {os.cpu_count()} cores; detector {detector}")
    print(table(sorted(rows, key=lambda row: (row["backend"], row["mode"], row["people"]))))
    if options.json is not None:
        figures = {
            "machine": options.machine, "threads": options.threads,
            "detector": detector, "engine": options.engine,
            "network": Path(options.model).name if options.model else CONFIG, "rows": rows,
        }  # fmt: skip
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
