"""What is counted when somebody does what no gesture is."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Thresholds
from training import openness
from training.config import WindowConfig
from training.evaluate import rounded
from training.labels import OUTSIDER
from training.openness import auroc, gesture_odds, open_figures
from training.replay import Judgement, true_episodes
from training.sequences import GestureSpan

S = 1_000_000_000


def _bundle(card):
    """What is asked of a bundle here: its classes and thresholds."""
    manifest = Manifest(
        name="tiny", layout="coco_wholebody_133", class_names=card.class_names,
        background_class=card.background, window_s=1.6, num_steps=16, max_gap_s=0.25,
        thresholds=Thresholds(start=0.6, end=0.3, unknown=0.5),
    )  # fmt: skip
    return SimpleNamespace(manifest=manifest)


def test_auroc_by_hand():
    assert auroc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 1.0
    assert auroc(np.array([1.0]), np.array([1.0])) == 0.5
    # Of six pairs three are right, one is a tie.
    assert auroc(np.array([2.0, 0.5]), np.array([1.0, 2.0, 0.0])) == pytest.approx(3.5 / 6.0)
    assert math.isnan(auroc(np.zeros(0), np.ones(2)))


def test_odds_that_anything_is_meant():
    actions = np.array([False, True, True, False])
    rows = np.array([
        [0.05, 0.45, 0.45, 0.05], [0.2, 0.6, 0.0, 0.2], [0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0],
    ], np.float32)  # fmt: skip
    odds = gesture_odds(rows, actions)
    assert odds[:2] == pytest.approx([math.log(9.0), math.log(1.5)], rel=1e-5)
    # Two gestures in doubt with each other are meant more surely than one that is likelier.
    assert odds.argsort().tolist() == [3, 1, 0, 2] and np.isfinite(odds).all()
    # Without a class for nothing: the most probable one against the others.
    assert gesture_odds(rows[:2], np.ones(4, bool)) == pytest.approx(
        [math.log(0.45 / 0.55), math.log(1.5)], rel=1e-5
    )
    stacked = gesture_odds(np.stack([rows, rows[::-1]]), actions)
    np.testing.assert_array_equal(stacked, [odds, odds[::-1]])


def test_an_outsider_is_no_true_episode(make_sequence):
    film = replace(make_sequence(0), spans=(GestureSpan(OUTSIDER, 0, S),))
    assert true_episodes(film, 1) == []


def test_false_starts_and_shares_by_hand(card, make_sequence, monkeypatch):
    """One film: sure of `open` from 3 s to 5 s, sure of the background until 7 s, then unsure."""
    known = make_sequence(0)
    outsider = replace(known, spans=(GestureSpan(OUTSIDER, S, 9 * S),))
    sure, idle, unsure = np.full((3, 5), 0.02, np.float32)
    sure[1], idle[0], unsure[:] = 0.92, 0.92, 0.2

    def judged(film, *_):
        if film is known:
            return {"fused": [Judgement(int(film.spans[0].end_ns), sure)]}
        times = np.arange(10, 90) * S // 10
        values = [idle if t < 3 * S or 5 * S <= t < 7 * S else sure for t in times]
        values = [unsure if t >= 7 * S else v for t, v in zip(times, values, strict=True)]
        return {"fused": [Judgement(int(t), v) for t, v in zip(times, values, strict=True)]}

    monkeypatch.setattr(openness, "tape", judged)
    bundle = _bundle(card)
    figures = open_figures([known], [outsider], card, WindowConfig(), bundle, None)
    assert figures["false_starts"] == 1
    assert figures["false_starts_per_minute"] == pytest.approx(60.0 / outsider.duration_s)
    assert figures["moments"] == 74  # 1.6 s to 8.9 s
    assert figures["action"] == pytest.approx(20 / 74, abs=0.05)
    assert figures["unknown"] == pytest.approx(20 / 74, abs=0.05)
    assert figures["action"] + figures["unknown"] + figures["background"] == pytest.approx(1.0)
    # The one known moment ties with 20 of the outsider's and beats the others.
    assert figures["auroc"] == pytest.approx((54 + 0.5 * 20) / 74)


def test_films_without_a_moment_of_an_outsider_give_no_shares(card, make_sequence, monkeypatch):
    quiet = replace(make_sequence(0), spans=())
    idle = np.array([0.92, 0.02, 0.02, 0.02, 0.02], np.float32)
    monkeypatch.setattr(
        openness, "tape", lambda film, *_: {"fused": [Judgement(int(film.stamps_ns[-1]), idle)]}
    )
    bundle = _bundle(card)
    for films in ([quiet], []):
        figures = rounded(open_figures([quiet], films, card, WindowConfig(), bundle, None))
        shares = ("unknown", "background", "action", "auroc")
        assert [figures[name] for name in shares] == [None] * 4
        assert (figures["moments"], figures["false_starts"]) == (0, 0)
        assert figures["false_starts_per_minute"] == (0.0 if films else None)
