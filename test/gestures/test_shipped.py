"""The shipped vocabularies: what they hold, and that people can play all of it."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import (
    BodyShape,
    GesturePlayer,
    Performance,
    Style,
    dump_vocabulary,
    hri_gesture,
    hri_gestures,
    load_vocabulary,
    parse_vocabulary,
    shipped_vocabularies,
)
from bharnet_ros.gestures.hri import TABLE
from bharnet_ros.gestures.posing import elbow_of, posed
from bharnet_ros.gestures.posture import ANGLES, POLE, TURN, WRIST, arm_slice
from bharnet_ros.gestures.rotations import unit
from bharnet_ros.gestures.wrist import (
    DEVIATION_DEG,
    FLEXION_DEG,
    STRAIGHT,
    TWIST_DEG,
    forearm_twist,
    wrist_angles,
)

VOCABULARY = load_vocabulary("gestures")
HELD = [g.name for g in VOCABULARY if not g.motion]
TURNED = [g.name for g in VOCABULARY if any(p.vary_elbow_deg for p in g.postures)]
seeds = st.integers(0, 2**31)


def played(seed: int, names: list[str], duration: float = 2.2) -> tuple[Performance, Style]:
    rng = np.random.default_rng(seed)
    shape, style = BodyShape.sample(rng), Style.sample(rng)
    schedule = [(n, 0.5 + k * (duration + 1.0), duration) for k, n in enumerate(names)]
    return GesturePlayer(VOCABULARY, shape, style).plan(schedule, rng), style


def test_names_and_classes() -> None:
    assert set(shipped_vocabularies()) == {"first_light", "gestures", "held_objects"}
    assert VOCABULARY.class_names[0] == VOCABULARY.background == "idle"
    assert len(VOCABULARY.actions) == 35
    wanted = (
        "thumbs_up thumbs_down stop fist point_up victory two_up ok call rock ily three "
        "three_thumb four wave left_hand_raised right_hand_raised both_hands_up arms_crossed "
        "hands_on_face come_here go_away slow_down go_on turn_around point_left point_right "
        "attention yes no finger_wag shrug clap swipe_left swipe_right"
    )
    assert VOCABULARY.actions == tuple(wanted.split())
    assert all(gesture.meaning and gesture.vary for gesture in VOCABULARY)
    assert len(VOCABULARY.everyday) >= 8
    assert not set(VOCABULARY.everyday) & set(VOCABULARY.class_names)
    for first, second in VOCABULARY.pairs:
        assert VOCABULARY[first].arm_signature() == VOCABULARY[second].arm_signature()


def test_held_hand_shapes_are_shown_in_many_places_and_turns() -> None:
    for name in VOCABULARY.actions[:14]:
        gesture = VOCABULARY[name]
        assert len(gesture.postures) >= 3
        assert len(gesture.hands) >= 2
        assert max(p.vary_turn_deg[0] for p in gesture.postures) >= 28
        assert max(max(p.vary_turn_deg) for p in gesture.postures) >= 30


def test_first_light_plays_as_when_its_bundle_was_measured() -> None:
    vocabulary = load_vocabulary("first_light")
    rng = np.random.default_rng(5)
    shape, style = BodyShape.sample(rng), Style.sample(rng)
    schedule = [("ok", 0.5, 2.2), ("wave", 3.0, 2.2), ("arms_crossed", 6.0, 2.2)]
    performance = GesturePlayer(vocabulary, shape, style).plan(schedule, rng)
    found = performance.poses(np.array([1.5, 4.1, 7.2]))[:, [0, 9, 10, 99, 120]]
    np.testing.assert_allclose(found, FIRST_LIGHT, atol=2e-9)


def test_what_is_dumped_loads_as_the_same_vocabulary() -> None:
    for name in shipped_vocabularies():
        vocabulary = load_vocabulary(name)
        text = dump_vocabulary(vocabulary)
        assert "extends" not in text
        again = parse_vocabulary(text)
        assert again == vocabulary
        assert dump_vocabulary(again) == text


@given(seed=seeds)
@settings(max_examples=6, deadline=None)
def test_people_can_play_all_of_it(seed: int) -> None:
    order = [str(n) for n in np.random.default_rng(seed).permutation(VOCABULARY.actions)]
    performance, style = played(seed, order)
    for segment in performance.segments:
        assert segment.start_s < segment.arrived_s < segment.released_s < segment.end_s
        times = np.arange(segment.start_s, segment.end_s, 1 / 30)
        poses, channels = performance.poses(times), performance.channels(times)
        assert np.isfinite(poses).all()
        speed = np.linalg.norm(np.diff(poses, axis=0), axis=2) * 30
        assert speed[:, [9, 10]].max() < 6.0, segment.class_name
        assert speed[:, :5].max() < 2.5, segment.class_name
        for side in VOCABULARY[segment.class_name].sides(style.handedness):
            arm = channels[:, arm_slice(side)]
            wrist, turns = arm[:, WRIST], unit(arm[:, TURN])
            elbow = elbow_of(wrist, arm[:, POLE], performance.shape)
            flexion, deviation = (np.rad2deg(a) for a in wrist_angles(turns, unit(wrist - elbow)))
            assert FLEXION_DEG[0] - 2 < flexion.min() <= flexion.max() < FLEXION_DEG[1] + 2
            assert DEVIATION_DEG[0] - 2 < deviation.min() <= deviation.max() < DEVIATION_DEG[1] + 2
            assert np.isfinite(arm[:, ANGLES]).all()


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_arms_stay_out_of_the_trunk_and_of_each_other(seed: int) -> None:
    both = [g.name for g in VOCABULARY if g.both]
    shapes = [str(n) for n in np.random.default_rng(seed).choice(HELD, 8)]
    performance, style = played(seed, [*both, *shapes])
    shape = performance.shape
    radii = np.array([0.068 * shape.height, 0.92 * shape.shoulder_half])
    for segment in performance.segments:
        gesture = VOCABULARY[segment.class_name]
        times = np.linspace(segment.arrived_s, segment.released_s, 8)
        poses, channels = performance.poses(times), performance.channels(times)
        for side in gesture.sides(style.handedness):
            arm = channels[:, arm_slice(side)]
            elbow = elbow_of(arm[:, WRIST], arm[:, POLE], shape)
            for point in (arm[:, WRIST], (elbow + arm[:, WRIST]) / 2):
                place = point * shape.arm - [0.0, shape.shoulder_half, 0.0]
                away = np.linalg.norm(place[:, :2] / radii, axis=1)
                assert away[place[:, 2] < -0.08].min(initial=9) > 0.9, segment.class_name
        if gesture.name == "arms_crossed":
            share = np.linspace(0, 1, 25)[:, None, None]
            left, right = (poses[:, 7 + s] + share * (poses[:, 9 + s] - poses[:, 7 + s])
                           for s in (0, 1))  # fmt: skip
            apart = np.linalg.norm(left[:, None] - right[None], axis=-1).min()
            assert apart > 0.02


@given(seed=seeds, name=st.sampled_from(TURNED))
@settings(max_examples=40, deadline=None)
def test_widely_turned_hands_stay_within_what_forearms_can_twist(seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    shape = BodyShape.sample(rng)
    gesture = VOCABULARY[name]
    for posture, hand in product(gesture.postures, gesture.hands):
        if not posture.vary_elbow_deg:
            continue
        arm = posed(posture, hand, shape, rng.uniform(-1, 1, 7), rng)
        elbow = elbow_of(arm.wrist, arm.pole, shape)
        flexion, deviation = wrist_angles(arm.turn, unit(arm.wrist - elbow))
        assert FLEXION_DEG[0] - 1e-6 <= np.rad2deg(flexion[0]) <= FLEXION_DEG[1] + 1e-6
        assert DEVIATION_DEG[0] - 1e-6 <= np.rad2deg(deviation[0]) <= DEVIATION_DEG[1] + 1e-6
        if np.linalg.norm(arm.wrist) < STRAIGHT:
            twist = np.rad2deg(forearm_twist(arm.turn, elbow, arm.wrist)[0])
            # Bringing the wrist within its limits may roll the hand by a few degrees more.
            assert TWIST_DEG[0] - 35 < twist < TWIST_DEG[1] + 35


def test_hands_really_lean_as_far_as_described() -> None:
    """An elbow that may swing lets the hand turn further than the wrist alone."""
    angles = {}
    posture = replace(VOCABULARY.postures["beside"], vary_turn_deg=(0.0, 0.0, 55.0))
    shape = BodyShape.default()
    for swing in (0.0, 50.0):
        leaning = replace(posture, vary_elbow_deg=swing)
        found = []
        for roll in (-1.0, 1.0):
            draws = np.array([0, 0, 0, 0, 0, roll, 0], dtype=float)
            arm = posed(leaning, VOCABULARY.hands["flat"], shape, draws, np.random.default_rng(0))
            along = quaternion_z(arm.turn[0])
            found.append(np.rad2deg(np.arctan2(along[1], along[2])))
        angles[swing] = abs(found[1] - found[0])
    assert angles[50.0] > 104, "nearly all of what is described"
    assert angles[50.0] > angles[0.0] + 8


def quaternion_z(q: np.ndarray) -> np.ndarray:
    w, x, y, z = q
    return np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])


@pytest.mark.parametrize(("name", "wrist"), [("left_hand_raised", 9), ("right_hand_raised", 10)])
@pytest.mark.parametrize("seed", range(4))
def test_left_and_right_are_the_persons_own(name: str, wrist: int, seed: int) -> None:
    performance, _ = played(seed, [name])
    segment = performance.segments[0]
    pose = performance.pose((segment.arrived_s + segment.released_s) / 2)
    assert pose[wrist, 2] > pose[0, 2]
    assert pose[19 - wrist, 2] < pose[5, 2]


@pytest.mark.parametrize("seed", range(4))
def test_pointing_goes_where_the_viewer_sees_it_go(seed: int) -> None:
    # The viewer's left is the person's right, where y < 0.
    for name, sign in (("point_left", -1), ("point_right", 1)):
        performance, _ = played(seed, [name])
        segment = performance.segments[0]
        pose = performance.pose((segment.arrived_s + segment.released_s) / 2)
        hand = 112 if sign < 0 else 91
        assert sign * (pose[hand + 8, 1] - pose[hand + 5, 1]) > 0.03, "the index finger points"
        assert sign * (pose[hand, 1] - pose[6 if sign < 0 else 5, 1]) > 0.25


def test_every_hri_gesture_is_one_of_ours() -> None:
    table = hri_gestures()
    assert set(table) <= set(VOCABULARY.actions)
    assert {g.value for g in table.values()} == set(range(1, 7))
    assert hri_gesture("wave") == ("WAVING", 6)
    assert hri_gesture("both_hands_up") == ("BOTH_HANDS_RAISED", 5)
    assert hri_gesture("thumbs_up") == ("OTHER", 0)
    with pytest.raises(GestureError, match="class name is empty"):
        hri_gesture("")


def test_a_class_cannot_stand_for_two_hri_gestures(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = TABLE.read_text(encoding="utf-8")
    broken = tmp_path / "table.yaml"
    broken.write_text(re.sub(r"gestures: \[arms_crossed\]", "gestures: [wave]", text))
    with pytest.raises(GestureError, match=r"table\.yaml:\d+: .*two constants"):
        hri_gestures(broken)


FIRST_LIGHT = np.array(
    [
        [
            [0.147375529, -0.004226747, 1.470067002],
            [0.209641703, 0.23997626, 1.278348839],
            [0.067163769, -0.243158373, 0.847011078],
            [0.285378587, 0.233245421, 1.37093214],
            [0.114904374, -0.190417652, 0.705590426],
        ],
        [
            [0.147814498, 0.007578935, 1.461668787],
            [0.171307829, 0.291664427, 1.310262438],
            [0.048273971, -0.242816689, 0.842816276],
            [0.199916453, 0.239642007, 1.475532692],
            [0.09227572, -0.188208503, 0.700557269],
        ],
        [
            [0.172346691, -0.009774621, 1.466768338],
            [0.268963036, -0.093457914, 1.278006532],
            [0.199045984, 0.085996008, 1.271179411],
            [0.257511233, -0.168982375, 1.434879795],
            [0.181079733, 0.170859075, 1.422577583],
        ],
    ]
)
"""Nose, wrists and two fingers, metres."""
