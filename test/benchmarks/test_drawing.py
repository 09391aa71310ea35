from __future__ import annotations

import pytest

from benchmarks.drawing import SIZES, crowd, distance_errors, median_ms, time_pictures


def test_every_size_is_timed_with_people_who_act() -> None:
    rows = time_pictures(1)
    assert {(row["width"], row["height"]) for row in rows} == set(SIZES)
    assert all(row["draw_ms"] > 0 for row in rows)
    people, said = crowd(8, 640, 480)
    assert [person.track_id for person in people.skeletons] == list(range(8))
    assert len(said.actions) == 8


def test_the_median_is_of_the_calls_after_warming_up() -> None:
    calls: list[int] = []
    assert median_ms(lambda: calls.append(1), 5) == pytest.approx(0.0, abs=5.0)
    assert len(calls) == 8


def test_distances_are_measured_against_the_camera() -> None:
    found = distance_errors(scenes=2)
    assert found["people"] > 20 and 0.0 < found["mean_abs_error"] < 0.3
