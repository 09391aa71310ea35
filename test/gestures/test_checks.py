"""What contradicts itself or another gesture, however it is written down."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import GesturePlayer, Style, Vocabulary, parse_vocabulary

FLAT = "{fingers: extended, thumb: alongside}"
FIST = "{fingers: curled, thumb: tucked}"
HIGH = (
    "{wrist: {forward: 0.5, inward: 0.2, up: 0}, palm: forward, fingers: up, elbow: {down: 1, "
    "outward: 0.6}}"
)
LOW = "{wrist: {forward: 0.4, inward: -0.1, up: -0.4}, palm: inward, fingers: forward, elbow: down}"


def read(gestures: str, more: str = "") -> Vocabulary:
    return parse_vocabulary(
        f"format: 2\nextends: first_light\n{more}gestures:\n{gestures}", "mine.yaml"
    )


def test_parts_written_out_in_place_are_the_same_whatever_gesture_they_stand_in() -> None:
    pair = (
        f"  one: {{meaning: x, hand: {FLAT}, posture: {HIGH}}}\n"
        f"  two: {{meaning: x, hand: {FIST}, posture: {HIGH}}}\n"
    )
    assert read(pair + "pairs: [[one, two]]\n").pairs == (("one", "two"),)
    with pytest.raises(GestureError, match="'one' and 'two' differ in more than the fingers"):
        read(pair.replace(HIGH, LOW, 1) + "pairs: [[one, two]]\n")


def test_second_hands_written_out_in_place_do_not_tell_two_gestures_apart() -> None:
    arm = f"hand: {FLAT}, posture: {HIGH}, which: both, second: {{hand: {FIST}, posture: {LOW}}}"
    twins = f"  one: {{meaning: x, {arm}}}\n  two: {{meaning: x, {arm}}}\n"
    with pytest.raises(GestureError, match="'two' and 'one' are the same gesture"):
        read(twins)
    assert len(read(twins.replace(LOW, HIGH, 1)).actions) == 2


@pytest.mark.parametrize("hands", [f"[{FLAT}, {FLAT}]", "[mine, like_mine]"])
def test_alternatives_that_are_alike_are_given_twice(hands: str) -> None:
    named = f"hands: {{mine: {FLAT}, like_mine: {FLAT}}}\n"
    with pytest.raises(GestureError, match=r"hand\[1\]: the same alternative is given twice"):
        read(f"  one: {{meaning: x, hand: {hands}, posture: {HIGH}}}\n", named)


def test_the_order_of_motions_does_not_tell_two_gestures_apart() -> None:
    wave, nod = "wave: {degrees: 20, rate_hz: 1}", "nod: {degrees: 10, rate_hz: 1}"
    arm = f"hand: {FLAT}, posture: {HIGH}"
    one = f"  one: {{meaning: x, {arm}, motion: {{{wave}, {nod}}}}}\n"
    two = f"  two: {{meaning: x, {arm}, motion: {{{nod}, {wave}}}}}\n"
    with pytest.raises(GestureError, match="'two' and 'one' are the same gesture"):
        read(one + two)
    assert len(read(one + two.replace("20", "40")).actions) == 2


@pytest.mark.parametrize(
    ("wrist", "palm", "fingers", "elbow"),
    [
        ("{forward: 0.6, inward: 0, up: 0}", "inward", "forward", "backward"),
        ("{forward: 0, inward: 0, up: -0.9}", "inward", "down", "down"),
        ("{forward: 0, inward: -0.8, up: 0.1}", "forward", "outward", "outward"),
    ],
)
def test_an_elbow_along_the_arm_is_refused(wrist: str, palm: str, fingers: str, elbow: str) -> None:
    text = (
        f"  one:\n    meaning: x\n    hand: {FLAT}\n    posture:\n      wrist: {wrist}\n"
        f"      palm: {palm}\n      fingers: {fingers}\n      elbow: {elbow}\n"
    )
    with pytest.raises(GestureError, match=r"mine\.yaml:11: .*elbow: the elbow points along"):
        read(text)


def test_elbows_keep_still_while_a_hand_is_held_whatever_side_they_are_on() -> None:
    # The least that is accepted, nearly.
    posture = LOW.replace("elbow: down", "elbow: {forward: 1, down: 1.7}")
    vocabulary = read(f"  one: {{meaning: x, hand: {FLAT}, posture: {posture}}}\n")
    for seed in range(5):
        player = GesturePlayer(vocabulary, style=Style(fidget=0.0))
        played = player.plan([("one", 1.0, 3.0)], np.random.default_rng(seed))
        segment = played.segments[0]
        times = np.arange(segment.arrived_s, segment.released_s, 1 / 60)
        elbow = played.poses(times)[:, 8]
        assert np.abs(np.diff(elbow, axis=0)).max() * 60 < 2.5
        assert elbow[:, 2].max() < played.poses(times)[:, 6, 2].min(), "it hangs"


def test_whoever_forgets_to_extend_is_told_so() -> None:
    mine = f"gestures:\n  one: {{meaning: x, hand: fist, posture: {HIGH}}}\n"
    with pytest.raises(GestureError, match=r"'background' is missing; add `extends: gestures` to"):
        parse_vocabulary(f"format: 2\n{mine}")
    with pytest.raises(GestureError, match=r"'extend' is not known here; use one of .*extends"):
        parse_vocabulary(f"format: 2\nextend: gestures\n{mine}")
