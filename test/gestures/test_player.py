from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import BodyShape, GesturePlayer, Performance, Style, load_vocabulary
from bharnet_ros.gestures.arm import MAX_REACH, MIN_REACH
from bharnet_ros.gestures.hand import LIMIT_HIGH, LIMIT_LOW
from bharnet_ros.gestures.player import MIN_DURATION_S
from bharnet_ros.gestures.posture import ANGLES, arm_slice

VOCABULARY = load_vocabulary()
seeds = st.integers(0, 2**31)
LEFT, RIGHT = slice(91, 112), slice(112, 133)
BODY = slice(0, 91)

_HAND = [(0, 1), (1, 2), (2, 3), (3, 4)] + [
    (a, b) for k in (5, 9, 13, 17) for a, b in ((0, k), (k, k + 1), (k + 1, k + 2), (k + 2, k + 3))
]
BONES = np.array(
    [(5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16)]
    + [(15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22), (1, 2), (0, 3), (0, 31)]
    + [(31, 45), (3, 4), (23, 39), (51, 71)]
    + [(91 + a, 91 + b) for a, b in _HAND]
    + [(112 + a, 112 + b) for a, b in _HAND]
)
# Faster than this no part of an unhurried person moves, metres per second (top of ordinary
# reaching and waving; the fingers ride on the hand, the hand on the arm).
FASTEST = {"head": 2.0, "elbow": 6.0, "wrist": 6.0, "hand": 11.0, "trunk": 1.0, "legs": 1.0}
PARTS = {
    "head": [*range(5), *range(23, 91)], "trunk": [5, 6, 11, 12], "elbow": [7, 8],
    "wrist": [9, 10], "legs": [*range(13, 23)], "hand": [*range(91, 133)],
}  # fmt: skip


def actor(seed: int, **style: object) -> tuple[GesturePlayer, np.random.Generator]:
    rng = np.random.default_rng(seed)
    shape, manner = BodyShape.sample(rng), Style.sample(rng)
    if style:
        manner = Style(**{**vars(manner), **style})  # type: ignore[arg-type]
    return GesturePlayer(VOCABULARY, shape, manner), rng


def sequence(
    seed: int, names: tuple[str, ...], duration: float = 2.2, **style: object
) -> Performance:
    player, rng = actor(seed, **style)
    gap = float(rng.uniform(0.6, 3.0))
    return player.plan(
        [(n, 0.5 + k * (duration + gap), duration) for k, n in enumerate(names)], rng
    )


@given(seed=seeds)
@settings(max_examples=12, deadline=None)
def test_bones_keep_their_lengths_through_every_gesture(seed: int) -> None:
    order = tuple(np.random.default_rng(seed).permutation(VOCABULARY.actions))
    performance = sequence(seed, order)
    poses = performance.poses(np.arange(0, performance.end_s, 1 / 15))
    assert poses.shape[1:] == (133, 3)
    assert np.isfinite(poses).all()
    length = np.linalg.norm(poses[:, BONES[:, 0]] - poses[:, BONES[:, 1]], axis=2)
    assert np.ptp(length, axis=0).max() < 1e-9
    shape = performance.shape
    np.testing.assert_allclose(length[0, [1, 3]], shape.upper_arm)
    np.testing.assert_allclose(length[0, [2, 4]], shape.forearm)
    # The hand hangs on the arm: body wrist and hand wrist are one point.
    np.testing.assert_array_equal(poses[:, 9], poses[:, 91])
    np.testing.assert_array_equal(poses[:, 10], poses[:, 112])
    # Feet stay where they are, on the floor.
    assert np.ptp(poses[:, 15:23], axis=0).max() < 1e-6
    assert poses[..., 2].min() > -1e-9


@given(seed=seeds)
@settings(max_examples=12, deadline=None)
def test_nothing_moves_faster_than_people_do(seed: int) -> None:
    order = tuple(np.random.default_rng(seed).permutation(VOCABULARY.actions))
    performance = sequence(seed, order, duration=1.6)
    rate = 60
    poses = performance.poses(np.arange(0, performance.end_s, 1 / rate))
    speed = np.linalg.norm(np.diff(poses, axis=0), axis=2) * rate
    for part, joints in PARTS.items():
        assert speed[:, joints].max() < FASTEST[part], part


