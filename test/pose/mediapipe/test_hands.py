"""Hand regions, and which hands are believed; the networks are replaced by scripted ones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import IMAGE, ScriptedHands, hand_shape, standing

from bharnet_ros.pose.mediapipe.hand_tracking import HandPair, same_place
from bharnet_ros.pose.mediapipe.hands import Hand, region_from_points, region_from_pose

LEFT_AT, RIGHT_AT = (420.0, 240.0), (220.0, 240.0)


def left_hand(presence: float = 0.9) -> Hand:
    return Hand(hand_shape(*LEFT_AT), presence, 0.02)


def right_hand(presence: float = 0.9) -> Hand:
    return Hand(hand_shape(*RIGHT_AT), presence, 0.98)


@given(st.floats(50, 500), st.floats(50, 400), st.floats(5, 80), st.floats(-3.1, 3.1))
def test_region_from_points_turns_the_hand_upright_and_holds_it(
    x: float, y: float, palm: float, angle: float
) -> None:
    points = hand_shape(x, y, palm, angle)
    region = region_from_points(points)
    local = region.unproject(points)
    assert (local > 0.0).all() and (local < 1.0).all()
    assert local[9, 1] < local[0, 1]
    assert abs(local[9, 0] - local[0, 0]) < 0.05


@given(st.floats(50, 500), st.floats(50, 400), st.floats(5, 80), st.floats(-3.1, 3.1))
def test_region_from_pose_holds_the_hand(x: float, y: float, palm: float, angle: float) -> None:
    points = hand_shape(x, y, palm, angle)
    local = region_from_pose(points[0], points[5], points[17]).unproject(points)
    assert (local > 0.0).all() and (local < 1.0).all()


def test_both_hands_are_found_and_then_followed_without_the_pose() -> None:
    networks = ScriptedHands(left_hand(), right_hand())
    pair, body = HandPair(), standing(LEFT_AT, RIGHT_AT)
    for _ in range(3):
        left, right = pair.update(IMAGE, networks, body)
        assert left is networks.hands[0] and right is networks.hands[1]
    assert networks.centred == 2


def test_a_hand_far_from_the_poses_wrist_is_not_this_persons() -> None:
    stranger = Hand(hand_shape(LEFT_AT[0] + 45.0, LEFT_AT[1]), 0.9, 0.02)
    networks = ScriptedHands(stranger)
    left, _ = HandPair().update(IMAGE, networks, standing(LEFT_AT, RIGHT_AT))
    assert left is None


@pytest.mark.parametrize("presence", [0.2, math.nan])
def test_a_hand_without_presence_is_missing(presence: float) -> None:
    networks = ScriptedHands(left_hand(presence))
    left, _ = HandPair().update(IMAGE, networks, standing(LEFT_AT, RIGHT_AT))
    assert left is None


@pytest.mark.parametrize("palm", [1.0, 90.0])
def test_a_hand_of_impossible_size_is_refused(palm: float) -> None:
    networks = ScriptedHands(Hand(hand_shape(*LEFT_AT, palm=palm), 0.9, 0.02))
    left, _ = HandPair().update(IMAGE, networks, standing(LEFT_AT, RIGHT_AT))
    assert left is None


def test_one_hand_seen_twice_goes_to_the_side_it_fits() -> None:
    one = Hand(hand_shape(320.0, 240.0), 0.9, 0.03)
    body = standing((318.0, 240.0), (322.0, 240.0))
    left, right = HandPair().update(IMAGE, ScriptedHands(one), body)
    assert left is one and right is None


def test_a_followed_hand_that_runs_onto_the_other_is_looked_for_again() -> None:
    pair, body = HandPair(), standing(LEFT_AT, RIGHT_AT)
    networks = ScriptedHands(left_hand(), right_hand())
    pair.update(IMAGE, networks, body)
    for _ in range(2):
        left, right = pair.update(IMAGE, networks, body)
        assert left is not None and right is not None and not same_place(left, right)


def test_a_hand_the_pose_does_not_see_is_not_looked_for() -> None:
    body = standing(LEFT_AT, RIGHT_AT)
    body.scores[[15, 16]] = 0.0
    networks = ScriptedHands(left_hand(), right_hand())
    assert HandPair().update(IMAGE, networks, body) == [None, None]
    assert networks.centred == 0


def test_a_followed_hand_moves_with_the_poses_wrist() -> None:
    pair = HandPair()
    pair.update(IMAGE, ScriptedHands(left_hand()), standing(LEFT_AT, RIGHT_AT))
    far = (LEFT_AT[0], LEFT_AT[1] - 90.0)
    moved = ScriptedHands(Hand(hand_shape(*far), 0.9, 0.02))
    left, _ = pair.update(IMAGE, moved, standing(far, RIGHT_AT))
    assert left is moved.hands[0]


def test_torso_length_of_a_person_seen_from_the_side_is_its_height() -> None:
    assert standing(LEFT_AT, RIGHT_AT).torso_length == pytest.approx(100.0)
