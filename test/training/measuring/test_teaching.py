"""The report on taught gestures: unseen people, false starts, time."""

from __future__ import annotations

import numpy as np

from bharnet_ros.bundle import load_bundle
from training.measuring import teaching
from training.measuring.teaching import Taught, measure
from training.sequences import GestureSpan, KeypointSequence

S = 1_000_000_000


def film(*spans):
    points = np.random.default_rng(0).uniform(100, 600, (40, 133, 2)).astype(np.float32)
    return KeypointSequence(
        "coco_wholebody_133", np.arange(40) * (S // 10), points, np.ones((40, 133), np.float32),
        points[:0], tuple(GestureSpan(n, a * S, b * S) for n, a, b in spans),
        {"image_size": [720, 720]},
    )  # fmt: skip


def test_every_lesson_is_judged_on_unseen_people_and_on_quiet_ones(monkeypatch):
    class Start:
        class_name, stamp_ns = "wave", 2 * S

    heard = {"right": [Start()], "quiet": [Start(), Start()], "missed": []}
    monkeypatch.setattr(teaching, "starts", lambda sequence, judge: heard[sequence.info["kind"]])
    films = {name: film(("wave", 1, 3)) for name in heard}
    for name, each in films.items():
        each.info["kind"] = name
    own = {"held_out_events": {"right": 9, "gestures": 10}}
    lesson = Taught(10, load_bundle("gestures"), own, 120.0, 90.0)
    result = measure(
        [lesson], [films["right"], films["missed"]], {"people at rest": [films["quiet"]]},
        ("python -m training teach store",), (10, 1), 0.12, 1,
    )  # fmt: skip
    (found,) = result.figures["lessons"]
    assert (found["unseen"]["right"], found["unseen"]["missed"]) == (1, 1)
    quiet = found["alarms"]["people at rest"]
    assert quiet == {"minutes": 3.9 / 60, "starts": 2, "of": {"wave": 2}}
    assert "| 10 | 1 of 2 | 50.0 % |" in result.body
    assert "| 9 of 10 | 2.0 min | 1.5 min |" in result.body
    assert "python -m training teach store" in result.body
    assert "1 other people" in result.body  # of whom the tracker made two sequences
