"""The clock inside networks, networks that answer with the truth, and the figures made of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.network_clock import NetworkClock
from benchmarks.perception_speed import RATE_HZ, Samples, Subject, look, pictures, table
from benchmarks.synthetic import frame, person_keypoints, skeleton
from benchmarks.true_networks import TrueDetector, TrueKeypoints, Truth
from bharnet_ros.pose.topdown import Crop, TopDownEstimator, TopDownOptions
from bharnet_ros.simulation import SceneFrame
from bharnet_ros.types import FloatArray, Image, Skeleton


class Hands:
    """A clock that stands still unless somebody moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Worker:
    def __init__(self, hands: Hands) -> None:
        self.hands = hands

    def run(self, seconds: float) -> str:
        self.hands.now_s += seconds
        return "done"

    def twice(self, seconds: float) -> str:
        self.run(seconds)
        return self.run(seconds)


def test_time_inside_is_counted_once_and_the_watch_ends() -> None:
    hands = Hands()
    worker, other = Worker(hands), Worker(hands)
    with NetworkClock(hands) as clock:
        clock.watch(worker, "run")
        clock.watch(worker, "twice")
        clock.watch(Worker, "twice")
        assert worker.twice(0.5) == "done"
        assert clock.spent_ms == pytest.approx(1000.0)
        other.run(2.0)  # another object's is not watched
        assert clock.spent_ms == pytest.approx(1000.0)
        other.twice(0.25)
        assert clock.spent_ms == pytest.approx(1500.0)
    worker.twice(1.0)
    assert clock.spent_ms == pytest.approx(1500.0)
    assert "run" not in vars(worker) and Worker.twice.__name__ == "twice"


def test_a_call_that_fails_is_counted_and_fails() -> None:
    hands = Hands()

    class Broken:
        def run(self) -> None:
            hands.now_s += 0.1
            raise ValueError("broken")

    broken = Broken()
    with NetworkClock(hands) as clock:
        clock.watch(broken, "run")
        for count in (1, 2):
            with pytest.raises(ValueError, match="broken"):
                broken.run()
            assert clock.spent_ms == pytest.approx(100.0 * count)


class BlindDetector:
    identity = "blind"

    def __init__(self) -> None:
        self.seen, self.closed = 0, False

    def detect(self, images: Sequence[Image]) -> list[tuple[FloatArray, FloatArray]]:
        self.seen += len(images)
        return [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) for _ in images]

    def close(self) -> None:
        self.closed = True


class BlindKeypoints(BlindDetector):
    num_keypoints = 133

    def estimate(self, crops: Sequence[Crop]) -> tuple[FloatArray, FloatArray]:
        self.seen += len(crops)
        return np.ones((len(crops), 133, 2), np.float32), np.ones((len(crops), 133), np.float32)


def crowd(count: int) -> list[Skeleton]:
    return [
        skeleton(i, person_keypoints((200.0 + 250.0 * i, 360.0), 80.0), np.ones(133, np.float32))
        for i in range(count)
    ]


def test_the_truth_is_given_after_the_work_is_done() -> None:
    people = crowd(3)
    truth = Truth(people)
    blind, dark = BlindDetector(), BlindKeypoints()
    detector, keypoints = TrueDetector(blind, truth), TrueKeypoints(dark, truth)
    image = np.zeros((720, 1280, 3), np.uint8)
    ((boxes, scores),) = detector.detect([image])
    assert boxes.shape == (3, 4) and scores.shape == (3,) and detector.runs == blind.seen == 1
    crops = [(image, boxes[2] + 5.0), (image, np.array([0, 0, 9, 9], np.float32))]
    points, found = keypoints.estimate(crops)
    assert dark.seen == 2
    np.testing.assert_array_equal(points[0], people[2].keypoints)
    assert (found[0] > 0.5).all() and (found[1] == 0.0).all()
    truth.people = ()
    assert detector.detect([image])[0][0].shape == (0, 4)
    assert (keypoints.estimate(crops)[1] == 0.0).all()
    detector.close()
    keypoints.close()
    assert blind.closed and dark.closed
    assert (detector.identity, keypoints.identity, keypoints.num_keypoints) == (
        "blind", "blind", 133
    )  # fmt: skip


@pytest.mark.parametrize(("every_s", "runs"), [(1.0, 1.0 / 30.0), (0.0, 1.0)])
def test_people_are_followed_with_as_many_detector_runs_as_asked(
    every_s: float, runs: float
) -> None:
    people, truth = crowd(3), Truth()
    detector = TrueDetector(BlindDetector(), truth)
    keypoints = TrueKeypoints(BlindKeypoints(), truth)
    options = TopDownOptions(max_people=3, detect_every_s=every_s)
    with NetworkClock() as clock:
        estimator = TopDownEstimator(detector, keypoints, None, options)
        subject = Subject(estimator, clock, truth, detector)
        clock.watch(keypoints, "estimate")
        samples = Samples()
        for index in range(31):
            moved = [replace(p, keypoints=p.keypoints + np.float32(index)) for p in people]
            shown = SceneFrame(
                0.0, np.zeros((720, 1280, 3), np.uint8),
                frame(round(index * 1e9 / RATE_HZ), *moved), (),
            )  # fmt: skip
            look(subject, shown, samples if index else Samples())
    row = samples.row("rtmpose", "tracked", 3)
    assert row["found"] == 3.0
    assert row["detector_runs"] == pytest.approx(runs, abs=1.0 / 30.0)
    assert row["ratio"] > 1.0 and row["p95_ms"] >= row["median_ms"] > 0.0
    assert "rtmpose" in table([row])


def test_pictures_hold_everybody() -> None:
    (shown,) = pictures(4, 1)
    assert shown.image.shape == (720, 1280, 3) and len(shown.skeletons.skeletons) == 4
    assert all((person.scores[:17] > 0.0).mean() > 0.9 for person in shown.skeletons.skeletons)
