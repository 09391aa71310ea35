"""Leaving a recorder out, and curves over recordings: what the trainer is given."""

from __future__ import annotations

import numpy as np
import pytest

from training.describing.public import MISLABELLED
from training.measuring.data import Hands
from training.measuring.fewshot import draw_recordings, measure
from training.measuring.hand_shapes import by_source, framed, leave_one_out, sound
from training.measuring.hand_shapes import measure as measure_shapes
from training.measuring.shapes import shape_table


class Trainer:
    """Trains nothing and remembers what it was asked for."""

    def __init__(self, judge) -> None:
        self.judge = judge
        self.asked: list[tuple[Hands | None, bool, int]] = []

    def __call__(self, recordings, described, seed):
        self.asked.append((recordings, described, seed))
        return self.judge


def test_no_source_is_trained_on_when_it_is_asked_about(judge, fists):
    trainer = Trainer(judge)
    found = leave_one_out(fists, trainer, 3)
    assert [set(r.source) for r, _, _ in trainer.asked] == [{"b"}, {"a"}]
    assert all(described and seed == 3 for _, described, seed in trainer.asked)
    assert set(found["sources"]) == {"a", "b"}
    assert sum(entry["count"] for entry in found["sources"].values()) == len(fists)


def test_sources_and_labels_count_the_same(judge, fists):
    found = by_source(fists, judge)
    for entry in found["sources"].values():
        shares = [c["accuracy"] for c in entry["classes"].values()]
        assert entry["balanced"] == pytest.approx(np.mean(shares))
    assert found["all"]["classes"]["fist"]["accuracy"] == 1.0


def test_mislabelled_groups_are_left_out_of_the_sound_figures_only(judge, fists):
    source, label = sorted(MISLABELLED)[0]
    shape = shape_table().of_label[label]
    wrong = Hands(fists.points[:4], np.array([label] * 2 + ["rock"] * 2), np.array([source] * 4))
    found = by_source(wrong, judge)
    assert found["all"]["count"] == 4
    assert found["sound"]["count"] == 2
    assert set(found["all"]["classes"]) == {shape, "rock"}
    assert found["sound"]["accuracy"] == 0.0
    assert sound(wrong).label.tolist() == ["rock", "rock"]


def test_without_a_trainer_bundles_are_measured_as_they_are(judge, fists):
    result = measure_shapes(fists, {"tiny": judge})
    assert set(result.figures) == {"tiny"}
    assert "left out" in measure_shapes(fists, {"tiny": judge}, Trainer(judge)).figures


def test_hands_are_put_in_the_middle_of_a_picture(fists):
    points = framed(fists)
    np.testing.assert_allclose(points[:, 0], 0.5)
    np.testing.assert_allclose(np.abs(points - 0.5).max(axis=(1, 2)), 0.2, rtol=1e-5)


def test_recordings_come_from_all_recorders_in_turn(fists):
    drawn = draw_recordings(fists, 2, seed=1)
    assert sorted(drawn.label) == ["fist", "fist", "palm", "palm"]
    for label in ("fist", "palm"):
        assert set(drawn.source[drawn.label == label]) == {"a", "b"}
    again = draw_recordings(fists, 2, seed=1)
    np.testing.assert_array_equal(drawn.points, again.points)
    assert (draw_recordings(fists, 20, seed=1).label == "fist").sum() == 6


def test_the_curve_asks_for_every_number_and_way(judge, fists):
    trainer = Trainer(judge)
    result = measure(fists, fists, trainer, seed=5, draws=2, counts=(0, 1, 2))
    curve = result.figures["curve"]
    assert len(curve["recordings only"]["1"]) == len(curve["both"]["2"]) == 2
    assert curve["both"]["0"] == curve["description only"]["0"]
    assert "0" not in curve["recordings only"]
    assert len(trainer.asked) == 1 + 2 * 2 * 2
    assert [r for r, d, _ in trainer.asked if r is None and not d] == []
    assert "| recordings only | - |" in result.body
