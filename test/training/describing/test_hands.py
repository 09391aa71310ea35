"""Hands alone: shapes that are what they are called, and others that are none of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.gestures import load_vocabulary, parse_vocabulary
from training.describing.hands import (
    OTHER_HAND,
    HandBank,
    HandViewConfig,
    _known_others,
    hand_gestures,
)
from training.describing.people import hand_indices

VOCABULARY = load_vocabulary("first_light")
FRONT = HandViewConfig(roll_deg=0.0, yaw_deg=0.0, pitch_deg=0.0, back_share=0.0, aspect_share=0.0)


def test_only_held_gestures_of_one_hand_are_told_by_a_hand():
    names = {g.name for g in hand_gestures(VOCABULARY)}
    assert {"ok", "victory", "stop", "thumbs_up"} <= names
    assert names.isdisjoint({"wave", "clap", "both_hands_up", "swipe_left"})


def test_shapes_look_like_their_names():
    bank = HandBank(VOCABULARY, 0, 40, FRONT)
    rng = np.random.default_rng(1)
    left, right = hand_indices()

    def tips(name):
        keypoints, scores = bank.windows([name] * 60, 8, rng)
        hand = np.where((scores[:, 0, right[0]] > 0)[:, None, None],
                        keypoints[:, 0, right], keypoints[:, 0, left])  # fmt: skip
        palm = np.linalg.norm(hand[:, 9] - hand[:, 0], axis=-1)
        reach = np.linalg.norm(hand[:, [8, 12, 16, 20]] - hand[:, :1], axis=-1)
        return np.median(reach / palm[:, None], axis=0)

    assert (tips("stop") > 1.5).all()
    index, middle, ring, pinky = tips("victory")
    assert index > 1.5 and middle > 1.5 and ring < 1.3 and pinky < 1.3
    index, middle, ring, pinky = tips("rock")
    assert index > 1.5 and pinky > 1.3 and middle < 1.3 and ring < 1.3


def test_one_hand_of_either_side_and_no_body():
    bank = HandBank(VOCABULARY, 0, 20, HandViewConfig(second_share=0.0))
    keypoints, scores = bank.windows(["stop"] * 100, 8, np.random.default_rng(0))
    assert keypoints.shape == (100, 8, 59, 2) and (scores[:, :, :17] == 0).all()
    left, right = hand_indices()
    is_left = (scores[:, 0, left] > 0).all(axis=1)
    is_right = (scores[:, 0, right] > 0).all(axis=1)
    assert (is_left ^ is_right).all() and 0.3 < is_left.mean() < 0.7


def test_there_are_other_hands_to_draw_from():
    bank = HandBank(VOCABULARY, 0, 20)
    keypoints, _ = bank.windows([OTHER_HAND] * 10, 8, np.random.default_rng(0))
    assert np.isfinite(keypoints).all() and np.abs(keypoints).max() > 10.0
    with pytest.raises(KeyError):
        bank.windows(["wave"], 8, np.random.default_rng(0))


def test_known_gestures_that_are_no_classes_are_strange_hands():
    """Who describes a gesture of their own is shown the shipped ones, too."""
    own = parse_vocabulary(
        "format: 2\nextends: gestures\n"
        "hands:\n  round: {fingers: half, thumb: out, touch: [thumb, index]}\n"
        "  fist_again: {fingers: curled, thumb: folded}\n"
        "gestures:\n  zero: {meaning: nothing, hand: round, posture: beside}\n"
        "  hold_on: {meaning: hold, hand: fist_again, posture: low_aside}\n"
    )
    every = HandBank(own, 0, 20)._points[OTHER_HAND]
    drawn = HandBank(replace(own, others={}), 0, 20)._points[OTHER_HAND]
    # Half of them are known gestures, all as often; none of them is a class: a fist is one here.
    assert len(every) == pytest.approx(2 * len(drawn), rel=0.05)
    known = every[len(drawn) :]
    reach = np.linalg.norm(known[:, [8, 12, 16, 20]], axis=-1)
    pointing = (reach[:, 0] > 1.6) & (reach[:, 1:] < 1.4).all(axis=1)
    assert pointing.mean() == pytest.approx(1 / 12, abs=0.03)
    names = set(_known_others(own))
    assert {"four", "stop", "thumbs_up"} <= names  # a bent finger more would make ok a zero
    assert names.isdisjoint({"fist", "ok"})
    assert _known_others(load_vocabulary("gestures")) == {}
