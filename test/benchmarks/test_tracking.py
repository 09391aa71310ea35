"""The tracking benchmark: what it compares, and that its own people are found and lost."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.tracking import compare, oracle, placed, text
from benchmarks.tracking_sights import Sight, Take, _packed, _unpacked, id_frame, projected
from bharnet_ros.evaluation.metrics.tracking import count_identities


@pytest.fixture(scope="module")
def take() -> Take:
    return projected("hide", 3, 10.0)


def test_projected_people_are_found_near_the_truth_and_lost_when_hidden(take: Take) -> None:
    likeness = [id_frame(s.found, s.truth).likeness for s in take.sights]
    best = np.concatenate([each.max(axis=0) for each in likeness if each.size])
    assert np.median(best) > 0.8
    counts = [len(sight.found.skeletons) for sight in take.sights]
    assert max(counts) == 2 and min(counts) < 2
    assert all(p.track_id == -1 for s in take.sights for p in s.found.skeletons)
    again = projected("hide", 3, 10.0)
    for a, b in zip(take.sights, again.sights, strict=True):
        for one, two in zip(a.found.skeletons, b.found.skeletons, strict=True):
            np.testing.assert_array_equal(one.keypoints, two.keypoints)


def test_the_oracle_never_switches_and_no_tracker_beats_it(take: Take) -> None:
    best = oracle(placed(take))
    assert best.switches == 0 and best.mixed == 0
    figures = compare([take])
    row = figures["by_kind"]["all"]
    assert row["oracle"]["idf1"] == best.idf1
    assert row["tracker"]["idf1"] <= best.idf1 + 1e-9
    assert set(row) == {"first", "first, 3 s", "tracker", "oracle"}
    assert row["first"]["matched"] == row["tracker"]["matched"]
    assert "hide" in text("projected", figures)


def test_swapped_truths_are_seen(take: Take) -> None:
    """Ids that are the truth's, but exchanged half way, score half."""
    frames = []
    for number, sight in enumerate(take.sights):
        frame = id_frame(sight.truth, sight.truth)
        late = number >= len(take.sights) // 2
        frame.tracks[:] = [1 - t if late else t for t in frame.tracks]
        frames.append(frame)
    found = count_identities(frames)
    assert found.mixed == 2 and 0.3 < found.idf1 < 0.8


def test_sights_are_kept_as_they_are(take: Take) -> None:
    sights = take.sights[:20]
    data = _packed(sights)
    for name in ("found", "truth"):
        for frame, sight in zip(_unpacked(data, name), sights, strict=True):
            was = getattr(sight, name)
            assert (frame.stamp_ns, frame.image_size) == (was.stamp_ns, was.image_size)
            for a, b in zip(frame.skeletons, was.skeletons, strict=True):
                assert a.track_id == b.track_id
                np.testing.assert_array_equal(a.keypoints, b.keypoints)
    assert isinstance(sights[0], Sight)