@given(seed=seeds)
@settings(max_examples=12, deadline=None)
def test_joints_stay_within_their_limits(seed: int) -> None:
    order = tuple(np.random.default_rng(seed).permutation(VOCABULARY.actions))
    performance = sequence(seed, order)
    times = np.arange(0, performance.end_s, 1 / 30)
    channels, poses = performance.channels(times), performance.poses(times)
    for side in (0, 1):
        angles = channels[:, arm_slice(side)][:, ANGLES]
        # Cubics between planned angles may overshoot by a hair.
        assert (angles - LIMIT_LOW).min() > -0.02
        assert (LIMIT_HIGH - angles).min() > -0.02
        reach = np.linalg.norm(poses[:, 9 + side] - poses[:, 5 + side], axis=1)
        assert reach.max() <= MAX_REACH * performance.shape.arm + 1e-9
        assert reach.min() >= MIN_REACH * performance.shape.arm - 1e-9
    head = poses[:, 0] - (poses[:, 3] + poses[:, 4]) / 2
    shoulders = poses[:, 5] - poses[:, 6]
    turned = np.arcsin(
        np.einsum("ni,ni->n", head, shoulders)
        / np.linalg.norm(head, axis=1) / np.linalg.norm(shoulders, axis=1)
    )  # fmt: skip
    assert np.rad2deg(np.abs(turned)).max() < 80, "no head turns further than a neck allows"


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_hands_stay_out_of_the_trunk(seed: int) -> None:
    order = tuple(np.random.default_rng(seed).permutation(VOCABULARY.actions))
    performance = sequence(seed, order)
    poses = performance.poses(np.arange(0, performance.end_s, 1 / 30))
    middle = (poses[:, 11] + poses[:, 12]) / 2
    side = poses[:, 5] - poses[:, 6]
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    for wrist in (9, 10):
        away = poses[:, wrist] - middle
        below = poses[:, wrist, 2] < poses[:, 5, 2] - 0.12
        flat = np.hypot(
            np.einsum("ni,ni->n", away, side) / performance.shape.shoulder_half,
            away[:, 0] / (0.06 * performance.shape.height),
        )
        assert flat[below].min() > 0.75


@pytest.mark.parametrize("pair", VOCABULARY.pairs)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pairs_differ_in_the_fingers_alone(pair: tuple[str, str], seed: int) -> None:
    schedule = [("clap", 0.5, 2.0), ("", 3.5, 2.2), ("swipe_left", 7.0, 2.0)]
    plans = []
    for name in pair:
        player, _ = actor(seed)
        entries = [(n or name, s, d) for n, s, d in schedule]
        plans.append(player.plan(entries, np.random.default_rng(seed)))
    times = np.arange(0, plans[0].end_s, 1 / 20)
    first, second = (p.poses(times) for p in plans)
    np.testing.assert_allclose(first[:, BODY], second[:, BODY], atol=1e-9)
    knuckles = [91, 96, 100, 104, 108, 112, 117, 121, 125, 129]
    np.testing.assert_allclose(first[:, knuckles], second[:, knuckles], atol=1e-9)
    during = (times > 4.3) & (times < 5.0)
    apart = np.linalg.norm(first - second, axis=2)[during][:, 91:].max(axis=1)
    assert apart.min() > 0.025, "seen at any moment of the hold"


@pytest.mark.parametrize("name", VOCABULARY.actions)
@pytest.mark.parametrize("handedness", ["left", "right"])
def test_the_preferred_hand_is_raised_and_comes_back(name: str, handedness: str) -> None:
    performance = sequence(5, (name,), handedness=handedness, fidget=0.0)
    start, end = performance.segments[0].start_s, performance.segments[0].end_s
    poses = performance.poses(np.array([start, (start + end) / 2, end]))
    rise = poses[1, [9, 10], 2] - poses[0, [9, 10], 2]
    active = {"left": 0, "right": 1}[handedness]
    assert rise[active] > 0.25
    if VOCABULARY[name].both:
        assert rise[1 - active] > 0.25
    else:
        assert abs(rise[1 - active]) < 0.05
    assert poses[2, 9 + active, 2] < poses[1, 9 + active, 2] - 0.2


@pytest.mark.parametrize("seed", range(4))
def test_swipes_go_where_the_viewer_sees_them_go(seed: int) -> None:
    for name, sign in (("swipe_left", -1), ("swipe_right", 1)):
        for handedness, wrist in (("left", 9), ("right", 10)):
            performance = sequence(seed, (name,), handedness=handedness)
            start = performance.segments[0].start_s
            y = performance.poses(np.array([start + 0.7, start + 1.5]))[:, wrist, 1]
            # The robot faces the person: its left is the person's right, where y is negative.
            assert sign * (y[1] - y[0]) > 0.15


def test_left_handers_mirror_right_handers() -> None:
    shape = BodyShape.default()
    sides = {}
    for handedness, hand in (("left", LEFT), ("right", RIGHT)):
        style = Style(handedness=handedness, fidget=0.0, tremor=0.0)
        performance = GesturePlayer(VOCABULARY, shape, style).plan(
            [("stop", 1.0, 2.0)], np.random.default_rng(0)
        )
        pose = performance.pose(2.0)
        middle = (pose[5] + pose[6]) / 2
        sides[handedness] = (pose[hand] - middle) * [1, -1 if handedness == "left" else 1, 1]
    assert np.linalg.norm(sides["left"] - sides["right"], axis=1).max() < 0.12
    assert sides["right"][0, 1] < -0.2, "the right hand is raised on the right, where y < 0"


def test_held_palms_face_the_viewer_and_fingers_point_up() -> None:
    for seed in range(15):
        performance = sequence(seed, ("stop",), handedness="right")
        hand = performance.pose(performance.segments[0].start_s + 1.1)[RIGHT]
        along = hand[9] - hand[0]
        across = hand[5] - hand[17]
        normal = np.cross(across, along)
        assert normal[0] / np.linalg.norm(normal) > 0.6
        assert along[2] / np.linalg.norm(along) > 0.7


