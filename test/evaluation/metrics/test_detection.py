"""Mean average precision against the definition, written down anew as plainly as possible."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.evaluation import Episode
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.metrics.detection import THRESHOLDS, average_precision, temporal_iou
from bharnet_ros.evaluation.metrics.material import material

Span = tuple[int, int]


def iou(a: Span, b: Span) -> Fraction:
    shared = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    joint = (a[1] - a[0]) + (b[1] - b[0]) - shared
    return Fraction(shared, joint) if joint else Fraction(0)


def plain_average_precision(
    truth: list[tuple[int, Span]], found: list[tuple[int, Span, float]], threshold: float
) -> Fraction:
    """The mean, over the true segments, of the best precision that any threshold of the score
    reaches at that recall or a higher one."""
    free = list(truth)
    ranked = sorted(found, key=lambda f: (-f[2], f[1]))
    hits = []
    for video, span, _ in ranked:
        fits = [t for t in free if t[0] == video and iou(span, t[1]) >= Fraction(str(threshold))]
        if fits:
            free.remove(max(fits, key=lambda t: iou(span, t[1])))
        hits.append(bool(fits))
    points = []  # (number of true segments found, precision) of every threshold
    for score in {score for _, _, score in found}:
        cut = sum(other >= score for _, _, other in found)
        points.append((sum(hits[:cut]), Fraction(sum(hits[:cut]), cut)))
    best = [
        max((precision for count, precision in points if count >= needed), default=Fraction(0))
        for needed in range(1, len(truth) + 1)
    ]
    return sum(best, Fraction(0)) / len(truth)


def spans(size: int) -> st.SearchStrategy[list[tuple[int, Span]]]:
    one = st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(1, 20))
    return st.lists(one.map(lambda t: (t[0], (t[1], t[1] + t[2]))), max_size=size)


@settings(max_examples=100)
@given(truth=spans(6), found=spans(9), data=st.data())
def test_average_precision_is_that_of_the_definition(
    truth: list[tuple[int, Span]], found: list[tuple[int, Span]], data: st.DataObject
) -> None:
    few = st.sampled_from([0.2, 0.5, 0.8]) | st.floats(0, 1)  # some of them equal
    scores = data.draw(st.lists(few, min_size=len(found), max_size=len(found)))
    real = [Episode(v, "wave", *span) for v, span in truth]
    reported = [Episode(v, "wave", *s, p) for (v, s), p in zip(found, scores, strict=True)]
    precisions = average_precision(_people(real, reported), "wave")
    if not truth:
        assert np.isnan(precisions).all()
        return
    listed = [(v, s, p) for (v, s), p in zip(found, scores, strict=True)]
    for threshold, precision in zip(THRESHOLDS, precisions, strict=True):
        if _touches(truth, found, threshold):
            continue  # floats and fractions may differ exactly on a threshold
        expected = plain_average_precision(truth, listed, threshold)
        assert precision == pytest.approx(float(expected)), threshold


@given(truth=spans(8))
def test_the_truth_itself_is_perfect(truth: list[tuple[int, Span]]) -> None:
    real = [Episode(v, "wave", *span) for v, span in truth]
    if real:
        assert average_precision(_people(real, real), "wave").tolist() == [1.0] * 7


def test_by_hand(episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [episode(1, "wave", 0, 10), episode(1, "wave", 20, 30), episode(2, "ok", 0, 4)]
    found = [
        episode(1, "wave", 0, 10, 0.9),  # overlap 1
        episode(1, "wave", 40, 50, 0.8),  # wrong
        episode(1, "wave", 25, 35, 0.7),  # overlap 1 / 3
        episode(2, "wave", 20, 30, 0.6),  # the other person
        episode(2, "ok", 1, 4, 0.5),  # overlap 3 / 4
        episode(2, "stop", 1, 4, 0.5),  # never true: no average precision
    ]
    figures = measure(evaluation(recording(truth, found)))["overall"]
    by_class = figures["per_class"]
    third = (1 + 2 / 3) / 2
    assert list(by_class["wave"]["average_precision"].values()) == pytest.approx(
        [third, third, third, 0.5, 0.5, 0.5, 0.5]
    )
    assert list(by_class["ok"]["average_precision"].values()) == [1.0] * 7
    assert by_class["stop"]["average_precision"]["0.1"] is None
    assert figures["detection"]["classes"] == 2
    assert figures["detection"]["map"]["0.3"] == pytest.approx((third + 1) / 2)
    assert figures["detection"]["map"]["0.7"] == pytest.approx(0.75)


def test_a_second_report_of_the_same_action_is_wrong(episode) -> None:  # type: ignore[no-untyped-def]
    real = [episode(0, "wave", 0, 10)]
    twice = [episode(0, "wave", 0, 6, 0.9), episode(0, "wave", 6.1, 10, 0.8)]
    assert average_precision(_people(real, twice), "wave", [0.3])[0] == 1.0  # the second came last
    first_wrong = [episode(0, "wave", 0, 6, 0.8), episode(0, "wave", 20, 30, 0.9)]
    assert average_precision(_people(real, first_wrong), "wave", [0.3])[0] == 0.5


@pytest.mark.parametrize("order", [1, -1])
def test_reports_of_equal_score_count_at_once(episode, order: int) -> None:  # type: ignore[no-untyped-def]
    """However the people are numbered."""
    first, second = (1, 2)[::order]
    real = [episode(first, "wave", 0, 10)]
    found = [episode(person, "wave", 0, 10, 0.5) for person in (first, second)]
    assert average_precision(_people(real, found), "wave", [0.5])[0] == 0.5
    better = [*found, episode(second, "wave", 20, 30, 0.4)]
    assert average_precision(_people(real, better), "wave", [0.5])[0] == 0.5


def test_overlap_of_segments_without_length(episode) -> None:  # type: ignore[no-untyped-def]
    point, segment = episode(0, "wave", 5, 5), episode(0, "wave", 0, 10)
    assert temporal_iou(point, [point, segment]).tolist() == [0.0, 0.0]
    assert temporal_iou(segment, []).tolist() == []


def _people(truth: list[Episode], found: list[Episode]) -> tuple:  # type: ignore[type-arg]
    from bharnet_ros.evaluation.records import Evaluation, Recording

    recording = Recording("bag", 0, 100, tuple(truth), tuple(found), (), 0, 0)
    whole = Evaluation("offline", "", "", "", ("idle", "wave"), "idle", "", (recording,))
    return material(whole).people


def _touches(truth: list[tuple[int, Span]], found: list[tuple[int, Span]], at: float) -> bool:
    return any(iou(t[1], f[1]) == Fraction(str(at)) for t in truth for f in found if t[0] == f[0])
