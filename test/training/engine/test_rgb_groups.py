from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from training.engine.rgb_groups import confused_groups, group_ids
from training.engine.scores import Scores

NAMES = ("idle", "cup", "phone", "book", "ball", "wave")


def _scores(taken: list[tuple[int, int, int]]) -> Scores:
    """(label, taken for, how often)."""
    label = np.concatenate([np.full(n, a) for a, _, n in taken])
    said = np.concatenate([np.full(n, b) for _, b, n in taken])
    fused = np.eye(len(NAMES), dtype=np.float32)[said]
    ones = np.ones(len(label), np.float32)
    return Scores(fused, fused, fused, ones, label, np.array([""] * len(label)))


def test_what_is_confused_belongs_together_and_with_its_others() -> None:
    scores = _scores(
        [(0, 0, 20), (1, 1, 5), (1, 2, 5), (2, 2, 10), (3, 4, 4), (3, 3, 6), (4, 4, 7), (4, 5, 3),
         (5, 5, 9), (5, 0, 1)]
    )  # fmt: skip
    groups = confused_groups(scores, NAMES, 0.2)
    assert groups == (("cup", "phone"), ("book", "ball", "wave"))
    assert confused_groups(scores, NAMES, 0.35) == (("cup", "phone"), ("book", "ball"))
    assert group_ids(groups, NAMES) == [[1, 2], [3, 4, 5]]


def test_nothing_to_decide_is_told() -> None:
    with pytest.raises(ConfigurationError, match="confused_share"):
        confused_groups(_scores([(0, 0, 9), (1, 1, 9), (1, 2, 1)]), NAMES, 0.2)
    with pytest.raises(ConfigurationError, match="'mug'"):
        group_ids((("cup", "mug"),), NAMES)
