"""Smoothing of tracked skeletons: by person, in their own size, and never of what is not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import LAYOUT, frame, person_keypoints, skeleton
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.smoothing import Smoother, torso_px
from bharnet_ros.types import SkeletonFrame

STEP_NS = 33_333_333


def person(
    index: int, noise: np.ndarray, track_id: int = 3, scale: float = 1.0
) -> SkeletonFrame:
    """Standing, every point off by noise (133, 2) in torso lengths."""
    torso = 100.0 * scale
    points = person_keypoints((320.0 * scale, 240.0 * scale), torso) + torso * noise
    return frame(index * STEP_NS, skeleton(track_id, points.astype(np.float32)))


def shaking(frames: int, scale: float = 1.0, track_id: int = 3) -> list[SkeletonFrame]:
    rng = np.random.default_rng(0)
    return [
        person(i, 0.01 * rng.standard_normal((133, 2)), track_id, scale) for i in range(frames)
    ]


def points(found: SkeletonFrame) -> np.ndarray:
    return found.skeletons[0].keypoints


def test_who_rests_trembles_less() -> None:
    smoother, before = Smoother(), shaking(120)
    after = [smoother.update(f) for f in before]
    steps = [np.diff([points(f) for f in each[30:]], axis=0).std() for each in (before, after)]
    assert steps[1] < 0.5 * steps[0]
    assert after[-1].skeletons[0].track_id == 3
    np.testing.assert_array_equal(after[-1].skeletons[0].scores, before[-1].skeletons[0].scores)
    np.testing.assert_array_equal(after[-1].skeletons[0].bbox, before[-1].skeletons[0].bbox)
    assert points(after[-1]).dtype == np.float32


@pytest.mark.parametrize("speed", [0.5, 2.0, 6.0])
def test_who_moves_evenly_is_hardly_behind(speed: float) -> None:
    """speed: torso lengths a second; less than a hundredth of a torso length behind."""
    smoother, still = Smoother(), np.zeros((133, 2))
    for i in range(60):
        moved = person(i, still + np.array([speed * i / 30.0, 0.0]))
        found = smoother.update(moved)
    behind = (points(moved) - points(found))[:, 0] / 100.0
    assert 0.0 <= behind.max() < 0.01


def test_more_strength_is_steadier() -> None:
    steps = []
    for strength in (0.5, 1.0, 2.0):
        smoother = Smoother(strength)
        after = [points(smoother.update(f)) for f in shaking(90)]
        steps.append(np.diff(after[30:], axis=0).std())
    assert steps[0] > steps[1] > steps[2]


def test_off_is_the_very_frame_and_can_be_set_at_any_time() -> None:
    smoother, frames = Smoother(0.0), shaking(6)
    assert smoother.update(frames[0]) is frames[0]
    smoother.strength = 1.0
    smoother.update(frames[1])
    assert not np.array_equal(points(smoother.update(frames[2])), points(frames[2]))
    smoother.strength = 0.0
    assert smoother.update(frames[3]) is frames[3]


def test_near_and_far_people_are_treated_alike() -> None:
    near, far = Smoother(), Smoother()
    for a, b in zip(shaking(40), shaking(40, 0.25), strict=True):
        found = points(near.update(a)), points(far.update(b))
    np.testing.assert_allclose(0.25 * found[0], found[1], atol=1e-3)


def test_people_do_not_touch_each_other() -> None:
    together, alone = Smoother(), Smoother()
    other = np.full((133, 2), 2.0)
    for i, mine in enumerate(shaking(30)):
        crowd = replace(mine, skeletons=(*person(i, other, 9).skeletons, *mine.skeletons))
        found = together.update(crowd).skeletons[1].keypoints
        np.testing.assert_array_equal(found, points(alone.update(mine)))


@pytest.mark.parametrize("later", [-STEP_NS, 0, 400_000_000])
def test_a_gap_or_a_jump_back_starts_afresh(later: int) -> None:
    smoother = Smoother()
    last = [smoother.update(f) for f in shaking(10)][-1]
    moved = replace(person(0, np.full((133, 2), 0.1)), stamp_ns=last.stamp_ns + later)
    np.testing.assert_array_equal(points(smoother.update(moved)), points(moved))


def test_another_layout_starts_afresh() -> None:
    smoother = Smoother()
    smoother.update(shaking(1)[0])
    short = skeleton(3, person_keypoints()[:33])
    found = smoother.update(SkeletonFrame(STEP_NS, (720, 1280), "mediapipe_holistic", (short,)))
    np.testing.assert_array_equal(points(found), short.keypoints)


def test_who_has_no_id_and_who_is_not_there_pass() -> None:
    smoother = Smoother()
    for unknown in shaking(5, track_id=-1):
        np.testing.assert_array_equal(points(smoother.update(unknown)), points(unknown))
    assert smoother.update(frame(9 * STEP_NS)).skeletons == ()


def test_missing_points_and_points_that_are_no_numbers_spoil_nothing() -> None:
    smoother = Smoother()
    for i, found in enumerate(shaking(20)):
        one = found.skeletons[0]
        keypoints, scores = one.keypoints.copy(), one.scores.copy()
        if 5 <= i < 8:
            scores[9], keypoints[9] = 0.0, 1e6
            keypoints[10] = np.nan  # claims to be seen
        after = smoother.update(
            replace(found, skeletons=(replace(one, keypoints=keypoints, scores=scores),))
        )
        np.testing.assert_array_equal(np.isnan(points(after)), np.isnan(keypoints))
        if i >= 8:
            assert np.abs(points(after)[9:11] - keypoints[9:11]).max() < 5.0


def test_memory_is_of_those_in_view_alone() -> None:
    smoother = Smoother()
    for i in range(300):
        smoother.update(person(i, np.zeros((133, 2)), track_id=i))
    assert len(smoother._people) < 12


def test_the_unit_comes_from_the_box_where_the_torso_is_hidden() -> None:
    seen = skeleton(0, person_keypoints(torso_px=80.0))
    assert torso_px(seen, LAYOUT) == pytest.approx(80.0)
    scores = seen.scores.copy()
    scores[11] = 0.0
    hidden = replace(seen, scores=scores)
    assert torso_px(hidden, LAYOUT) == pytest.approx(80.0, rel=0.25)
    nothing = replace(seen, scores=np.zeros(133, np.float32), bbox=np.zeros(4, np.float32))
    assert torso_px(nothing, LAYOUT) == 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_shoulder_that_is_no_number_spoils_nobody(value: float) -> None:
    def spoilt(keypoints: np.ndarray) -> np.ndarray:
        found = keypoints.copy()
        found[5] = value  # the left shoulder, and its score says that it is seen
        return found

    seen = skeleton(0, person_keypoints(torso_px=80.0))
    lacking = replace(seen, keypoints=spoilt(seen.keypoints))
    assert torso_px(lacking, LAYOUT) == pytest.approx(80.0, rel=0.25)
    assert torso_px(replace(lacking, bbox=np.full(4, value, np.float32)), LAYOUT) == 1.0
    smoother, clean = Smoother(), Smoother()
    for i, found in enumerate(shaking(20)):
        one = found.skeletons[0]
        keypoints = spoilt(one.keypoints) if i == 5 else one.keypoints
        after = points(
            smoother.update(replace(found, skeletons=(replace(one, keypoints=keypoints),)))
        )
        np.testing.assert_array_equal(np.isfinite(after), np.isfinite(keypoints))
        wanted = points(clean.update(found))
    np.testing.assert_allclose(after, wanted, atol=1.0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-10**9, 10**9), st.integers(-1, 3)), min_size=1, max_size=12),
    st.floats(-1e5, 1e5),
)
def test_it_stands_whatever_stamps_and_places(steps: list[tuple[int, int]], far: float) -> None:
    smoother, stamp_ns = Smoother(), 0
    for step_ns, track_id in steps:
        stamp_ns += step_ns
        moved = person_keypoints((far, -far), 1.0 + abs(far))
        found = smoother.update(frame(stamp_ns, skeleton(track_id, moved)))
        assert np.isfinite(points(found)).all() and points(found).shape == (133, 2)


@pytest.mark.parametrize("strength", [-0.1, 4.1, float("nan"), True])
def test_a_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(ConfigurationError, match="between 0 \\(off\\) and 4"):
        Smoother(strength)


@pytest.mark.parametrize("gap", [0.0, -1.0, 11.0, float("nan")])
def test_a_gap_out_of_range_is_refused(gap: float) -> None:
    with pytest.raises(ConfigurationError, match="max_gap_s"):
        Smoother(max_gap_s=gap)
