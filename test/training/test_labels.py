"""Which label a window gets, and what a mirror makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from training.labels import (
    IGNORE,
    OTHER,
    OUTSIDER,
    UNMIRRORED,
    label_times,
    mirror_table,
    mirrored_classes,
)
from training.sequences import GestureSpan

IDS = {"idle": 0, "ok": 1, "wave": 2}


def _labels(seconds, spans, visible=0.5, after=0.4):
    times = np.array([round(s * 1e9) for s in seconds], np.int64)
    named = [GestureSpan(n, round(a * 1e9), round(b * 1e9)) for n, a, b in spans]
    return label_times(times, named, IDS, 0, visible, after).tolist()


def test_the_life_of_a_gesture():
    spans = [("ok", 2.0, 4.0)]
    assert _labels([1.9], spans) == [0]
    assert _labels([2.0, 2.3, 2.49], spans) == [IGNORE] * 3
    assert _labels([2.5, 3.0, 4.0], spans) == [1, 1, 1]
    assert _labels([4.1, 4.4], spans) == [IGNORE, IGNORE]
    assert _labels([4.5, 9.0], spans) == [0, 0]


def test_a_gesture_outweighs_the_border_of_the_one_before():
    spans = [("ok", 1.0, 2.0), ("wave", 2.0, 3.0)]
    assert _labels([1.9, 2.1, 2.6], spans, visible=0.5, after=1.0) == [1, IGNORE, 2]


def test_a_short_gesture_counts_from_its_middle():
    assert _labels([1.2, 1.3], [("ok", 1.0, 1.5)], visible=0.6) == [IGNORE, 1]


def test_an_outsider_follows_the_same_rule_and_is_no_class():
    spans = [(OUTSIDER, 1.0, 3.0), ("ok", 3.0, 5.0)]
    assert _labels([0.9, 1.2, 1.5, 3.0], spans) == [0, IGNORE, OTHER, OTHER]
    assert _labels([3.2, 3.6, 5.2, 5.6], spans) == [IGNORE, 1, IGNORE, 0]


def test_unknown_gesture_is_named():
    with pytest.raises(ConfigurationError, match="salute"):
        _labels([1.0], [("salute", 0.0, 2.0)])


def test_mirror_swaps_left_and_right_only():
    names = ["idle", "swipe_left", "ok", "swipe_right"]
    assert mirrored_classes(names).tolist() == [0, 3, 2, 1]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("turn left", "turn right"), ("Left-hand", "Right-hand"), ("pointLeft", "pointRight"),
        ("leftHandUp", "rightHandUp"), ("LEFT", "RIGHT"),
        ("from_left_to_right", "from_right_to_left"), ("links (left)", "links (right)"),
    ],
)  # fmt: skip
def test_sides_are_found_however_names_are_written(left, right):
    assert mirror_table(["idle", left, right]).tolist() == [0, 2, 1]
    assert mirror_table(["idle", left]).tolist() == [0, UNMIRRORED]


def test_words_that_hold_a_side_are_not_sided():
    names = ["upright", "bright", "leftover", "copyright", "cleft", "Wright", "alleft"]
    assert mirror_table(names).tolist() == list(range(len(names)))


def test_mirroring_twice_changes_nothing_in_the_shipped_vocabulary():
    names = load_vocabulary().class_names
    mirrored = mirrored_classes(names)
    assert mirrored[mirrored].tolist() == list(range(len(names)))
    assert (mirrored != np.arange(len(names))).sum() == 2


def test_a_side_without_its_partner_is_refused():
    with pytest.raises(ConfigurationError, match="swipe_right"):
        mirrored_classes(["idle", "swipe_left"])
