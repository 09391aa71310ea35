"""Hands cut by the border of a picture: only points beyond one straight border are lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.gestures import load_vocabulary
from training.describing.borders import cut_hands
from training.describing.hands import HandBank
from training.describing.people import hand_indices

BANK = HandBank(load_vocabulary("first_light"), 0, 20)


def windows(seed, count=60):
    return BANK.windows(["stop"] * count, 8, np.random.default_rng(seed))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_lost_lies_beyond_a_straight_border(seed):
    keypoints, scores = windows(seed)
    cut = cut_hands(keypoints, scores, 1.0, np.random.default_rng(seed))
    assert ((cut == scores) | (cut == 0.0)).all()
    for hand in hand_indices():
        for row in np.flatnonzero((scores[:, -1, hand] > 0).all(axis=1)):
            gone = cut[row, -1, hand] == 0.0
            assert 1 <= gone.sum() <= 4
            last = keypoints[row, -1, hand]
            beyond = [
                (sign * last[gone, axis]).min() > (sign * last[~gone, axis]).max()
                for axis in (0, 1)
                for sign in (-1.0, 1.0)
            ]
            assert any(beyond)


def test_mostly_the_arm_s_side_is_lost_and_only_in_the_share_asked_for():
    keypoints, scores = windows(1, 400)
    cut = cut_hands(keypoints, scores, 0.25, np.random.default_rng(2))
    first = np.array([hand[0] for hand in hand_indices()])
    shown = scores[:, -1, first] > 0
    touched = np.stack(
        [(cut[:, -1, hand] != scores[:, -1, hand]).any(axis=1) for hand in hand_indices()], axis=1
    )
    assert 0.15 < touched[shown].mean() < 0.35
    assert (cut[:, -1, first][touched] == 0.0).mean() > 0.6
    assert np.array_equal(cut_hands(keypoints, scores, 0.0, np.random.default_rng(0)), scores)