def test_faces_look_forward_and_left_is_left() -> None:
    performance = sequence(0, ("stop",))
    pose = performance.pose(0.0)
    for left, right in ((1, 2), (3, 4), (5, 6), (7, 8), (11, 12), (13, 14), (15, 16), (17, 20)):
        assert pose[left, 1] > pose[right, 1]
    face = pose[23:91]
    assert face[8, 2] < face[57, 2] < face[51, 2] < face[30, 2] < face[27, 2] < face[19, 2]
    np.testing.assert_allclose(face[30], pose[0], atol=1e-9)
    assert pose[0, 0] > pose[3, 0]
    np.testing.assert_allclose((face[36] + face[39]) / 2, pose[2], atol=0.01)
    np.testing.assert_allclose((face[42] + face[45]) / 2, pose[1], atol=0.01)
    assert pose[[17, 18, 20, 21], 0].min() > pose[[19, 22], 0].max(), "toes before heels"


def test_segments_are_the_schedule_without_the_background() -> None:
    player, rng = actor(3)
    schedule = [("wave", 4.25, 1.9), ("idle", 0.0, 2.0), ("stop", 2.0, 2.25)]
    performance = player.plan(schedule, rng, duration_s=20.0)
    found = [(s.class_name, s.start_s, s.end_s) for s in performance.segments]
    assert found == [("stop", 2.0, 4.25), ("wave", 4.25, 4.25 + 1.9)]
    assert performance.end_s >= 20.0
    assert performance.active(1.99) is None
    assert performance.active(2.0) == performance.segments[0]
    assert performance.active(4.25) == performance.segments[1]
    assert performance.active(6.15) is None


def test_one_pose_and_many_are_the_same_and_plans_repeat() -> None:
    first, second = sequence(9, ("ok", "clap")), sequence(9, ("ok", "clap"))
    times = np.array([0.0, 1.234, 3.3])
    poses = first.poses(times)
    for t, pose in zip(times, poses, strict=True):
        np.testing.assert_allclose(first.pose(float(t)), pose, atol=1e-12)
    np.testing.assert_array_equal(poses, second.poses(times))
    assert np.abs(poses - sequence(10, ("ok", "clap")).poses(times)).max() > 0.01
    np.testing.assert_allclose(first.pose(-5.0), first.pose(0.0))
    np.testing.assert_allclose(first.pose(1e6), first.pose(first.end_s))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ([("salute", 1.0, 2.0)], "no class 'salute'"),
        ([("stop", 1.0, 2.0), ("ok", 2.5, 2.0)], r"'ok' at 2.5 s begins before .*3 s or later"),
        ([("stop", 1.0, MIN_DURATION_S / 2)], "at least 0.8 s"),
        ([("stop", -1.0, 2.0)], "move it to 0 s or later"),
        ([("stop", float("nan"), 2.0)], "finite"),
    ],
)
def test_impossible_schedules_are_refused(
    schedule: list[tuple[str, float, float]], words: str
) -> None:
    player, rng = actor(0)
    with pytest.raises(GestureError, match=words):
        player.plan(schedule, rng)


def test_idle_is_lively_but_raises_no_open_hand() -> None:
    """Between gestures hands move, but no hand is ever shown with straight fingers."""
    moved = []
    for seed in range(6):
        player, rng = actor(seed, fidget=1.0)
        performance = player.plan([], rng, duration_s=30.0)
        poses = performance.poses(np.arange(0, 30, 1 / 10))
        moved.append(np.ptp(poses[:, [9, 10]], axis=0).max())
        for wrist in (91, 112):
            raised = poses[:, wrist, 2] > poses[:, 11, 2] + 0.15
            for knuckle, lengths in zip((5, 9), performance.shape.hand.phalanges, strict=False):
                base, tip = poses[:, wrist + knuckle], poses[:, wrist + knuckle + 3]
                share = np.linalg.norm(tip - base, axis=1) / (
                    lengths.sum() * performance.shape.palm
                )
                assert not np.any(share[raised] > 0.985)
    assert np.median(moved) > 0.3


def test_samples_of_people_differ_and_stay_human() -> None:
    rng = np.random.default_rng(0)
    shapes = [BodyShape.sample(rng) for _ in range(300)]
    heights = np.array([s.height for s in shapes])
    assert heights.min() >= 1.5
    assert heights.max() <= 1.95
    assert heights.std() > 0.05
    palms = np.array([s.palm for s in shapes])
    assert 0.075 < palms.min() < palms.max() < 0.125
    average = BodyShape.default()
    assert 0.095 <= average.palm <= 0.10
    styles = [Style.sample(rng) for _ in range(300)]
    left = np.mean([s.handedness == "left" for s in styles])
    assert 0.25 < left < 0.55
    assert all(0.7 <= s.speed <= 1.45 and 0 <= s.fidget <= 1 for s in styles)
