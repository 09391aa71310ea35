from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros.demo.record import SKELETONS_ALONE, Record, live_line, summary
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, RecognizedAction

SECOND = 1_000_000_000
STARTED, ONGOING, ENDED = ActionState.STARTED, ActionState.ONGOING, ActionState.ENDED


def entry(
    state: ActionState, person: int, name: str, stamp_ns: int, bundle: str = ""
) -> RecognizedAction:
    box = np.zeros(4, np.float32)
    return RecognizedAction(
        state, person, (Hypothesis(1, name, 0.9),), max(0, stamp_ns - SECOND), stamp_ns, 10,
        0.5, 0.9, box, bundle,
    )  # fmt: skip


def play(record: Record) -> None:
    """One person (track 7 on actor 0) does ok from 1 to 2 s; 'ok' is heard from 1.5 to 2.3 s, the
    body alone hears 'victory'."""
    for step in range(40):
        stamp = step * SECOND // 10
        points = person_keypoints(center=(400, 400))
        record.true_skeletons(frame(stamp, skeleton(0, points)))
        record.skeletons(frame(stamp, skeleton(7, points)))
        for begin, end, push, who, name in (
            (10, 20, record.true_actions, 0, "ok"),
            (15, 23, lambda f: record.actions(f, f.stamp_ns + 80_000_000), 7, "ok"),
            (15, 23, record.alone.push, 7, "victory"),
        ):
            if begin <= step <= end:
                state = {begin: STARTED, end: ENDED}.get(step, ONGOING)
                push(ActionFrame(stamp, (entry(state, who, name, stamp),)))


@pytest.fixture
def played() -> Record:
    record = Record()
    play(record)
    return record


def test_scores_of_both_experts_and_of_the_body_alone(played: Record) -> None:
    fused, body = played.scores()
    assert (fused.right, fused.wrong, fused.missed, len(fused.false_alarms)) == (1, 0, 0, 0)
    assert (body.right, body.wrong, body.missed) == (0, 1, 0)


def test_summary_is_text_and_data(played: Record) -> None:
    text, data = summary(played, [("ok", "victory")], {"camera: too slow": 2}, with_truth=True)
    assert "1 right, 0 wrong, 0 missed of 1" in text
    assert "body and hands 1 of 1" in text and "body alone 0 of 1" in text
    assert "40 published, 40 estimated, 0 passed by" in text
    assert "camera: too slow 2" in text and "p50 80" in text
    back: Any = json.loads(json.dumps(data))
    assert back["fused"]["right"] == 1 and back["body_only"]["wrong"] == 1
    assert back["fused"]["pairs"] == {"ok/victory": [1, 1]}
    assert back["latency_ms"]["p95"] == pytest.approx(80.0)


def test_pixels_are_shown_beside_skeletons_alone() -> None:
    record = Record(comparison=SKELETONS_ALONE)
    play(record)
    text, data = summary(record, [("ok", "victory")], {}, with_truth=True)
    assert "Skeletons and pixels: 1 right" in text
    assert "Pairs that only the object in the hand tells apart" in text
    assert "ok / victory skeletons and pixels 1 of 1     skeletons alone 0 of 1" in text
    assert data["skeletons_only"]["pairs"] == {"ok/victory": [0, 1]} and "body_only" not in data


def test_what_ended_early_is_json_all_the_same() -> None:
    text, data = summary(Record(), [], {}, with_truth=True)
    back: Any = json.loads(json.dumps(data, allow_nan=False))
    assert back["latency_ms"] == {"p50": None, "p95": None, "messages": 0}
    assert back["fused"]["recall"] is None
    assert "nan" not in text and "[ms]: (0 messages)" in text


def test_images_passed_by_need_not_mean_a_busy_estimator(played: Record) -> None:
    text, _ = summary(played, [], {}, with_truth=False)
    assert "a busy estimator takes the newest; with nobody in view" in text


def test_without_truth_nothing_is_judged(played: Record) -> None:
    text, data = summary(played, [("ok", "victory")], {}, with_truth=False)
    assert "right" not in text and "fused" not in data
    assert data["recognised_episodes"] == 1


def test_with_several_bundles_one_is_scored_and_all_are_named() -> None:
    record = Record("mine", comparison=None)
    play(record)
    for stamp in (15, 22):
        state = STARTED if stamp == 15 else ENDED
        said = tuple(
            entry(state, 7, name, stamp * SECOND // 10, bundle)
            for name, bundle in (("ok", "mine"), ("fist", "other"))
        )
        record.actions(ActionFrame(stamp * SECOND // 10, said), 0)
    fused, body = record.scores()
    assert (fused.right, len(fused.false_alarms), body) == (1, 0, None)
    text, data = summary(record, [("ok", "victory")], {}, with_truth=True)
    assert "Bundle mine: 1 right" in text and "body_only" not in data
    assert data["bundles"] == ["mine", "other"]
    text, _ = summary(record, [], {}, with_truth=False)
    assert "mine: ok 1" in text and "other: fist 1" in text
    line = live_line(0.0, entry(STARTED, 0, "ok", 0, "mine"), "#7", None, False, "mine")
    assert "mine: ok" in line


def test_a_track_is_known_as_the_person_it_lies_on(played: Record) -> None:
    assert played.person(entry(ONGOING, 7, "ok", 2 * SECOND)) == 0
    assert played.person(entry(ONGOING, 8, "ok", 2 * SECOND)) is None


def test_truth_of_the_moment_comes_and_goes() -> None:
    record = Record()
    record.true_actions(ActionFrame(0, (entry(STARTED, 0, "ok", 0),)))
    assert record.true_now == {0: "ok"}
    record.true_actions(ActionFrame(1, (entry(ENDED, 0, "ok", 1),)))
    assert record.true_now == {}


def test_live_lines_show_the_truth_only_where_there_is_one() -> None:
    action = entry(STARTED, 0, "ok", 0)
    line = live_line(3.25, action, "person 0", "ok", known=True)
    assert "3.2 s" in line and "STARTED" in line and line.endswith("truth: ok")
    assert "truth: -" in live_line(0.0, action, "person 0", None, known=True)
    assert "truth" not in live_line(0.0, action, "#7", None, known=False)


def test_memory_stays_bounded_when_nothing_matches() -> None:
    record = Record()
    for stamp in range(2000):
        record.true_skeletons(frame(2 * stamp))
        record.skeletons(frame(2 * stamp + 1))
    assert len(record._true_people) <= 256 and len(record._waiting) <= 256
    assert (record.published, record.estimated) == (2000, 2000)
