from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.gestures import BodyShape, GesturePlayer, Style, load_vocabulary
from bharnet_ros.gestures.description import MotionDescription
from bharnet_ros.gestures.hand import LIMIT_HIGH, LIMIT_LOW
from bharnet_ros.gestures.motion import (
    PRIMITIVES,
    ArmTrack,
    Stroke,
    draw,
    envelope,
    minimum_jerk,
    play,
)
from bharnet_ros.gestures.posing import elbow_of, outside_torso, posed
from bharnet_ros.gestures.rotations import turn

VOCABULARY = load_vocabulary()
SHAPE = BodyShape.default()
TYPICAL = {"degrees": 25.0, "rate_hz": 2.0, "length": 0.3}


def base(posture: str = "raised_palm") -> ArmTrack:
    return posed(
        VOCABULARY.postures[posture], VOCABULARY.hands["flat"], SHAPE, np.zeros(7),
        np.random.default_rng(0),
    )  # fmt: skip


def played(kind: str, duration: float = 2.0, toward: str = "", **values: float) -> ArmTrack:
    primitive = PRIMITIVES[kind]
    chosen = {k: TYPICAL[k] for k in primitive.ranges} | values
    arm = base()
    time = np.linspace(0, duration, int(duration * 60) + 1)
    toward = toward or (primitive.toward[0] if primitive.toward else "")
    elbow = elbow_of(arm.wrist[0], arm.pole[0], SHAPE)
    stroke = Stroke(time, duration, 1.0, 1.0, chosen, toward, 1, elbow)
    return play(arm, (MotionDescription(kind, {}, toward),), [stroke])


def turns_of(track: ArmTrack) -> np.ndarray:
    """(N,) angle of the hand against its first moment, radians."""
    return 2 * np.arccos(np.clip(np.abs(track.turn @ track.turn[0]), 0, 1))


@pytest.mark.parametrize("kind", sorted(PRIMITIVES))
def test_every_primitive_starts_at_rest_and_keeps_to_limits(kind: str) -> None:
    track = played(kind)
    moved = np.ptp(track.wrist, axis=0).max() + np.ptp(turns_of(track))
    moved += np.ptp(track.angles, axis=0).max()
    assert moved > 0.15
    np.testing.assert_allclose(np.linalg.norm(track.turn, axis=1), 1, atol=1e-9)
    assert np.all(track.angles >= LIMIT_LOW)
    assert np.all(track.angles <= LIMIT_HIGH)
    for part in (track.wrist, track.angles):
        speed = np.abs(np.diff(part, axis=0)) * 60
        assert speed[0].max() < 0.1
        assert speed[-1].max() < 0.1
    if kind not in ("swipe", "raise"):
        np.testing.assert_allclose(track.wrist[-1], track.wrist[0], atol=1e-6)


@pytest.mark.parametrize("kind", [k for k, p in PRIMITIVES.items() if "count" in p.optional])
def test_count_limits_the_repetitions(kind: str) -> None:
    track = played(kind, duration=3.0, count=2.0)
    still = slice(int(1.05 * 60), None)
    assert np.ptp(track.wrist[still], axis=0).max() < 1e-6
    assert np.ptp(turns_of(track)[still]) < 1e-5


def test_wave_has_the_described_rate_and_size() -> None:
    track = played("wave", duration=4.0, degrees=20.0, rate_hz=1.5)
    y = track.wrist[:, 1] - track.wrist[0, 1]
    inner = y[60:180]
    crossings = np.count_nonzero(np.diff(np.sign(inner)))
    assert abs(crossings - 2 * 1.5 * 2.0) <= 1
    wide = np.ptp(played("wave", duration=4.0, degrees=40.0, rate_hz=1.5).wrist[:, 1])
    assert wide > 1.6 * np.ptp(track.wrist[:, 1])
    elbow = elbow_of(track.wrist, track.pole, SHAPE)
    assert np.ptp(elbow, axis=0).max() < 0.02, "the forearm swings, the elbow stays"


def test_a_short_stroke_still_shows_a_repetition() -> None:
    y = played("wave", duration=0.6, rate_hz=0.5).wrist[:, 1]
    assert y.max() - y[0] > 0.03
    assert y[0] - y.min() > 0.03


