from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.evaluation import Episode, score_episodes
from bharnet_ros.evaluation.metrics import FALSE_ALARM, MISSED, measure, score_recording
from bharnet_ros.evaluation.records import Evaluation, Recording

SECOND = 1_000_000_000


def test_by_hand(episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [
        episode(1, "wave", 0, 2), episode(1, "wave", 5, 7), episode(2, "ok", 0, 2),
        episode(2, "stop", 5, 7), episode(2, "other", 10, 12), episode(1, "idle", 8, 30),
    ]  # fmt: skip
    found = [
        episode(1, "wave", 0.5, 2, 0.9),  # right after 0.5 s
        episode(1, "wave", 6.5, 8, 0.8),  # right after 1.5 s
        episode(2, "stop", 1, 2, 0.7),  # ok taken for stop
        episode(2, "ok", 10.5, 11, 0.6),  # in what is something else: a false alarm
        episode(-1, "ok", 3, 4, 0.6),  # of nobody
    ]
    figures = measure(evaluation(recording(truth, found, seconds=1800)))["overall"]
    events = figures["events"]
    assert [events[k] for k in ("total", "right", "wrong", "missed")] == [4, 2, 1, 1]
    assert events["false_alarms"] == {"count": 2, "of_nobody": 1, "per_hour": 4.0, "hours": 0.5}
    assert events["micro"]["precision"] == pytest.approx(2 / 5)
    assert events["micro"]["recall"] == pytest.approx(2 / 4)
    assert events["macro"]["f1"] == pytest.approx(1 / 3)  # wave 1, ok 0, stop 0
    assert events["delay_from_start_s"] == pytest.approx(
        {"count": 2, "p50": 1.0, "p95": 1.45, "max": 1.5}
    )
    assert events["delay_from_end_s"]["max"] == pytest.approx(-0.5)
    assert events["confusion"] == {
        "rows": ["wave", "ok", "stop", FALSE_ALARM],
        "columns": ["wave", "ok", "stop", MISSED],
        "counts": [[2, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 2, 0, 0]],
    }
    ok = figures["per_class"]["ok"]["events"]
    assert (ok["true_positives"], ok["false_positives"], ok["false_negatives"]) == (0, 2, 1)
    assert (ok["precision"], ok["recall"], ok["f1"], ok["wrong"]) == (0.0, 0.0, 0.0, 1)
    assert ok["false_alarms_per_hour"] == 4.0 and ok["delay_from_start_s"]["p50"] is None
    assert set(figures["per_class"]) == {"wave", "ok", "stop"}


def test_only_actions_are_reports(episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    found = [episode(1, "other", 1, 2), episode(1, "idle", 3, 4)]
    events = measure(evaluation(recording((), found)))["overall"]["events"]
    assert events["false_alarms"]["count"] == 0 and events["micro"]["precision"] is None


def test_a_late_report_answers_the_longer_of_two_nested_actions(  # type: ignore[no-untyped-def]
    episode, recording, evaluation
) -> None:
    truth = [episode(1, "wave", 0, 4), episode(1, "ok", 1, 2), episode(1, "ok", 20, 22)]
    found = [episode(1, "wave", 4.5, 6), episode(1, "ok", 21, 22)]
    events = measure(evaluation(recording(truth, found)))["overall"]["events"]
    assert (events["right"], events["missed"], events["false_alarms"]["count"]) == (2, 1, 0)


spans = st.lists(
    st.tuples(
        st.integers(-1, 2), st.sampled_from(["wave", "ok"]), st.integers(0, 30), st.integers(1, 4)
    ).map(lambda t: Episode(t[0], t[1], t[2] * SECOND, (t[2] + t[3]) * SECOND)),
    max_size=10,
)


@given(truth=spans, found=spans)
def test_person_by_person_is_the_same_as_all_at_once(
    truth: list[Episode], found: list[Episode]
) -> None:
    recording = Recording("bag", 0, 60 * SECOND, tuple(truth), tuple(found), (), 0, 0)
    whole = Evaluation("offline", "", "", "", ("idle", "wave", "ok"), "idle", "", (recording,))
    score, expected = score_recording(whole, recording), score_episodes(truth, found)
    assert (score.right, score.wrong, score.missed) == (
        expected.right, expected.wrong, expected.missed,
    )  # fmt: skip
    events = measure(whole)["overall"]["events"]
    assert sum(map(sum, events["confusion"]["counts"])) == len(truth) + len(expected.false_alarms)
    micro = events["micro"]
    assert micro["true_positives"] + micro["false_positives"] == len(found)
    assert micro["true_positives"] + micro["false_negatives"] == len(truth)
