from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.evaluation import Episode
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording

SECOND = 1_000_000_000
NAMES = ("idle", "wave", "ok", "other")


@st.composite
def evaluations(draw: st.DrawFn) -> Evaluation:
    recordings = []
    for index in range(draw(st.integers(0, 3))):
        known = st.sampled_from([*NAMES, "unheard of"])
        spans = st.tuples(st.integers(-1, 2), known, st.integers(0, 20), st.integers(0, 5),
                          st.floats(0, 1))  # fmt: skip
        episodes = st.lists(
            spans.map(lambda s: Episode(s[0], s[1], s[2] * SECOND, (s[2] + s[3]) * SECOND, s[4])),
            max_size=6,
        )
        people = []
        for person in draw(st.lists(st.integers(-1, 2), max_size=4)):
            count = draw(st.integers(0, 12))
            ids = draw(st.lists(st.integers(-1, 3), min_size=count, max_size=count))
            people.append(JudgedPerson(
                person, np.arange(count) * SECOND + draw(st.integers(0, SECOND)),
                np.array(ids, int),
                np.full(count, draw(st.floats(0, 1, width=32)), np.float32),
                np.array(ids[::-1], int), np.arange(count) % 2 == 0,
            ))  # fmt: skip
        recordings.append(Recording(
            f"bag{index}", 0, draw(st.integers(0, 25)) * SECOND, tuple(draw(episodes)),
            tuple(draw(episodes)), tuple(people), 10, draw(st.integers(0, 10)),
        ))  # fmt: skip
    return Evaluation("offline", "b", "", "", NAMES, draw(st.sampled_from(["", "idle"])),
                      draw(st.sampled_from(["", "other"])), tuple(recordings))  # fmt: skip


def shares(value: Any, path: str = "") -> list[tuple[str, float]]:
    """Every number that must be a share."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in shares(item, f"{path}.{key}")]
    last = path.rsplit(".", 1)[-1]
    named = last in {"precision", "recall", "f1", "accuracy", "accuracy_among_actions", "ece",
                     "mce", "edit", "skeleton", "hands", "skeleton_in_actions",
                     "hands_in_actions", "average"}  # fmt: skip
    return [(path, value)] if named and isinstance(value, float) else []


@settings(max_examples=30, deadline=None)
@given(whole=evaluations())
def test_any_evaluation_has_plain_figures(whole: Evaluation) -> None:
    figures = measure(whole)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert set(figures["recordings"]) == {recording.name for recording in whole.recordings}
    for path, value in shares(figures):
        assert -1e-9 <= value <= 1 + 1e-9, path
    assert measure(whole) == figures


@settings(max_examples=30, deadline=None)
@given(whole=evaluations())
def test_one_recording_alone_has_the_overall_figures(whole: Evaluation) -> None:
    if len(whole.recordings) == 1:
        figures = measure(whole)
        assert figures["overall"] == figures["recordings"]["bag0"]


def test_perfect(judged, episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [episode(1, "wave", 1, 3), episode(1, "ok", 5, 7), episode(2, "stop", 1, 4)]
    ids = np.zeros((3, 100), int)
    ids[1, 10:31], ids[1, 50:71], ids[2, 10:41] = 1, 2, 3
    people = [
        judged(p, ids[p], 1.0, np.where(ids[p] > 0, ids[p], -1)) for p in (1, 2)
    ]  # fmt: skip
    overall = measure(evaluation(recording(truth, truth, people, 10.0)))["overall"]
    for path, value in shares(overall):
        expected = 0.0 if path.rsplit(".", 1)[-1] in ("ece", "mce") else 1.0
        assert abs(value - expected) < 1e-9, path
    assert set(overall["detection"]["map"].values()) == {1.0}
    assert overall["events"]["false_alarms"]["count"] == 0
