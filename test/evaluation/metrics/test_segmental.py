"""Segmental F1 and edit score against frame-wise label lists, as the papers count them."""

from __future__ import annotations

from functools import cache
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.evaluation import Episode
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.metrics.segmental import OVERLAPS, edit_score, segment_counts

NOTHING = "-"
lines = st.lists(
    st.tuples(st.sampled_from([NOTHING, "a", "b"]), st.integers(1, 6)), min_size=1, max_size=8
).map(lambda parts: "".join(name * length for name, length in parts))


def segments(line: str) -> list[tuple[str, set[int]]]:
    """(label, its frames) of a frame-wise line of labels."""
    found, at = [], 0
    for label, group in groupby(line):
        length = len(list(group))
        if label != NOTHING:
            found.append((label, set(range(at, at + length))))
        at += length
    return found


def plain_counts(truth: str, found: str, overlap: float) -> tuple[int, int, int]:
    """Hits, false positives and misses of Lea et al.: frames are sets."""
    real = segments(truth)
    used: set[int] = set()
    hits = wrong = 0
    for label, frames in segments(found):
        scores = [
            len(frames & other) / len(frames | other) if label == name else 0.0
            for name, other in real
        ]
        best = scores.index(max(scores)) if scores else -1
        if scores and scores[best] >= overlap and best not in used:
            used.add(best)
            hits += 1
        else:
            wrong += 1
    return hits, wrong, len(real) - hits


def episodes(line: str) -> list[Episode]:
    return [Episode(1, name, min(frames), max(frames) + 1) for name, frames in segments(line)]


@settings(max_examples=150)
@given(truth=lines, found=lines, overlap=st.sampled_from(OVERLAPS))
def test_counts_are_those_of_frame_wise_labels(truth: str, found: str, overlap: float) -> None:
    counts = segment_counts(episodes(truth), episodes(found), overlap)
    assert plain_counts(truth, found, overlap) == (
        counts.true_positives, counts.false_positives, counts.false_negatives,
    )  # fmt: skip


@given(truth=st.text("abc", max_size=7), found=st.text("abc", max_size=7))
def test_the_edit_score_is_one_minus_the_fewest_edits(truth: str, found: str) -> None:
    @cache
    def edits(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        swap = edits(i - 1, j - 1) + (truth[i - 1] != found[j - 1])
        return min(swap, edits(i - 1, j) + 1, edits(i, j - 1) + 1)

    longer = max(len(truth), len(found))
    score = edit_score(list(truth), list(found))
    if longer:
        assert score == pytest.approx(1 - edits(len(truth), len(found)) / longer)
    else:
        assert score != score


def test_by_hand(episode, judged, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [episode(1, "wave", 0, 4), episode(1, "ok", 5, 9)]
    found = [
        episode(1, "wave", 1, 5),  # overlap 3 / 5
        episode(1, "ok", 6, 7.5),  # overlap 1.5 / 4
        episode(1, "ok", 8, 9),  # split: answers the same true one
        episode(-1, "stop", 0, 1),  # nobody
    ]
    person = judged(1, [0] * 100, reported=[1] * 45 + [-1] * 55)
    figures = measure(evaluation(recording(truth, found, [person])))["overall"]["segments"]
    assert figures["f1"] == pytest.approx({"10": 4 / 6, "25": 4 / 6, "50": 2 / 6})
    assert figures["edit"] == pytest.approx(1 - 1 / 3)  # of person 1; nobody has no order
    # Right: wave until 4.0 s, nothing from 4.5 s on except while ok lasted (5.0 to 9.0 s).
    assert figures["accuracy"] == pytest.approx((41 + 5 + 9) / 100)


def test_nothing_at_all(recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    figures = measure(evaluation(recording()))["overall"]["segments"]
    assert figures["f1"] == {"10": None, "25": None, "50": None} and figures["edit"] is None
