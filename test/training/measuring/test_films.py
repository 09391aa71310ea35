"""Films to measure with: planned alike everywhere, made once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from training.measuring import films
from training.measuring.films import DRAWN, IDLE, make_set, plan_set, set_folder
from training.measuring.reaction import film_stops
from training.sequences import KeypointSequence, save_sequence


@pytest.fixture(scope="module")
def vocabulary():
    return load_vocabulary("first_light")


def test_nobody_moves_in_idle_films_and_everybody_is_somebody_else(vocabulary):
    plans = plan_set(IDLE, vocabulary, 7)
    assert sum(plan.duration_s for plan in plans) == 3600.0
    assert all(plan.schedule == () for plan in plans)
    assert len({plan.actor for plan in plans}) == len(plans)
    assert plans == plan_set(IDLE, vocabulary, 7)
    assert plans != plan_set(IDLE, vocabulary, 8)


def test_gestures_are_dealt_like_cards(vocabulary):
    plans = plan_set(DRAWN, vocabulary, 7)
    counts = Counter(name for plan in plans for name, _, _ in plan.schedule)
    assert set(counts) == set(vocabulary.actions)
    assert max(counts.values()) - min(counts.values()) <= 1
    for plan in plans:
        ends = [start + length for _, start, length in plan.schedule]
        assert all(b[1] > a for a, b in zip(ends, plan.schedule[1:], strict=False))
        assert ends[-1] <= plan.duration_s - 0.5
    turned = sum(abs(plan.yaw_deg) > 30.0 for plan in plans)
    assert 0 < turned < len(plans) / 2


def test_a_gesture_that_is_not_there_is_refused(vocabulary):
    with pytest.raises(ConfigurationError, match="has no gesture moonwalk"):
        plan_set(replace(DRAWN, classes=("moonwalk",)), vocabulary, 7)


def test_other_descriptions_are_other_films(vocabulary, tmp_path):
    other = load_vocabulary("gestures")
    assert set_folder(DRAWN, vocabulary, 7, tmp_path) != set_folder(DRAWN, other, 7, tmp_path)
    assert set_folder(IDLE, vocabulary, 7, tmp_path) != set_folder(IDLE, vocabulary, 8, tmp_path)
    fewer = replace(IDLE, scenes=3)
    assert set_folder(IDLE, vocabulary, 7, tmp_path) == set_folder(fewer, vocabulary, 7, tmp_path)


def test_films_of_another_estimator_are_other_films(vocabulary, tmp_path, monkeypatch):
    before = set_folder(IDLE, vocabulary, 7, tmp_path)
    monkeypatch.setattr("training.measuring.films.estimator_digest", lambda: "another")
    assert set_folder(IDLE, vocabulary, 7, tmp_path) != before


def test_a_film_is_made_once(tmp_path, monkeypatch):
    made = []

    def quick(job):
        _, plan, _, folder = job
        made.append(plan.number)
        sequence = KeypointSequence(
            "coco_wholebody_133", np.arange(3), np.zeros((3, 133, 2), np.float32),
            np.zeros((3, 133), np.float32), np.zeros((0, 133, 2), np.float32), (),
            {"number": plan.number},
        )  # fmt: skip
        save_sequence(folder / plan.file_name, sequence)
        return plan.number

    monkeypatch.setattr(films, "make_film", quick)
    first = make_set(replace(IDLE, scenes=2), "first_light", 7, tmp_path)
    assert [s.info["number"] for s in first] == [0, 1]
    make_set(replace(IDLE, scenes=3), "first_light", 7, tmp_path)
    assert made == [0, 1, 2]


def test_stops_have_an_arrival_between_start_and_release(vocabulary):
    sequences, stops = film_stops(vocabulary, seed=7, people=2)
    assert len(sequences) == 2
    assert len(stops) >= 6
    for stop in stops:
        assert stop.start_s <= stop.arrived_s <= stop.released_s
    steps = np.diff(sequences[0].stamps_ns) / 1e9
    assert np.median(steps) == pytest.approx(1 / 30, rel=0.1)
    assert {span.class_name for span in sequences[0].spans} == {"stop"}
