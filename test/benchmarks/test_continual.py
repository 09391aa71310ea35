"""The cost of a step: what is printed and when a goal is met."""

from __future__ import annotations

import numpy as np

from benchmarks.continual import Pair, Timing, report


def test_goals_are_judged_by_the_median_ratio_of_rounds() -> None:
    def never(people: int, threads: int) -> tuple[object, object]:
        raise AssertionError("nothing is run for a report")

    pair = Pair("body", 64, (160e6, 10e6), 2048, never)  # type: ignore[arg-type]
    window, step = np.array([10.0, 50.0, 12.0]), np.array([2.0, 10.0, 6.0])
    text = report([Timing(pair, 1, 2, window, step), Timing(pair, 4, 1, step, step)])
    assert "| body | 64 | 160.0 | 10.00 | 16.0 | 2 KiB |" in text
    assert "| body | 1 | 2 | 12.00 / 46.20 | 6.00 / 9.60 | 5.0 |" in text
    assert "body: 16.0x (goal 8x: met) fewer FLOPs" in text
    assert "body, 2 threads: 5.0x (goal 4x: met) less time" in text
    assert "1 thread:" not in text  # the goal is for one person
