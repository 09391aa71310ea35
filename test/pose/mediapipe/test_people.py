"""Who is who is decided on boxes and plain numbers first; the answers are those of the formulas."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import hand, standing

from bharnet_ros.pose.mediapipe.body import CORE, Body
from bharnet_ros.pose.mediapipe.hand_tracking import SAME_PLACE
from bharnet_ros.pose.mediapipe.hand_tracking import same_place as same_hand
from bharnet_ros.pose.mediapipe.hands import Hand
from bharnet_ros.pose.mediapipe.people import (
    HAND_ROOM,
    HAND_SHARE,
    LIMBS,
    MIN_TRUNK,
    SAME_GAP,
    TORSO,
    TRUNK,
    _beside,
    lies_on,
    mere_hand,
    same_place,
)
from bharnet_ros.pose.mediapipe.regions import Region

REGION = Region(320.0, 250.0, 400.0, 0.0)
seeds = st.integers(0, 2**32 - 1)
shifts = st.tuples(st.floats(-300.0, 300.0), st.floats(-300.0, 300.0))
sizes = st.floats(0.05, 2.0)


def bodies(seed: int, shift: tuple[float, float], size: float) -> tuple[Body, Body]:
    """A standing body, and a scattered one of another size elsewhere with unsure points."""
    rng = np.random.default_rng(seed)
    first = standing((250.0, 200.0), (390.0, 200.0))
    points = (first.points - 320.0) * size + 320.0 + shift + rng.normal(0.0, 20.0 * size, (33, 2))
    scores = rng.uniform(0.0, 1.0, 33) * (rng.uniform(0.0, 1.0, 33) > 0.2)
    return first, Body(points, scores, 1.0, REGION)


def middle(body: Body) -> np.ndarray:
    return body.points[list(TORSO)].mean(axis=0)


@settings(deadline=None)
@given(seeds, shifts, sizes)
def test_two_bodies_are_one_by_the_mean_gap_of_their_core_points(
    seed: int, shift: tuple[float, float], size: float
) -> None:
    a, b = bodies(seed, shift, size)
    weights = np.sqrt(a.scores[CORE] * b.scores[CORE])
    gaps = np.hypot(*(a.points[CORE] - b.points[CORE]).T)
    near = SAME_GAP * min(a.torso_length, b.torso_length)
    expected = weights.sum() > 1.0 and bool(np.average(gaps, weights=weights) < near)
    assert same_place(a, b) == same_place(b, a) == expected


@settings(deadline=None)
@given(seeds, shifts, sizes)
def test_a_body_lies_on_another_by_the_gap_to_its_limbs(
    seed: int, shift: tuple[float, float], size: float
) -> None:
    large, small = bodies(seed, shift, size)
    gaps = [
        float(_beside(middle(small), large.points[start], large.points[end]))
        for start, end in LIMBS
    ]
    assert lies_on(small, large) == (min(gaps) < 0.25 * large.torso_length)


@settings(deadline=None)
@given(seeds, shifts, sizes, st.floats(10.0, 200.0))
def test_a_body_is_a_hand_by_the_share_of_its_trunk_in_the_hands_box(
    seed: int, shift: tuple[float, float], size: float, palm: float
) -> None:
    _, body = bodies(seed, shift, size)
    held = hand(320.0, 260.0, palm=palm)
    low, high = held.points.min(axis=0), held.points.max(axis=0)
    room = HAND_ROOM * float((high - low).max())
    trunk, weights = body.points[list(TRUNK)], body.scores[list(TRUNK)]
    within = ((trunk >= low - room) & (trunk <= high + room)).all(axis=1)
    expected = np.count_nonzero(weights) >= MIN_TRUNK and bool(
        np.average(within, weights=weights) >= HAND_SHARE
    )
    assert mere_hand(body, held) == expected


@settings(deadline=None)
@given(seeds, st.floats(-90.0, 90.0), sizes)
def test_two_hands_are_one_by_the_mean_gap_of_their_points(
    seed: int, shift: float, size: float
) -> None:
    a = hand(320.0, 260.0)
    points = (a.points - (320.0, 260.0)) * size + (320.0 + shift, 260.0)
    b = Hand(points + np.random.default_rng(seed).normal(0.0, 3.0, (21, 2)), 0.9, 0.5)
    gap = float(np.hypot(*(a.points - b.points).T).mean())
    assert same_hand(a, b) == (gap < SAME_PLACE * max(a.palm_length, b.palm_length))


def test_a_body_of_which_nothing_is_seen_is_no_hand() -> None:
    body = standing((250.0, 200.0), (390.0, 200.0))
    assert not mere_hand(Body(body.points, np.zeros(33), 1.0, REGION), hand(320.0, 260.0))
