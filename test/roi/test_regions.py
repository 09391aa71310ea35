"""Squares around head, upper body and hands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.synthetic import LAYOUT, person_keypoints
from bharnet_ros.errors import InvalidSkeletonError, LayoutError
from bharnet_ros.roi import RoiConfig, region_squares
from bharnet_ros.roi.regions import HAND_SIDE, PALM_PER_TORSO
from bharnet_ros.skeleton import available_layouts, get_layout

CONFIG = RoiConfig()
COCO = get_layout(LAYOUT)
LEFT, RIGHT = COCO.left_hand_indices, COCO.right_hand_indices


def squares(keypoints: np.ndarray, hidden: Sequence[int] = ()) -> dict[str, np.ndarray]:
    scores = np.full(len(keypoints), 0.9, np.float32)
    scores[list(hidden)] = 0.0
    found = region_squares(keypoints, scores, LAYOUT, CONFIG)
    return dict(zip(CONFIG.regions, found, strict=True))


def inside(points: np.ndarray, square: np.ndarray) -> bool:
    x, y, side = square
    return bool((np.abs(points - (x, y)) <= side / 2).all())


def test_each_square_holds_its_part_of_the_person() -> None:
    points = person_keypoints((400.0, 300.0), 120.0, right_wrist=(-0.6, -0.4))
    found = squares(points)
    assert inside(points[:5], found["head"])
    assert inside(points[[5, 6, 11, 12]], found["torso"])
    # Palm and fingers; the wrist (first) may lie at the border.
    fingers = (points[LEFT][1:], found["left_hand"]), (points[RIGHT][1:], found["right_hand"])
    assert all(inside(*each) for each in fingers)
    assert not inside(points[RIGHT], found["left_hand"])
    assert found["head"][2] < found["torso"][2]
    assert found["left_hand"][2] >= HAND_SIDE * PALM_PER_TORSO * 120.0


def test_size_and_place_of_the_person_do_not_matter() -> None:
    near = squares(person_keypoints((100.0, 50.0), 200.0))
    far = squares(person_keypoints((0.0, 0.0), 50.0))
    for name, square in near.items():
        np.testing.assert_allclose((square[:2] - (100.0, 50.0)) / 200.0, far[name][:2] / 50.0,
                                   atol=1e-4)  # fmt: skip
        assert square[2] / 200.0 == pytest.approx(far[name][2] / 50.0, rel=1e-4)


def test_a_foreshortened_palm_does_not_shrink_the_hand() -> None:
    points = person_keypoints(torso_px=100.0)
    middle = points[RIGHT].mean(axis=0)
    pointed = points.copy()
    pointed[RIGHT] = middle + (points[RIGHT] - middle) * 0.1  # at the camera
    assert squares(pointed)["right_hand"][2] == pytest.approx(squares(points)["right_hand"][2],
                                                              rel=0.25)  # fmt: skip
    assert squares(pointed)["right_hand"][2] >= HAND_SIDE * PALM_PER_TORSO * 100.0 * 0.99
    huge = points.copy()
    huge[RIGHT] = middle + (points[RIGHT] - middle) * 50.0  # fingers found all over the image
    assert squares(huge)["right_hand"][2] <= 3.0 * squares(points)["right_hand"][2]


def test_without_fingers_the_hand_lies_beyond_the_wrist_along_the_forearm() -> None:
    points = person_keypoints(torso_px=100.0, right_wrist=(-0.9, -0.6))
    hidden = (*RIGHT.tolist(), *LEFT.tolist())
    square = squares(points, hidden)["right_hand"]
    elbow, wrist = points[8], points[10]
    along = (wrist - elbow) / np.hypot(*(wrist - elbow))
    beyond = square[:2] - wrist
    assert 0.0 < float(beyond @ along) <= PALM_PER_TORSO * 100.0 + 1e-3
    np.testing.assert_allclose(beyond - (beyond @ along) * along, 0.0, atol=1e-3)
    assert square[2] == pytest.approx(HAND_SIDE * PALM_PER_TORSO * 100.0, rel=0.01)


def test_what_is_not_seen_has_no_side() -> None:
    points = person_keypoints()
    everything = squares(points)
    arm = (*RIGHT.tolist(), 10)
    assert squares(points, arm)["right_hand"][2] == 0.0
    np.testing.assert_array_equal(squares(points, arm)["left_hand"], everything["left_hand"])
    assert squares(points, (0, 1, 2, 3, 4))["head"][2] == 0.0
    assert squares(points, (5, 6))["torso"][2] == 0.0
    assert not any(square[2] for square in squares(points, tuple(range(133))).values())
    # A webcam's picture: hips and legs are below it.
    close = squares(points, tuple(range(11, 23)))
    assert close["torso"][2] == pytest.approx(everything["torso"][2], rel=0.2)


def test_regions_come_in_the_order_asked_for() -> None:
    points, scores = person_keypoints(), np.full(133, 0.9, np.float32)
    every = region_squares(points, scores, LAYOUT, CONFIG)
    some = region_squares(points, scores, LAYOUT, RoiConfig(("right_hand", "head")))
    np.testing.assert_array_equal(some, every[[3, 0]])


@pytest.mark.parametrize("layout", available_layouts())
def test_every_layout_can_be_asked(layout: str) -> None:
    count = get_layout(layout).num_keypoints
    points = np.random.default_rng(3).uniform(0, 500, (count, 2)).astype(np.float32)
    found = region_squares(points, np.ones(count, np.float32), layout, CONFIG)
    assert found.shape == (4, 3) and np.isfinite(found).all() and (found[:, 2] > 0).all()


def test_wrong_shapes_and_layouts_are_refused() -> None:
    points, scores = person_keypoints(), np.ones(133, np.float32)
    for wrong in (points[:5], points[None], points[:, :1]):
        with pytest.raises(InvalidSkeletonError):
            region_squares(wrong, scores, LAYOUT, CONFIG)
    with pytest.raises(InvalidSkeletonError):
        region_squares(points[:7], scores[:7], LAYOUT, CONFIG)
    with pytest.raises(LayoutError):
        region_squares(points, scores, "octopus", CONFIG)


@given(
    arrays(np.float32, (59, 2), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)),
    arrays(np.float32, (59,), elements=st.floats(-1, 2, width=32)),
)
def test_no_numbers_of_an_estimator_break_it(points: np.ndarray, scores: np.ndarray) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        found = region_squares(points, scores, "coco_body_hands_59", CONFIG)
    assert np.isfinite(found).all() and (found[:, 2] >= 0.0).all()
