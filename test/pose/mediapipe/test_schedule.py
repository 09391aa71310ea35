from __future__ import annotations

import pytest

from bharnet_ros.pose.mediapipe.detector import squares
from bharnet_ros.pose.mediapipe.schedule import EMPTY_LOOKS, MAX_LOOKS, ScanSchedule

SIZE = (720, 1280)
ALL = squares(*SIZE)


def ns(seconds: float) -> int:
    return int(seconds * 1e9)


def test_the_first_image_is_searched_everywhere() -> None:
    schedule = ScanSchedule(1.0)
    assert schedule.due(SIZE, ns(5), somebody=False, lost=False) == ALL
    schedule.reset()
    assert schedule.due(SIZE, ns(6), somebody=True, lost=False) == ALL


@pytest.mark.parametrize("rate_hz", [30.0, 15.0])
def test_one_round_takes_the_period(rate_hz: float) -> None:
    schedule = ScanSchedule(1.0)
    schedule.due(SIZE, 0, somebody=True, lost=False)
    looks = [
        schedule.due(SIZE, ns(i / rate_hz), somebody=True, lost=False)
        for i in range(1, int(rate_hz) + 1)
    ]
    assert max(map(len, looks)) <= MAX_LOOKS
    seen = [region for look in looks for region in look]
    assert len(ALL) - 1 <= len(seen) <= len(ALL)
    assert seen == ALL[: len(seen)]


def test_an_empty_view_is_searched_a_little_in_every_image() -> None:
    schedule = ScanSchedule(1.0)
    schedule.due(SIZE, 0, somebody=False, lost=False)
    seen = set()
    for i in range(1, 20):
        looks = schedule.due(SIZE, ns(i / 30), somebody=False, lost=False)
        assert looks[0] == ALL[0] and len(looks) <= 1 + EMPTY_LOOKS
        seen.update(looks)
    assert seen == set(ALL)


def test_losing_somebody_searches_everywhere_but_not_all_the_time() -> None:
    schedule = ScanSchedule(1.0)
    schedule.due(SIZE, 0, somebody=True, lost=False)
    assert len(schedule.due(SIZE, ns(0.1), somebody=True, lost=True)) < len(ALL)
    assert schedule.due(SIZE, ns(0.9), somebody=True, lost=True) == ALL
    assert len(schedule.due(SIZE, ns(1.0), somebody=True, lost=True)) < len(ALL)


def test_period_zero_searches_everywhere_always() -> None:
    schedule = ScanSchedule(0.0)
    for i in range(3):
        assert schedule.due(SIZE, ns(i), somebody=True, lost=False) == ALL


def test_another_image_size_starts_afresh() -> None:
    schedule = ScanSchedule(1.0)
    schedule.due(SIZE, 0, somebody=True, lost=False)
    assert schedule.due((480, 640), ns(0.1), somebody=True, lost=False) == squares(480, 640)
