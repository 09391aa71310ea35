"""A new gesture that a bundle takes for one of its own is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from bharnet_ros.features import FeatureConfig
from training.teaching.likeness import likenesses

NAMES = ("idle", "wave", "stop", "other")


class Engine:
    """Answers one class after the other."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def run(self, inputs):
        assert inputs["body"].shape == (1, 3, 32, 19, 1)
        assert inputs["hand"].shape == (1, 3, 32, 21, 2)
        return {"probabilities": np.eye(4)[[NAMES.index(self._answers.pop(0))]]}


def test_what_is_seen_in_many_examples_is_alike(take):
    manifest = SimpleNamespace(
        class_names=NAMES, background_class="idle", unknown_class="other", window_s=1.6,
        num_steps=32, max_gap_s=0.25, features=FeatureConfig(),
    )  # fmt: skip
    takes = [
        take("a", "a", [("greet", 1, 3), ("hurry", 4, 6)]),
        take("b", "b", [("greet", 1, 3), ("hurry", 4, 6), ("greet", 7, 9)]),
    ]
    engine = Engine("wave", "other", "wave", "idle", "stop")
    found = likenesses(takes, SimpleNamespace(manifest=manifest), engine)
    assert found == {"greet": {"wave": 2 / 3}, "hurry": {}}
