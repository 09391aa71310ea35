"""What slow cameras and slow machines cost: the same films with fewer and fewer images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bharnet_ros.evaluation import Episode, score_episodes
from training.measuring.following import starts
from training.measuring.judging import Judge
from training.measuring.reporting import Result, number, percent, table
from training.replay import true_episodes
from training.sequences import KeypointSequence

RATES_HZ = (10.0, 5.0, 10.0 / 3.0, 2.5, 2.0, 1.5)
_TEXT = """\
The films of `measure drawn` (10 images a second) and of `measure idle` (8), of which only as many
images are shown as a slower camera takes, or a slower machine manages. Their distances vary, as in
the films. (The estimator followed the people in all images; at such a rate it has a harder time
itself.) A gesture is right if its name is the one reported between its first movement and 1 s after
its end.
"""


def thinned(sequence: KeypointSequence, rate_hz: float) -> KeypointSequence:
    """With the images of a slower camera; as it is, if its rate is not above `rate_hz`.

    Every n-th image, of fractions of n the one before: distances vary as the film's own do.
    """
    count = len(sequence.stamps_ns)
    apart = (count - 1) / max(sequence.duration_s, 1e-9) / rate_hz
    if apart <= 1.0:
        return sequence
    chosen = np.arange(0.0, count, apart).astype(np.intp)
    return replace(
        sequence, stamps_ns=sequence.stamps_ns[chosen], keypoints=sequence.keypoints[chosen],
        scores=sequence.scores[chosen], truth=sequence.truth[:0],
    )  # fmt: skip


def measure(
    drawn: Sequence[KeypointSequence],
    idle: Sequence[KeypointSequence],
    judges: Mapping[str, Judge],
) -> Result:
    """Events of every judge at each of RATES_HZ."""
    figures = {
        name: {f"{rate:.1f}": _at(rate, drawn, idle, judge) for rate in RATES_HZ}
        for name, judge in judges.items()
    }
    rows = [
        [
            name, rate, str(found["right"]), str(found["wrong"]), str(found["missed"]),
            percent(found["accuracy"]), number(found["delay_p50_s"], 2),
            str(found["false_alarms"]), number(found["idle_per_hour"], 1),
        ]
        for name, by_rate in figures.items() for rate, found in by_rate.items()
    ]  # fmt: skip
    body = _TEXT + "\n" + table(
        ["bundle", "images/s", "right", "wrong", "missed", "accuracy", "delay p50 s",
         "false alarms", "idle, an hour"], rows,
    )  # fmt: skip
    return Result("rates", "Gestures in few images a second", figures, body)


def _at(
    rate_hz: float,
    drawn: Sequence[KeypointSequence],
    idle: Sequence[KeypointSequence],
    judge: Judge,
) -> dict[str, Any]:
    names = judge.bundle.manifest.class_names
    score = score_episodes(
        [e for i, f in enumerate(drawn) for e in true_episodes(f, i) if e.class_name in names],
        [
            Episode(number, start.class_name, start.stamp_ns, start.stamp_ns)
            for number, film in enumerate(drawn)
            for start in starts(thinned(film, rate_hz), judge)
        ],
    )
    hours = sum(film.duration_s for film in idle) / 3600.0
    alarms = sum(len(starts(thinned(film, rate_hz), judge)) for film in idle)
    return {
        "gestures": score.total, "right": score.right, "wrong": score.wrong,
        "missed": score.missed, "accuracy": score.recall,
        "delay_p50_s": score.delay_from_start_s.p50,
        "delay_p95_s": score.delay_from_start_s.p95,
        "false_alarms": len(score.false_alarms),
        "idle_hours": hours,
        "idle_per_hour": alarms / hours if hours else float("nan"),
    }  # fmt: skip
