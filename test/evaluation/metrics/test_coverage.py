from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.metrics.coverage import shared_ns, union

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=12)


@given(spans=spans, start=st.integers(0, 70), length=st.integers(0, 30))
def test_shared_time_is_that_of_single_nanoseconds(
    spans: list[tuple[int, int]], start: int, length: int
) -> None:
    intervals = np.array([(a, a + b) for a, b in spans], np.int64).reshape(-1, 2)
    covered = {t for a, b in spans for t in range(a, a + b)}
    joined = union(intervals)
    assert shared_ns(joined, start, start + length) == len(
        covered & set(range(start, start + length))
    )
    assert (joined[1:, 0] > joined[:-1, 1]).all()


def test_by_hand(judged, episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    # Judged from 0 to 4 s, not judged until 6 s, judged until 10 s; hands only after 6 s.
    ids = [1] * 40 + [-1] * 20 + [1] * 40
    people = [judged(1, ids, hands=[False] * 60 + [True] * 40), judged(2, [0] * 30)]
    truth = [episode(1, "wave", 2, 5), episode(1, "ok", 8, 10)]
    figures = measure(evaluation(recording(truth, (), people, 20.0)))["overall"]["coverage"]
    assert figures["seconds"] == 20.0 and figures["action_seconds"] == 5.0
    assert figures["skeleton"] == pytest.approx(8 / 20)
    assert figures["hands"] == pytest.approx((4 + 3) / 20)  # person 2 has hands for 3 s
    assert figures["skeleton_in_actions"] == pytest.approx((2 + 2) / 5)
    assert figures["hands_in_actions"] == pytest.approx(2 / 5)


def test_two_tracks_of_one_person_count_once(judged, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    tracks = [judged(1, [1] * 50 + [-1] * 50), judged(1, [-1] * 30 + [1] * 30)]
    figures = measure(evaluation(recording((), (), tracks, 10.0)))["overall"]["coverage"]
    assert figures["skeleton"] == pytest.approx(6 / 10)


def test_a_gap_without_judgements_is_not_covered(judged, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    person = judged(1, [1] * 20)
    person.stamps_ns[10:] += 5_000_000_000
    figures = measure(evaluation(recording((), (), [person], 10.0)))["overall"]["coverage"]
    assert figures["skeleton"] == pytest.approx((1.1 + 1.0) / 10)
    assert figures["skeleton_in_actions"] is None


def test_latency_and_images(recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    first = recording(
        name="a", stage_ms={"pose": (10.0, 30.0)}, drops={"busy": 2}, images=100, estimated=90
    )
    second = recording(
        name="b", stage_ms={"pose": (20.0,), "latency": ()}, images=100, drops={"late": 1}
    )
    figures = measure(evaluation(first, second, names=("x",), background="", unknown=""))
    overall = figures["overall"]
    assert overall["latency_ms"]["pose"] == pytest.approx(
        {"count": 3, "mean": 20.0, "p50": 20.0, "p95": 29.0, "p99": 29.8, "max": 30.0}
    )
    assert overall["latency_ms"]["latency"]["p50"] is None
    assert overall["images"]["drops"] == {"busy": 2, "late": 1}
    assert figures["recordings"]["a"]["images"]["share"] == 0.9
    assert figures["recordings"]["b"]["latency_ms"]["pose"]["count"] == 1
