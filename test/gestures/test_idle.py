"""Hands between gestures: what their rests describe is what they do."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.gestures import GesturePlayer, Style, parse_vocabulary
from bharnet_ros.gestures.posture import TURN, WRIST, arm_slice

RESTING = """\
format: 2
background: idle
hands: {open: {fingers: extended, thumb: out}}
postures:
  low:
    {wrist: {forward: 0.45, inward: 0, up: -0.3}, palm: down, fingers: {forward: 1, inward: 0.5},
     elbow: {down: 1, outward: 0.5}}
gestures:
  high: {meaning: up, hand: open, posture: {wrist: {forward: 0.5, inward: 0, up: 0.2},
    palm: forward, fingers: up, elbow: {down: 1, outward: 0.5}}}
idle: {rests: {low: {hand: open, posture: low, weight: 1, which: WHICHMOTION}}}
"""
DRUM = ", motion: {bounce: {toward: up, length: 0.1, rate_hz: 1.5}}"
RAISE = ", motion: {raise: {toward: up, length: 0.2}}"
SWIPE = ", motion: {swipe: {toward: left, length: 0.3}}"


def played(motion: str, which: str = "both", fidget: float = 0.0) -> np.ndarray:
    """(N, channels) of a person who rests for 4 s, makes a gesture and rests again."""
    text = RESTING.replace("MOTION", motion).replace("WHICH", which)
    player = GesturePlayer(parse_vocabulary(text), style=Style(tremor=0.0, fidget=fidget))
    plan = player.plan([("high", 4.0, 2.0)], np.random.default_rng(1), 12.0)
    return plan.channels(np.arange(0.0, 12.0, 0.02))


def heights(channels: np.ndarray, side: int) -> np.ndarray:
    return channels[:, arm_slice(side)][:, WRIST][:, 2]


@pytest.mark.parametrize("side", [0, 1])
def test_a_rest_with_a_motion_moves_before_and_after_a_gesture(side: int) -> None:
    found = heights(played(DRUM), side)
    still = heights(played(""), side)
    for part in (slice(20, 190), slice(310, 600)):
        assert np.ptp(found[part]) > 0.06 > 2 * np.ptp(still[part])


def test_hands_that_rest_together_move_together() -> None:
    channels = played(DRUM)
    left, right = heights(channels, 0)[:190], heights(channels, 1)[:190]
    assert np.corrcoef(left, right)[0, 1] > 0.95


@pytest.mark.parametrize("motion", [DRUM, RAISE, SWIPE])
@pytest.mark.parametrize("which", ["one", "both"])
def test_no_motion_of_a_rest_makes_an_arm_jump(motion: str, which: str) -> None:
    for fidget in (0.0, 1.0):
        channels = played(motion, which, fidget)
        for side in (0, 1):
            arm = channels[:, arm_slice(side)]
            assert np.abs(np.diff(arm[:, WRIST], axis=0)).max() < 0.07
            assert np.abs(np.diff(arm[:, TURN], axis=0)).max() < 0.12
