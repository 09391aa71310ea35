"""Shares, intervals and the AUROC, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.measuring.figures import auroc, overall, per_class, share_right, wilson


def test_wilson_by_hand():
    # 8 of 10: (0.8 + 0.19207 -+ 1.96 * sqrt(0.016 + 0.009604)) / 1.38416
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-3)
    assert high == pytest.approx(0.9433, abs=1e-3)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 5)[1] == pytest.approx(1.0)


def test_auroc_counts_pairs():
    # 0.9 beats both, 0.4 beats one and ties with the other: (1 + 1 + 1 + 0.5) / 4
    assert auroc(np.array([0.9, 0.4]), np.array([0.4, 0.1])) == pytest.approx(0.875)


def test_per_class_counts_right_and_confusions():
    classes = per_class(["a", "a", "b"], ["a", "c", "d"], [{"a"}, {"a"}, {"b", "d"}])
    assert classes["a"] == {"count": 2, "right": 1, "accuracy": 0.5, "taken_for": {"c": 1}}
    assert classes["b"]["accuracy"] == 1.0
    assert overall(classes)["accuracy"] == pytest.approx(2 / 3)
    assert overall(classes)["count"] == 3


def test_nothing_has_no_share():
    assert math.isnan(share_right([]))
    assert math.isnan(overall({})["accuracy"])
