"""Digits, asked of bundles that have classes named after some of them."""

from __future__ import annotations

import pytest

from training.measuring import digits
from training.measuring.judging import NOTHING

from .test_photographs import stills


@pytest.fixture
def shown():
    """Two fists labelled 0, an open hand labelled 7, nobody labelled 8."""
    return stills(
        ["0", "0", "7", "8"],
        [(0, 0.3, ("right",)), (1, 0.3, ("right",)), (2, 1.4, ("right",))],
    )


def test_a_digit_with_a_class_is_asked_for_by_name(judge, shown, monkeypatch):
    monkeypatch.setitem(digits.NAMES, "0", "fist")
    found = digits.measure(shown, {"tiny": judge}).figures["tiny"]
    assert found["0"]["wanted"] == "fist" and found["0"]["right"] == 1.0
    assert found["0"]["reported"] == {"fist": 2}
    # Of the others nothing may be reported.
    assert found["7"]["wanted"] == NOTHING and found["7"]["right"] == 1.0


def test_a_known_shape_shown_for_an_unknown_digit_is_wrong(judge, shown):
    found = digits.measure(shown, {"tiny": judge}).figures["tiny"]
    assert found["0"]["wanted"] == NOTHING and found["0"]["right"] == 0.0


def test_photographs_without_a_hand_are_left_out(judge, shown):
    result = digits.measure(shown, {"tiny": judge})
    entry = result.figures["tiny"]["8"]
    assert entry["hand_found"] == 0.0 and entry["right"] != entry["right"]
    assert "| tiny | 8 | (nothing) | 1 | 0.0 % | - |" in result.body