def test_directed_primitives_go_where_they_are_told() -> None:
    assert played("bounce", toward="up").wrist[:, 2].max() > base().wrist[0, 2] + 0.2
    assert played("bounce", toward="down").wrist[:, 2].min() < base().wrist[0, 2] - 0.2
    left, right = (played("swipe", toward=t).wrist[:, 1] for t in ("left", "right"))
    assert left[-1] - left[0] == pytest.approx(-0.3, abs=0.01)
    assert right[-1] - right[0] == pytest.approx(0.3, abs=0.01)


def test_circle_is_round() -> None:
    track = played("circle", duration=4.0, length=0.1, rate_hz=1.0)
    inner = track.wrist[60:180, 1:] - base().wrist[0, 1:]
    np.testing.assert_allclose(np.linalg.norm(inner, axis=1), 0.1, atol=1e-6)


def test_stirring_and_rolling_go_round_in_their_planes() -> None:
    at_rest = base()
    for kind, still, round_ in (("stir", 2, (0, 1)), ("roll", None, (0, 2))):
        track = played(kind, duration=4.0, length=0.1, rate_hz=1.0)
        way = track.wrist[60:180] - at_rest.wrist[0]
        if still is not None:
            assert np.ptp(way[:, still]) < 1e-9
        angle = np.unwrap(np.arctan2(way[:, round_[0]], way[:, round_[1]]))
        assert abs(angle[-1] - angle[0]) == pytest.approx(2 * 2 * np.pi, rel=0.06)


def test_stirring_fingers_go_further_than_the_wrist() -> None:
    track = played("stir", duration=4.0, length=0.1, rate_hz=1.0)
    tips = track.wrist + 0.3 * turn(track.turn, np.broadcast_to([0.0, 0.0, 1.0], (241, 3)))
    assert np.ptp(tips[:, 1]) > 1.2 * np.ptp(track.wrist[:, 1])


def test_a_raised_hand_stays_up() -> None:
    up, down = (played("raise", toward=t).wrist[:, 2] for t in ("up", "down"))
    assert up[-1] - up[0] == pytest.approx(0.3)
    assert down[-1] - down[0] == pytest.approx(-0.3)
    assert np.ptp(up[-20:]) < 1e-9


def test_grasping_closes_the_fingers_and_leaves_the_arm() -> None:
    track = played("grasp", degrees=80.0, rate_hz=1.0)
    assert np.ptp(track.wrist, axis=0).max() == 0
    assert np.rad2deg(track.angles[:, 1] - track.angles[0, 1]).max() > 60


def test_minimum_jerk_rests_at_both_ends() -> None:
    s = minimum_jerk(np.linspace(-0.5, 1.5, 401))
    assert s[0] == 0
    assert s[-1] == 1
    assert np.all(np.diff(s) >= 0)
    assert s[200] == pytest.approx(0.5)
    ramp = envelope(np.linspace(0, 1, 101), 1.0)
    assert ramp[0] == ramp[-1] == 0
    assert ramp[50] == pytest.approx(1)


def test_draws_stay_in_the_described_ranges() -> None:
    motion = VOCABULARY["wave"].motion[0]
    rng = np.random.default_rng(0)
    drawn = [draw(motion, rng) for _ in range(50)]
    for name, (low, high) in motion.ranges.items():
        values = [d[name] for d in drawn]
        assert low <= min(values) < max(values) <= high


def test_wrists_in_the_trunk_are_pushed_out_and_others_left_alone() -> None:
    inside = np.array([[0.02, 0.30, -0.5], [0.6, 0.1, -0.2], [0.02, 0.30, 0.5]])
    outside = outside_torso(inside, SHAPE)
    assert np.linalg.norm(outside[0] - inside[0]) > 0.05
    np.testing.assert_allclose(outside[1:], inside[1:], atol=2e-3)


def test_ok_stays_closed_while_it_is_shown() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        player = GesturePlayer(VOCABULARY, BodyShape.sample(rng), Style.sample(rng))
        performance = player.plan([("ok", 1.0, 2.6)], rng)
        hand = 91 if player.style.handedness == "left" else 112
        poses = performance.poses(np.arange(2.0, 2.6, 0.05))
        gap = np.linalg.norm(poses[:, hand + 4] - poses[:, hand + 8], axis=1)
        assert gap.max() < 0.15 * player.shape.palm
