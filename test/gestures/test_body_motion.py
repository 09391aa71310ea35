"""Heads nod and shake, shoulders rise, trunks lean: as told, and within what bodies can do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.gestures import GesturePlayer, Performance, Style, Vocabulary, parse_vocabulary
from bharnet_ros.gestures.body_motion import BODY_PRIMITIVES, play_body, within_neck
from bharnet_ros.gestures.motion import Stroke
from bharnet_ros.gestures.posture import BODY_CHANNELS, HEAD, SHRUG

BONES = np.array([(5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (11, 12), (1, 2), (0, 3), (3, 4)])
TEXT = """\
format: 2
extends: first_light
gestures:
  moved: {meaning: moved, which: none, motion: {%s}, duration_s: 2}
"""


def stroke(kind: str, duration: float = 2.0, toward: str = "", **values: float) -> Stroke:
    typical = {"degrees": 20.0, "rate_hz": 1.5, "length": 0.1} | values
    chosen = {k: typical[k] for k in (*BODY_PRIMITIVES[kind].ranges, *values)}
    time = np.linspace(0, duration, 121)
    return Stroke(time, duration, 1.0, 1.0, chosen, toward or "left", 1, np.zeros(3))


def performance(motion: str, seed: int = 0, **style: object) -> Performance:
    vocabulary: Vocabulary = parse_vocabulary(TEXT % motion)
    manner = Style(**{"fidget": 0.0, "tremor": 0.0, **style})  # type: ignore[arg-type]
    player = GesturePlayer(vocabulary, style=manner)
    return player.plan([("moved", 2.0, 2.0)], np.random.default_rng(seed))


def head_angles(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Yaw and pitch (down) of the line from the ears to the nose, degrees."""
    way = poses[:, 0] - poses[:, 3:5].mean(axis=1)
    flat = np.hypot(way[:, 0], way[:, 1])
    return np.rad2deg(np.arctan2(way[:, 1], way[:, 0])), np.rad2deg(np.arctan2(-way[:, 2], flat))


@pytest.mark.parametrize("kind", sorted(BODY_PRIMITIVES))
def test_every_primitive_begins_and_ends_at_rest(kind: str) -> None:
    added = play_body(kind, stroke(kind))
    assert added.shape == (121, BODY_CHANNELS)
    np.testing.assert_allclose(added[[0, -1]], 0, atol=1e-9)
    assert np.abs(added).max() > 0.05
    assert np.abs(np.diff(added, axis=0)).max() * 60 < 6, "radians or arm lengths a second"


def test_a_nod_goes_down_as_often_as_told_and_turns_nothing() -> None:
    track = performance("nod: {degrees: 20, rate_hz: 1.5}")
    yaw, pitch = head_angles(track.poses(np.arange(2.0, 4.0, 1 / 60)))
    before = head_angles(track.poses(np.array([1.9])))[1][0]
    assert 15 < pitch.max() - before < 28
    assert np.ptp(yaw) < 10
    low = pitch - (pitch.max() + pitch.min()) / 2
    assert np.count_nonzero(np.diff(np.sign(low)) > 0) == pytest.approx(3, abs=1)


def test_a_shaken_head_turns_both_ways_and_does_not_nod() -> None:
    track = performance("shake: {degrees: 25, rate_hz: 1.5}")
    yaw, pitch = head_angles(track.poses(np.arange(2.0, 4.0, 1 / 60)))
    assert yaw.max() > 15
    assert yaw.min() < -15
    assert np.ptp(pitch) < 10


def test_shrugged_shoulders_rise_and_take_the_arms_along() -> None:
    track = performance("shrug: {length: 0.1}")
    before, during = track.poses(np.array([1.9, 3.0]))
    rise = during[:, 2] - before[:, 2]
    wanted = 0.1 * track.shape.arm
    np.testing.assert_allclose(rise[5:7], wanted, atol=0.012)
    np.testing.assert_allclose(rise[[9, 10]], wanted, atol=0.03)
    assert np.abs(rise[[11, 12, 0]]).max() < 0.012, "hips and head stay"


@pytest.mark.parametrize(("toward", "sign"), [("left", -1), ("right", 1)])
def test_tilts_and_leans_go_where_the_viewer_sees_them_go(toward: str, sign: int) -> None:
    for kind, joint in (("tilt", 0), ("lean", 5)):
        track = performance(f"{kind}: {{degrees: 20, toward: {toward}}}")
        before, during = track.poses(np.array([1.9, 3.0]))
        crown = slice(1, 3)  # the eyes lie above the pivot of a tilt
        point = crown if kind == "tilt" else slice(joint, joint + 2)
        # The viewer faces the person: what they call left is the person's right, where y < 0.
        moved = (during[point, 1] - before[point, 1]).mean()
        assert sign * moved > 0.01


def test_a_bow_brings_the_head_forward_and_down() -> None:
    track = performance("bow: {degrees: 30}")
    before, during = track.poses(np.array([1.9, 3.0]))
    assert during[0, 0] - before[0, 0] > 0.15
    assert during[0, 2] - before[0, 2] < -0.05


@given(seed=st.integers(0, 2**31), kinds=st.permutations(sorted(BODY_PRIMITIVES)))
@settings(max_examples=15, deadline=None)
def test_bones_keep_their_lengths_and_necks_their_limits(seed: int, kinds: list[str]) -> None:
    ranges = {"degrees": "45", "rate_hz": "[0.5, 3]", "length": "0.2"}
    motions = []
    for kind in kinds[:3]:
        needed = [f"{k}: {ranges[k]}" for k in BODY_PRIMITIVES[kind].ranges]
        needed += ["toward: right"] * bool(BODY_PRIMITIVES[kind].toward)
        motions.append(f"{kind}: {{{', '.join(needed)}}}")
    track = performance(", ".join(motions), seed, amplitude=1.3, fidget=1.0)
    poses = track.poses(np.arange(0, track.end_s, 1 / 30))
    lengths = np.linalg.norm(poses[:, BONES[:, 0]] - poses[:, BONES[:, 1]], axis=2)
    assert np.ptp(lengths, axis=0).max() < 1e-9
    head = np.rad2deg(track.channels(np.arange(2.0, 4.0, 1 / 60))[:, HEAD])
    assert np.all(np.abs(head).max(axis=0) < [75, 51, 41])


def test_a_glance_alone_is_not_held_back() -> None:
    body = np.full((2, BODY_CHANNELS), 2.0)
    own = np.zeros_like(body)
    own[1, HEAD.start] = 0.1
    limited = within_neck(body, own)
    assert limited[0, HEAD.start] == 2.0
    assert limited[1, HEAD.start] < 1.3


def test_the_body_alone_leaves_the_hands_to_their_idling() -> None:
    track = performance("nod: {degrees: 20, rate_hz: 1.5}")
    plain = performance("nod: {degrees: 1, rate_hz: 1.5}")
    times = np.arange(0, 5, 1 / 20)
    arms = slice(BODY_CHANNELS, None)
    np.testing.assert_allclose(track.channels(times)[:, arms], plain.channels(times)[:, arms])
    assert not track.channels(times)[:, SHRUG].any()
    segment = track.segments[0]
    assert segment.start_s < segment.arrived_s < segment.released_s < segment.end_s
