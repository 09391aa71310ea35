"""What a rule for unknowns is chosen by: acted windows, for bundles that can judge them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.gestures import load_vocabulary
from training.measuring import acted_hands
from training.measuring.judging import open_judge


@pytest.fixture(scope="module")
def shipped():
    return open_judge("gestures")


def test_gestures_rank_above_what_is_none_and_the_same_seed_gives_the_same(shipped, monkeypatch):
    monkeypatch.setattr(acted_hands, "WINDOWS", 500)
    monkeypatch.setattr(acted_hands, "PEOPLE", 12)
    vocabulary = load_vocabulary("gestures")
    found = acted_hands.rankings(shipped, vocabulary, 1)
    assert set(found) == {"odds", "largest"}
    assert all(0.9 < value <= 1.0 for value in found.values())
    assert acted_hands.rankings(shipped, vocabulary, 1) == found
    upside_down = replace(shipped, engine=_Inverted(shipped.engine))
    assert acted_hands.rankings(upside_down, vocabulary, 1)["odds"] < 0.5


def test_only_bundles_of_the_vocabulary_are_asked(shipped, judge):
    vocabulary = load_vocabulary("gestures")
    assert acted_hands.can_judge(shipped, vocabulary)
    assert not acted_hands.can_judge(judge, vocabulary)


class _Inverted:
    """An engine that believes the opposite."""

    def __init__(self, engine):
        self._engine = engine
        self.inputs = engine.inputs

    def run(self, inputs):
        rows = 1.0 - self._engine.run(inputs)["probabilities"]
        return {"probabilities": (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)}
