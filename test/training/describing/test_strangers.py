"""Hands that are none of the known ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.gestures.description import HandDescription
from training.describing.hands import hand_gestures
from training.describing.strangers import draw_hand, straightness, unlike

KNOWN = [hand for g in hand_gestures(load_vocabulary("gestures")) for hand in g.hands]
OPEN = ("extended",) * 4


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([0.0, 0.4, 1.0]))
def test_drawn_hands_are_none_of_the_known_ones(seed, near):
    drawn = draw_hand(KNOWN, np.random.default_rng(seed), near)
    assert drawn.fingers == ("relaxed",) * 4 or unlike(drawn, KNOWN)


def test_a_thumb_alone_hardly_makes_another_hand():
    stop = HandDescription("stop", OPEN, "out")
    assert not unlike(HandDescription("flat", OPEN, "alongside"), [stop])
    assert unlike(HandDescription("fist", ("curled",) * 4, "folded"), [stop])


def test_the_finger_that_the_thumb_touches_makes_another_hand():
    four = HandDescription("four", OPEN, "across")
    fingers = ("extended", "extended", "half", "extended")
    assert not unlike(HandDescription("loose", fingers, "across"), [four])
    assert unlike(HandDescription("met", fingers, "across", touch=("thumb", "ring")), [four])
    same = HandDescription("same", fingers, "across", touch=("thumb", "ring"))
    assert not unlike(same, [same])


def test_near_ones_differ_in_one_finger_from_a_known_one():
    rng = np.random.default_rng(0)
    drawn = [draw_hand(KNOWN, rng, 1.0) for _ in range(60)]
    known = np.stack([straightness(hand)[:4] for hand in KNOWN])
    differing = [
        (np.abs(straightness(hand)[:4] - known) > 0.01).sum(axis=1).min() for hand in drawn
    ]
    assert max(differing) <= 1
    assert 0.2 < np.mean([bool(hand.touch) for hand in drawn]) < 0.9
