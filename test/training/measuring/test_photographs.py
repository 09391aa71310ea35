"""Photographs judged: whose hand counts, what is right."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.synthetic import LAYOUT, person_keypoints
from training.measuring.extraction import Stills
from training.measuring.judging import NOTHING
from training.measuring.photographs import (
    judge_strongest,
    judge_together,
    measure,
    with_hand,
)
from training.measuring.unknown import Material, separation
from training.measuring.unknown import measure as measure_unknown


def stills(labels: list[str], people: list[tuple[int, float, tuple[str, ...]]]) -> Stills:
    """people: (picture, spread of the fingers, hands found); arms hang, fingers point up."""
    keypoints, scores = [], []
    for _, spread, hands in people:
        keypoints.append(person_keypoints(spread=spread))
        seen = np.full(133, 0.9, np.float32)
        for side, rows in (("left", slice(91, 112)), ("right", slice(112, 133))):
            if side not in hands:
                seen[rows] = 0.0
        scores.append(seen)
    return Stills(
        LAYOUT,
        np.array([f"{i}.jpg" for i in range(len(labels))]),
        np.array(labels),
        np.full((len(labels), 2), 480),
        np.array([p for p, _, _ in people], np.int64),
        np.array(keypoints, np.float32),
        np.array(scores, np.float32),
    )


@pytest.fixture
def shown() -> Stills:
    """A fist; an open hand and a fist of two people; nobody; a person without hands."""
    return stills(
        ["fist", "fist", "ok", "no_gesture"],
        [(0, 0.3, ("left", "right")), (1, 1.4, ("right",)), (1, 0.3, ("right",)), (3, 1.0, ())],
    )


def test_the_strongest_hand_of_everybody_counts(judge, shown):
    judged = judge_strongest(shown, judge)
    assert judged.person.tolist() == [0, 2, -1, -1]
    assert judged.slot[0] == judged.slot[1] == "right"
    assert judge.answers(judged.probabilities) == ["fist", "fist", NOTHING, NOTHING]
    assert with_hand(shown).tolist() == [True, True, False, False]


def test_together_asks_about_the_whole_person(judge, shown):
    judged = judge_together(shown, judge)
    expected = judge.held(shown.keypoints[:1], shown.scores[:1], [(480, 480)], LAYOUT)
    np.testing.assert_allclose(judged.probabilities[0], expected[0], rtol=1e-5)


def test_shares_are_of_photographs_with_a_hand(judge, shown):
    figures = measure(shown, {"tiny": judge}).figures
    assert figures["hand_found"] == 0.5
    assert figures["person_found"] == 0.75
    found = figures["judges"]["tiny"]
    assert found["strongest_hand_most_probable"]["count"] == 2
    assert found["strongest_hand_most_probable"]["accuracy"] == 1.0
    # Of all four: both fists, and the quiet one of whom nothing is reported; not the unseen ok.
    assert found["labels_19_most_probable"]["of_all"] == 0.75


def test_nothing_reported_is_right_for_no_gesture(judge):
    quiet = stills(["no_gesture", "no_gesture"], [(0, 1.4, ("right",)), (1, 0.3, ("right",))])
    found = measure(quiet, {"tiny": judge}).figures["judges"]["tiny"]
    assert found["strongest_hand_at_threshold"]["classes"][NOTHING]["right"] == 1
    assert found["strongest_hand_at_threshold"]["classes"][NOTHING]["taken_for"] == {"fist": 1}


def test_the_report_has_the_published_row(judge, shown):
    body = measure(shown, {"tiny": judge}).body
    assert "vision-language model" in body
    assert "65.0 %" in body


def test_separation_by_hand(judge):
    def rows(*evidence):
        return np.array([[1 - e, 0.0, e] for e in evidence], np.float32)

    unknown = {"a": rows(0.5), "b": rows(0.95, 0.1, 0.1)}
    found = separation({"k": rows(0.9, 0.8)}, unknown, judge)
    assert found["a"] == 1.0
    assert found["b"] == pytest.approx(4 / 6)
    assert found["together"] == pytest.approx(6 / 8)
    assert found["mean"] == pytest.approx((1 + 4 / 6) / 2)


def test_unknown_leaves_out_what_was_not_found(judge, fists, shown, raising):
    digits = stills(
        ["0", "1", "5", "9"],
        [(0, 1.4, ("right",)), (1, 0.3, ("right",)), (2, 0.3, ("right",))],
    )
    result = measure_unknown(Material(fists, digits, shown, [raising]), {"tiny": judge})
    figures = result.figures["tiny"]
    assert figures["unknown"]["digits 0, 7 to 9"]["count"] == 1
    assert figures["unknown"]["digits 0, 7 to 9"]["not_reported"] == 1.0
    assert figures["unknown"]["no_gesture"]["count"] == 0
    assert figures["unknown"]["signing"]["count"] > 100
    # Each digit and each clip by itself; what has no hands has no rank.
    apart = figures["apart"]
    assert {name: entry["count"] for name, entry in apart.items()} == {
        "digit 0": 1, "digit 7": 0, "digit 8": 0, "digit 9": 0,
        "0": figures["unknown"]["signing"]["count"],
    }  # fmt: skip
    assert np.isnan(apart["digit 9"]["auroc"]) and 0.0 <= apart["digit 0"]["auroc"] <= 1.0
    assert apart["0"]["auroc"] == pytest.approx(figures["auroc"]["signing"])
    assert "| tiny | digit 9 | 0 |" in result.body
    assert figures["known"]["landmarks"]["count"] == 8
    assert figures["digits"]["9"]["hand_found"] == 0.0
    assert figures["digits"]["1"]["right_most_probable"] == 0.0
    assert "Digits" in result.body
