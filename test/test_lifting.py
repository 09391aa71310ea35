"""Keypoints into space: a flat person of known depth before a wall, and the drawn actor."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lifting import BODY, HANDS, View, by_lifting, views
from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros.camera_model import CameraModel
from bharnet_ros.errors import (
    ConfigurationError,
    InvalidImageError,
    InvalidSkeletonError,
    LayoutError,
)
from bharnet_ros.lifting import LiftingOptions, lift
from bharnet_ros.lifting_body import TREE
from bharnet_ros.types import Skeleton, Skeleton3D, SkeletonFrame

SIZE = (480, 640)
CAMERA = CameraModel(525.0, 525.0, 319.5, 239.5, SIZE)
ON_SURFACE = LiftingOptions(inside=False)
PERSON_M, WALL_M = 2.0, 2.6


def open_hand(side: float) -> np.ndarray:
    """(21, 2) metres from the wrist, fingers up; side: 1 = the thumb at larger x."""
    points = np.zeros((21, 2))
    points[1:5] = (0.025, -0.015), (0.05, -0.04), (0.07, -0.06), (0.085, -0.08)
    for finger, x in enumerate((0.03, 0.01, -0.01, -0.03)):
        for joint, y in enumerate((0.09, 0.13, 0.155, 0.175)):
            points[5 + 4 * finger + joint] = (x * (1 + 0.2 * joint), -y)
    return points * (side, 1.0)


def disk(depth: np.ndarray, centre: np.ndarray, radius_px: int, value: float) -> None:
    x, y = (round(float(each)) for each in centre)
    cv2.circle(depth, (x, y), radius_px, float(value), -1)


def scene(
    wall_m: float = WALL_M, size: tuple[int, int] = SIZE
) -> tuple[SkeletonFrame, np.ndarray]:
    """A person as flat as cardboard: everything within a few centimetres of a bone."""
    points = person_keypoints(center=(320.0, 230.0), torso_px=125.0)
    for first, wrist, side in ((91, 9, 1.0), (112, 10, -1.0)):
        points[first : first + 21] = points[wrist] + open_hand(side) * CAMERA.fx / PERSON_M
    depth = np.full(SIZE, wall_m, np.float32)
    for point in points:
        disk(depth, point, 6, PERSON_M)
    corners = points[[5, 6, 11, 12]]
    low, high = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
    depth[low[1] : high[1], low[0] : high[0]] = PERSON_M
    step = SIZE[0] // size[0]
    frame = SkeletonFrame(7, SIZE, LAYOUT, (skeleton(4, points),))
    return frame, np.ascontiguousarray(depth[step // 2 :: step, step // 2 :: step])


def lifted(
    frame: SkeletonFrame, depth: np.ndarray, options: LiftingOptions = ON_SURFACE
) -> Skeleton3D:
    (person,) = lift(frame, depth, CAMERA, options).skeletons
    return person


def test_a_flat_person_lies_where_it_is() -> None:
    frame, depth = scene()
    found = lift(frame, depth, CAMERA, ON_SURFACE)
    (person,) = found.skeletons
    assert (found.stamp_ns, found.layout, person.track_id) == (7, LAYOUT, 4)
    assert person.keypoints.dtype == np.float32 and person.keypoints.shape == (133, 3)
    np.testing.assert_allclose(person.keypoints[:, 2], PERSON_M, atol=1e-6)
    np.testing.assert_allclose(
        CAMERA.project(person.keypoints), frame.skeletons[0].keypoints, atol=1e-3
    )
    np.testing.assert_array_equal(person.scores, frame.skeletons[0].scores)
    assert person.position[2] == pytest.approx(PERSON_M)


def test_joints_lie_inside() -> None:
    frame, depth = scene()
    deeper = lifted(frame, depth, LiftingOptions()).keypoints[:, 2] - PERSON_M
    assert deeper[0] == pytest.approx(0.0)
    assert (deeper[[5, 11, 13]] > 0.03).all() and 0 < deeper[95] < 0.012


@pytest.mark.parametrize("size", [(240, 320), (160, 214), (480, 640)])
def test_depth_of_another_resolution(size: tuple[int, int]) -> None:
    frame, depth = scene(size=(size[0], SIZE[1] * size[0] // SIZE[0]))
    depth = depth[: size[0], : size[1]]
    person = lifted(frame, depth)
    known = person.scores > 0
    assert known.mean() > 0.95
    np.testing.assert_allclose(person.keypoints[known, 2], PERSON_M, atol=1e-6)


def test_holes_and_the_wall_become_unknown_and_never_a_lie() -> None:
    frame, depth = scene()
    for index, value in ((9, np.nan), (112, WALL_M), (120, WALL_M)):  # left wrist, right hand
        disk(depth, frame.skeletons[0].keypoints[index], 20, value)
    person = lifted(frame, depth)
    known = person.scores > 0
    assert not known[[9, 112, 120]].any()
    assert np.isnan(person.keypoints[~known]).all()
    np.testing.assert_allclose(person.keypoints[known, 2], PERSON_M, atol=1e-6)


def test_a_small_hole_is_bridged() -> None:
    frame, depth = scene()
    disk(depth, frame.skeletons[0].keypoints[11], 8, np.nan)  # in the middle of a large surface
    person = lifted(frame, depth)
    assert person.keypoints[11, 2] == pytest.approx(PERSON_M)


def test_a_shirt_that_swallows_the_light_costs_no_more_than_the_trunk() -> None:
    frame, depth = scene()
    points = frame.skeletons[0].keypoints
    low, high = points[[6, 12]].min(axis=0) - 24, points[[5, 11]].max(axis=0) + 24
    depth[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])] = np.nan
    person = lifted(frame, depth)
    known = person.scores > 0
    assert not known[[5, 6, 11, 12]].any()
    outside = ((points < low - 8) | (points > high + 8)).any(axis=1)
    assert known[outside].all() and outside.sum() > 20
    np.testing.assert_allclose(person.keypoints[known, 2], PERSON_M, atol=1e-6)


def test_an_arm_before_the_hip_is_not_the_hip() -> None:
    frame, depth = scene()
    px, py = frame.skeletons[0].keypoints[11].astype(int)
    depth[py - 12 : py - 1, px - 20 : px + 20] = PERSON_M - 0.35
    assert lifted(frame, depth).keypoints[11, 2] == pytest.approx(PERSON_M)


def test_a_hand_held_out_is_nearer() -> None:
    frame, depth = scene()
    for index in (7, *range(91, 112), 9):
        near = 0.2 if index == 7 else 0.4
        disk(depth, frame.skeletons[0].keypoints[index], 6, PERSON_M - near)
    person = lifted(frame, depth)
    assert (person.scores[91:112] > 0).all()
    np.testing.assert_allclose(person.keypoints[91:112, 2], PERSON_M - 0.4, atol=1e-6)


def test_hands_alone_have_a_place_too() -> None:
    frame, depth = scene()
    scores = np.zeros(133, np.float32)
    scores[112:] = 0.9
    alone = replace(frame, skeletons=(replace(frame.skeletons[0], scores=scores),))
    person = lifted(alone, depth)
    assert (person.scores[112:] > 0).all() and (person.scores[:112] == 0).all()
    assert np.isfinite(person.position).all()


def test_who_is_not_seen_or_has_no_depth_is_unknown() -> None:
    frame, depth = scene()
    nobody = replace(frame.skeletons[0], scores=np.zeros(133, np.float32))
    hole = np.full(SIZE, np.nan, np.float32)
    for each, picture in ((replace(frame, skeletons=(nobody,)), depth), (frame, hole)):
        person = lifted(each, picture)
        assert np.isnan(person.keypoints).all() and (person.scores == 0).all()
        assert np.isnan(person.position).all()
    assert lift(replace(frame, skeletons=()), depth, CAMERA).skeletons == ()
    far = LiftingOptions(depth_range_m=(0.1, 1.0))
    assert (lifted(frame, depth, far).scores == 0).all()


def test_what_does_not_fit_together_is_refused() -> None:
    frame, depth = scene()
    with pytest.raises(LayoutError, match="coco_17"):
        lift(replace(frame, layout="coco_17"), depth, CAMERA)
    few = replace(frame.skeletons[0], keypoints=np.ones((17, 2)), scores=np.ones(17))
    with pytest.raises(InvalidSkeletonError, match="has 17 keypoints"):
        lift(replace(frame, skeletons=(few,)), depth, CAMERA)
    with pytest.raises(ConfigurationError, match="image_width"):
        lift(replace(frame, image_size=(0, 0)), depth, CAMERA)
    with pytest.raises(InvalidImageError, match="not registered"):
        lift(frame, depth[:360], CAMERA)
    with pytest.raises(InvalidImageError, match="shape"):
        lift(frame, depth[None], CAMERA)
    with pytest.raises(ConfigurationError, match="aspect"):
        lift(frame, depth, CameraModel(900.0, 900.0, 640.0, 360.0, (720, 1280)))
    for wrong in ((2.0, 1.0), (-1.0, 2.0), (0.0, float("nan"))):
        with pytest.raises(ConfigurationError, match="depth range"):
            LiftingOptions(depth_range_m=wrong)
    with pytest.raises(ConfigurationError, match="min_score"):
        LiftingOptions(min_score=2.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 3000.0))
def test_any_keypoints_over_any_depth(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.2, 6.0, (48, 64)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.3] = np.nan
    points = (rng.normal(0.0, 1.0, (133, 2)) * spread + (320.0, 240.0)).astype(np.float32)
    points[rng.random(133) < 0.05] = np.nan
    scores = rng.uniform(0.0, 1.0, 133).astype(np.float32)
    person = Skeleton(1, np.zeros(4, np.float32), 1.0, points, scores)
    found = lifted(SkeletonFrame(1, SIZE, LAYOUT, (person,)), depth)
    known = found.scores > 0
    assert np.isfinite(found.keypoints[known]).all() and np.isnan(found.keypoints[~known]).all()
    assert (scores[known] >= 0.3).all()


@pytest.fixture(scope="module")
def drawn() -> list[View]:
    """Drawn people before a drawn depth camera, at four distances."""
    return list(views(range(100, 101), moments=2))


def test_drawn_people_are_where_they_are(drawn: list[View]) -> None:
    errors: dict[str, list[np.ndarray]] = {"body": [], "hands": []}
    for view in drawn:
        found = by_lifting(view.frame, view.depth, view.camera)
        for person, place, truth in zip(view.frame.skeletons, found, view.places, strict=True):
            off = np.linalg.norm(place - truth, axis=1)
            for part, slots in (("body", BODY), ("hands", HANDS)):
                errors[part].append(off[slots][person.scores[slots] >= 1.0])
    for part, limit_m in (("body", 0.02), ("hands", 0.02)):
        all_of_them = np.concatenate(errors[part])
        known = all_of_them[np.isfinite(all_of_them)]
        assert len(known) > 0.9 * len(all_of_them), part
        assert np.median(known) < limit_m and np.mean(known > 0.1) < 0.02, part


def test_the_tree_reaches_everything() -> None:
    order = np.concatenate(TREE.levels)
    assert sorted(order.tolist()) == list(range(133))
    place = {int(index): at for at, index in enumerate(order)}
    assert all(place[int(p)] < place[k] for k, p in enumerate(TREE.parent) if p >= 0)
    assert (TREE.reach > 0).all() and (TREE.patch_m > 0).all() and (TREE.inset_m >= 0).all()
    # Left and right are alike.
    assert TREE.parent[10] == 8 and TREE.parent[9] == 7 and TREE.parent[22] == 16
