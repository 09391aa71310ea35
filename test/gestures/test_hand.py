from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.gestures.description import HandDescription
from bharnet_ros.gestures.fingers import CONTACT, bring_together, sample_angles, tip_distances
from bharnet_ros.gestures.hand import (
    FINGERS,
    LIMIT_HIGH,
    LIMIT_LOW,
    MCP,
    PIP,
    HandShape,
    hand_points,
)
from bharnet_ros.gestures.loading import load_vocabulary

HANDS = {**load_vocabulary("gestures").hands, **load_vocabulary().hands}
BONES = [(0, 1), (1, 2), (2, 3), (3, 4)] + [
    (a, b) for k in (5, 9, 13, 17) for a, b in ((0, k), (k, k + 1), (k + 1, k + 2), (k + 2, k + 3))
]
seeds = st.integers(0, 2**31)


def lengths(points: np.ndarray) -> np.ndarray:
    a, b = np.array(BONES).T
    return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1)


@given(seeds)
def test_any_angles_leave_the_bones_as_long_as_they_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = HandShape.sample(rng)
    angles = rng.uniform(LIMIT_LOW, LIMIT_HIGH, (5, 21))
    found = lengths(hand_points(angles, shape))
    np.testing.assert_allclose(found, np.broadcast_to(found[0], found.shape), atol=1e-12)
    np.testing.assert_allclose(found[0, 5:8], shape.phalanges[0], atol=1e-12)
    assert found[0, 8] == pytest.approx(1.0), "wrist to middle knuckle is the unit of length"


def test_hand_has_human_proportions() -> None:
    straight = hand_points(np.zeros(21), HandShape())
    assert 1.85 < straight[12, 2] < 2.05, "wrist to middle tip in palm lengths"
    tips = straight[[8, 12, 16, 20], 2]
    assert tips.argmax() == 1
    assert tips.argmin() == 3
    assert straight[5, 1] > straight[9, 1] > straight[13, 1] > straight[17, 1]


def test_flexing_bends_towards_the_palm_and_spreading_towards_the_thumb() -> None:
    angles = np.zeros((3, 21))
    angles[1, MCP] = 0.5
    angles[2, 3] = 0.2
    tip = hand_points(angles, HandShape())[:, 8]
    assert tip[1, 0] > tip[0, 0] + 0.3
    assert tip[2, 1] > tip[0, 1] + 0.1


@pytest.mark.parametrize("name", sorted(HANDS))
@given(seed=seeds)
@settings(max_examples=25)
def test_described_hands_stay_within_joint_limits(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = sample_angles(HANDS[name], HandShape.sample(rng), rng)
    assert np.all(angles >= LIMIT_LOW)
    assert np.all(angles <= LIMIT_HIGH)


@pytest.mark.parametrize("name", sorted(HANDS))
def test_fingers_are_as_described(name: str) -> None:
    hand = HANDS[name]
    rng = np.random.default_rng(1)
    shape = HandShape()
    points = hand_points(np.stack([sample_angles(hand, shape, rng) for _ in range(50)]), shape)
    for k, state in enumerate(hand.fingers):
        base = 5 + 4 * k
        straight = np.linalg.norm(points[:, base + 3] - points[:, base], axis=-1)
        share = straight / shape.phalanges[k].sum()
        if state == "extended":
            assert share.min() > 0.93
        elif state == "curled":
            assert share.max() < 0.62
        elif state == "bent":
            assert 0.45 < share.mean() < 0.75
        elif FINGERS[k] not in hand.touch:
            assert 0.5 < share.mean() < 0.98


@given(seed=seeds)
@settings(max_examples=60)
def test_ok_tips_touch_on_every_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = HandShape.sample(rng)
    points = hand_points(sample_angles(HANDS["ok"], shape, rng), shape)
    gap = np.linalg.norm(points[4] - points[8])
    assert gap < 0.07, "about a fingertip's thickness, in palm lengths"
    assert gap > 0.3 * CONTACT, "tips are solid"
    # A ring, not a pinch of flat fingers: joints of thumb and finger keep apart.
    assert np.linalg.norm(points[6] - points[3]) > 0.25


def test_touching_moves_only_the_two_that_touch() -> None:
    rng = np.random.default_rng(0)
    start = sample_angles(HANDS["relaxed"], HandShape(), rng)
    end = bring_together(start, HandShape(), ("thumb", "middle"))
    changed = np.flatnonzero(end != start)
    assert set(changed) <= {4, 5, 6, 7, 16, 17, 18, 19, 20}
    points = hand_points(end, HandShape())
    assert np.linalg.norm(points[4] - points[12]) < 0.11


@given(
    seed=seeds, state=st.sampled_from(["half", "slight", "bent", "hooked", "relaxed"]),
    thumb=st.sampled_from(["out", "folded", "relaxed", "across", "tucked"]),
    fingers=st.sets(st.sampled_from(FINGERS), min_size=2),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_several_tips_meet_the_thumb(
    seed: int, state: str, thumb: str, fingers: set[str]
) -> None:
    touch = ("thumb", *(name for name in FINGERS if name in fingers))
    hand = HandDescription("o", (state,) * 4, thumb, (0.0, 8.0), touch)
    shape = HandShape.sample(np.random.default_rng(seed))
    angles = sample_angles(hand, shape, np.random.default_rng(seed))
    assert (angles >= LIMIT_LOW).all() and (angles <= LIMIT_HIGH).all()
    points = hand_points(angles, shape)
    tips = [8 + 4 * FINGERS.index(name) for name in touch[1:]]
    gaps = np.linalg.norm(points[4] - points[tips], axis=-1)
    assert np.allclose(gaps, tip_distances(touch[1:]), atol=0.03)


def test_the_thumb_stands_in_the_middle_of_the_tips() -> None:
    assert tip_distances(("ring",)) == pytest.approx([CONTACT])
    first, second, third = tip_distances(("index", "middle", "ring"))
    assert second == pytest.approx(CONTACT) and first == pytest.approx(third)
    assert first > 2.0 * second


def test_thumb_states_are_told_apart_by_where_the_tip_is() -> None:
    tips = {}
    for name in ("fist", "thumb_up", "open", "flat"):
        rng = np.random.default_rng(3)
        angles = np.stack([sample_angles(HANDS[name], HandShape(), rng) for _ in range(20)])
        tips[name] = hand_points(angles, HandShape())[:, 4].mean(axis=0)
    assert tips["fist"][1] < 0.3, "folded over the fingers"
    assert tips["thumb_up"][1] > 1.0, "square to the fingers"
    assert tips["open"][1] > tips["flat"][1] + 0.3
    assert np.rad2deg(LIMIT_HIGH[PIP]) > 100
