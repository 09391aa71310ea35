from __future__ import annotations

import pytest

from bharnet_ros.pose.topdown.schedule import DetectorSchedule


def runs(schedule: DetectorSchedule, stamps_ms: range, somebody: bool) -> list[int]:
    """The stamps (ms) at which the detector runs."""
    ran = []
    for stamp_ms in stamps_ms:
        if schedule.due(stamp_ms * 1_000_000, somebody):
            schedule.ran(stamp_ms * 1_000_000)
            ran.append(stamp_ms)
    return ran


@pytest.mark.parametrize("step_ms", [10, 50, 100])
def test_the_pace_is_in_seconds_whatever_the_cameras(step_ms: int) -> None:
    assert runs(DetectorSchedule(0.5), range(0, 2001, step_ms), True) == [0, 500, 1000, 1500, 2000]


def test_zero_is_every_image() -> None:
    assert runs(DetectorSchedule(0.0), range(0, 100, 10), True) == list(range(0, 100, 10))


def test_nobody_in_view_is_looked_for_more_often() -> None:
    assert runs(DetectorSchedule(2.0), range(0, 1001, 10), False) == list(range(0, 1001, 200))
    assert runs(DetectorSchedule(0.1), range(0, 301, 10), False) == [0, 100, 200, 300]


def test_who_is_lost_is_looked_for_at_once_and_then_less_and_less() -> None:
    schedule = DetectorSchedule(2.0)
    assert runs(schedule, range(0, 1000, 10), True) == [0]
    schedule.lost(1_000_000_000)
    searching = [1000, 1200, 1600, 2000, 2400, 2800, 3200, 3600, 4000]
    assert runs(schedule, range(1000, 9000, 10), True) == [*searching, 6000, 8000]


def test_who_is_lost_again_and_again_does_not_make_it_run_in_every_image() -> None:
    schedule, ran = DetectorSchedule(2.0), 0
    for i in range(90):
        schedule.lost(i * 33_333_333)
        if schedule.due(i * 33_333_333, True):
            schedule.ran(i * 33_333_333)
            ran += 1
    assert ran <= 30


def test_reset_makes_the_next_image_the_first() -> None:
    schedule = DetectorSchedule(10.0)
    schedule.ran(5_000_000_000)
    assert not schedule.due(6_000_000_000, True)
    schedule.reset()
    assert schedule.due(0, True)
