from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.following import Meter, MeteredDetector, Tally, text
from bharnet_ros.simulation.encounters import encounter
from bharnet_ros.simulation.undrawn import true_frame
from bharnet_ros.types import SkeletonFrame


@pytest.fixture(scope="module")
def truth() -> SkeletonFrame:
    """Two people who walk towards each other."""
    scene = encounter("pass", 1, drawn=False)
    return next(
        found
        for t in np.arange(0.0, scene.duration_s, 0.1)
        if len((found := true_frame(scene, float(t))).skeletons) == 2
        and all((person.scores[:17] >= 1.0).all() for person in found.skeletons)
    )


def test_the_truth_is_found_and_nothing_else(truth: SkeletonFrame) -> None:
    tally = Tally()
    tally.add(truth, truth)
    row = tally.data()
    assert row["found_percent"] == 100.0 and row["surplus_per_100_frames"] == 0.0
    assert row["oks_of_found"] == pytest.approx(1.0)


def test_who_is_missing_and_who_is_too_much_shows(truth: SkeletonFrame) -> None:
    first = truth.skeletons[0]
    elsewhere = replace(first, keypoints=first.keypoints + np.float32(400.0))
    tally = Tally()
    tally.add(replace(truth, skeletons=(first, elsewhere)), truth)
    row = tally.data()
    assert row["found_percent"] == 50.0 and row["surplus_per_100_frames"] == 100.0


def test_runs_are_counted() -> None:
    class Detector:
        identity = "scripted"

        def detect(self, images):  # type: ignore[no-untyped-def]
            return [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) for _ in images]

        def close(self) -> None:
            raise AssertionError("whoever opened it closes it")

    meter = Meter()
    detector = MeteredDetector(Detector(), meter)
    detector.detect([np.zeros((8, 8, 3), np.uint8)] * 3)
    detector.detect([np.zeros((8, 8, 3), np.uint8)])
    detector.close()
    assert (meter.runs, meter.items) == (2, 4)
    assert "detect_every_s" in text({1.0: Tally(detector=meter)})
