"""Acted people under the names of the new bundle, and what a batch is made of."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from training.config import WindowConfig
from training.describing.transitions import transition_of
from training.labels import mirror_table
from training.teaching import batches
from training.teaching.batches import ActedOthers, TaughtBatches, TaughtMix
from training.teaching.recorded import index_takes
from training.windowing import ExpertInputs

NAMES = ("idle", "hurry", "wave", "other")
IDLE, HURRY, WAVE, OTHER = range(4)


class KnownGestures:
    """idle, stop, wave, fist; the number after them is of people who do something unknown."""

    class_names = ("idle", "stop", "wave", "fist")
    actions = ("stop", "wave", "fist")
    background = "idle"

    def class_id(self, name):
        return self.class_names.index(name)


def inputs(labels):
    count = len(labels)
    return ExpertInputs(
        np.zeros((count, 3, 32, 19, 1), np.float32), np.zeros((count, 3, 32, 21, 2), np.float32),
        np.array(labels, np.int64),
    )  # fmt: skip


@pytest.fixture
def acted(monkeypatch):
    def make(labels, ambiguous=()):
        stub = SimpleNamespace(batch=lambda number, size: inputs(labels))
        monkeypatch.setattr(batches, "_complete", lambda *given: SimpleNamespace())
        monkeypatch.setattr(batches, "HandBank", lambda *given: None)
        monkeypatch.setattr(batches, "Batches", lambda *given: stub)
        return ActedOthers(KnownGestures(), NAMES, IDLE, OTHER, 1, 12, (), ambiguous)

    return make


def test_known_gestures_are_something_else_but_for_those_that_are_taught(acted):
    found = acted([0, 1, 2, 3, 4, *map(transition_of, (1, 2, 4))]).batch(0, 8)
    assert found.label.tolist() == [
        IDLE, OTHER, WAVE, OTHER, OTHER, *map(transition_of, (OTHER, WAVE, OTHER)),
    ]  # fmt: skip


def test_what_looks_like_a_new_gesture_teaches_nothing(acted):
    found = acted([0, 1, 3, transition_of(3), transition_of(1)], ambiguous=("fist",)).batch(0, 5)
    assert found.label.tolist() == [IDLE, OTHER, transition_of(OTHER)]
    assert len(found.body) == len(found.hand) == 3


def test_performances_are_added_until_every_gesture_was_acted(monkeypatch):
    class Bank:
        def __init__(self, performances):
            self.performances = performances

        def ends(self, number):
            return range(self.performances // 12 if number == 3 else 1) if number else ()

    asked = []

    def act(vocabulary, performances, *rest, **options):
        asked.append(performances)
        return Bank(performances)

    monkeypatch.setattr(batches, "act", act)
    assert batches._complete(KnownGestures(), 5, 1.6, 32, 1).performances == 17
    assert asked == [5, 17]


def test_a_batch_is_half_recorded_balanced_and_the_same_for_its_number(take, acted):
    takes = [take("a_1", "a", [("hurry", 2, 5)]), take("b_1", "b", [("hurry", 2, 4)])]
    ids = {name: number for number, name in enumerate(NAMES)}
    recorded = index_takes(takes, ["a", "b"], ids, IDLE, WindowConfig())
    seen: list[int] = []
    batch = TaughtBatches(
        recorded, acted([OTHER] * 50), mirror_table(NAMES), IDLE, OTHER, 1,
        TaughtMix(recorded=0.5, gestures=0.5, passing=0.25, background=0.25), seen.append,
    )  # fmt: skip
    first = batch.batch(3, 100)
    assert len(first.label) == 100 and seen == [3]
    counts = {label: int((first.label[:50] == label).sum()) for label in set(first.label[:50])}
    assert set(counts) == {IDLE, HURRY, transition_of(HURRY)}
    assert 15 <= counts[HURRY] <= 35
    again = batch.batch(3, 100)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.body[:50], batch.batch(4, 100).body[:50])
