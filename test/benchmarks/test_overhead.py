from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.overhead import PoseCost, measure, moving_people, pose_for, report
from benchmarks.synthetic import write_tiny_bundle

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


def test_every_stage_is_timed_for_every_frame(tmp_path: Path) -> None:
    samples = measure(write_tiny_bundle(tmp_path), 2, 30, 1)
    assert {"tracking", "windows, features, events", "expert networks"} <= set(samples)
    assert all(len(values) == 30 for values in samples.values())
    judged = [value > 0.0 for value in samples["expert networks"]]
    assert sum(judged) == 15  # fifteen a second at 30 frames a second


@pytest.mark.parametrize("count", [1, 4, 16])
def test_everybody_is_inside_the_picture(count: int) -> None:
    found = next(moving_people(count, 1))
    assert len(found.skeletons) == count
    for person in found.skeletons:
        assert person.keypoints.min() > -5.0
        assert person.keypoints[:, 0].max() < 1285.0 and person.keypoints[:, 1].max() < 725.0


def test_the_share_counts_all_that_is_no_network() -> None:
    samples = {"tracking": [1.0, 3.0], "expert networks": [5.0, 7.0]}
    text, share = report(4, samples, PoseCost(4.0, networks_ms=10.0, around_ms=2.0), False)
    assert share == pytest.approx(4.0 / 20.0)
    assert "share 20.0 %" in text and "(1.00 a person)" in text and "~10.000" in text
    assert report(1, samples, None, False)[1] == pytest.approx(2.0 / 8.0)


def test_pose_costs_are_measured_or_extended_along_a_line() -> None:
    measured = {1: PoseCost(1.0, 30.0, 3.0), 4: PoseCost(4.0, 60.0, 9.0)}
    assert pose_for(4, measured) == (measured[4], True)
    extended, real = pose_for(16, measured)
    assert extended is not None and not real
    assert (extended.networks_ms, extended.around_ms) == pytest.approx((180.0, 33.0))
    assert pose_for(16, {1: measured[1]}) == (None, False)
