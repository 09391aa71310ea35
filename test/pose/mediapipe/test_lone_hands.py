from __future__ import annotations

import numpy as np
import pytest
from scripted import IMAGE, ScriptedHands, hand

from bharnet_ros.pose.mediapipe.hands import Hand
from bharnet_ros.pose.mediapipe.lone_hands import LoneHands, covered


def test_a_lone_hand_is_on_the_side_that_its_thumb_says() -> None:
    for right, side in ((0.98, 1), (0.03, 0)):
        seen = hand(100, 100, right)
        lone = LoneHands(seen, smoothing=False)
        assert lone.hands[side] is seen and lone.hands[1 - side] is None
        assert lone.score() == seen.presence


def test_a_lone_hand_is_followed_until_it_is_gone() -> None:
    lone = LoneHands(hand(100, 100), smoothing=False)
    for x in (108, 116, 124):
        lone.follow(IMAGE, ScriptedHands(hand(x, 100)))
        assert [h.points[0, 0] for h in lone.seen()] == [x]
    lone.follow(IMAGE, ScriptedHands(hand(124, 100, presence=0.3)))
    assert lone.seen() == [] and lone.score() == 0.0


@pytest.mark.parametrize(
    "bad", [Hand(np.full((21, 2), np.nan), 0.9, 0.9), hand(100, 100, palm=2.0)]
)
def test_broken_and_tiny_hands_are_not_followed(bad: Hand) -> None:
    lone = LoneHands(hand(100, 100), smoothing=False)

    class Broken:
        def look(self, image: object, region: object) -> Hand:
            return bad

    lone.follow(IMAGE, Broken())
    assert lone.seen() == []


def test_the_other_hand_of_one_person_joins() -> None:
    lone = LoneHands(hand(100, 100, right=0.98), smoothing=False)
    assert lone.take(hand(200, 100, right=0.02))
    left, right = lone.hands
    assert left is not None and left.points[0, 0] == 200
    assert right is not None and right.points[0, 0] == 100


@pytest.mark.parametrize(
    "other",
    [
        hand(200, 100, right=0.97),  # the same side
        hand(300, 100, right=0.02),  # too far away
        hand(180, 100, right=0.02, palm=45.0),  # much nearer to the camera
    ],
)
def test_hands_that_cannot_be_one_persons_do_not_join(other: Hand) -> None:
    lone = LoneHands(hand(100, 100, right=0.98), smoothing=False)
    assert not lone.take(other)
    assert len(lone.seen()) == 1


def test_three_hands_are_not_one_persons() -> None:
    lone = LoneHands(hand(100, 100, right=0.98), smoothing=False)
    assert lone.take(hand(200, 100, right=0.02))
    assert not lone.take(hand(150, 150, right=0.02))


def test_one_odd_look_does_not_swap_the_side_but_many_do() -> None:
    lone = LoneHands(hand(100, 100, right=0.9), smoothing=False)
    lone.follow(IMAGE, ScriptedHands(hand(100, 100, right=0.01)))
    assert lone.hands[1] is not None
    for _ in range(40):
        lone.follow(IMAGE, ScriptedHands(hand(100, 100, right=0.01)))
    assert lone.hands[0] is not None and lone.hands[1] is None


def test_two_hands_that_become_one_are_one() -> None:
    lone = LoneHands(hand(100, 100, right=0.98), smoothing=False)
    lone.take(hand(110, 100, right=0.02))
    lone.follow(IMAGE, ScriptedHands(hand(104, 100, right=0.98)))
    assert lone.hands[0] is None and lone.hands[1] is not None


def test_a_hand_within_another_is_covered_by_it() -> None:
    large = hand(100, 100, palm=60.0)
    assert covered(hand(100, 70, palm=15.0), [large])
    assert covered(large, [hand(100, 70, palm=40.0)])
    assert not covered(large, [hand(100, 70, palm=15.0)])  # the small one is the mistake
    assert not covered(hand(300, 70, palm=15.0), [large])
    assert not covered(large, [])
