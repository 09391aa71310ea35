"""Bags of the tiny world, evaluated without a network that looks at pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks import tiny_world as world
from bharnet_ros.bags import open_bag
from bharnet_ros.bundle import Bundle
from bharnet_ros.evaluation.bag_input import choose_input
from bharnet_ros.evaluation.offline import Job, evaluate_offline
from bharnet_ros.evaluation.records import Recording
from bharnet_ros.evaluation.subject import Subject
from bharnet_ros.evaluation.truth_choice import choose_truth
from bharnet_ros.pose import PoseEstimator


@dataclass(frozen=True)
class NumberSubject(Subject):
    """Its estimators read the numbers in the pictures."""

    reader: Callable[[], Any] = lambda: None
    made: list[Any] = field(default_factory=list)

    def estimator(self) -> PoseEstimator:
        self.made.append(self.reader())
        estimator: PoseEstimator = self.made[-1]
        return estimator

    def pose_identity(self) -> dict[str, Any]:
        return {"backend": "numbers"}


class Evaluator:
    """Evaluates bags into one output folder."""

    def __init__(self, bundle: Bundle, output: Path) -> None:
        self.subject = NumberSubject(str(bundle.path), reader=world.NumberReader)
        self.output = output
        self.frames: Any = None

    def __call__(
        self, path: Path, kind: str = "auto", stop_after: int = 0, labels: Path | None = None,
        **topics: str,
    ) -> Recording:  # fmt: skip
        done = 0

        def progress(count: int) -> None:
            nonlocal done
            done = count

        with open_bag(path) as bag:
            given = choose_input(bag, kind, **topics)
            truth = choose_truth("auto", bag, path, given, labels, self.subject.loaded.manifest)
            job = Job(
                bag.name, self.subject, bag, path, given, truth, self.output, None, progress,
                lambda: bool(stop_after) and done >= stop_after,
            )  # fmt: skip
            recording, self.frames = evaluate_offline(job)
        return recording

    @property
    def looked(self) -> list[int]:
        """Numbers of the pictures that estimators were shown, run by run."""
        return [number for estimator in self.subject.made for number in estimator.looked]


@pytest.fixture(scope="module")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    from benchmarks.synthetic import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def evaluate(tiny_bundle: Bundle, tmp_path: Path) -> Evaluator:
    return Evaluator(tiny_bundle, tmp_path / "output")


@pytest.fixture
def write_bag(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bag of the tiny world; see `world.write_bag`."""
    return lambda name="kitchen", **what: world.write_bag(tmp_path / name, **what)


@pytest.fixture
def write_labels(tmp_path: Path) -> Callable[..., Path]:
    """Writes the script as labels; `more` are further rows."""

    def write(*more: str) -> Path:
        path = tmp_path / "labels.csv"
        path.write_text("\n".join([*world.label_rows(), *more]) + "\n", "utf-8")
        return path

    return write
