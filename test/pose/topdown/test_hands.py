from __future__ import annotations

import numpy as np
import pytest
from world import LAYOUT, SIZE, hand_shape, person

from bharnet_ros.errors import LayoutError
from bharnet_ros.pose.topdown.hands import HandCrops, HandView
from bharnet_ros.pose.topdown.person import Sight, sight

LEFT, RIGHT = LAYOUT.left_hand_indices, LAYOUT.right_hand_indices


def seen(points: np.ndarray | None = None, **scores: float) -> Sight:
    """Somebody whose keypoints score 0.6, but for the hands `left` and `right`."""
    surety = np.full(133, 0.6)
    surety[LEFT] = scores.get("left", 0.6)
    surety[RIGHT] = scores.get("right", 0.6)
    found = sight(person(300) if points is None else points, surety, LAYOUT.body_indices, SIZE)
    assert found is not None
    return found


@pytest.fixture
def crops() -> HandCrops:
    return HandCrops("coco_wholebody_133")


def test_a_square_holds_the_hand_and_is_scaled_by_the_palm(crops: HandCrops) -> None:
    left, right = crops.views(seen(), SIZE)
    assert (left.side, right.side) == (0, 1)
    for view, hand in ((left, LEFT), (right, RIGHT)):
        points = person(300)[hand]
        assert (points >= view.box[:2]).all() and (points <= view.box[2:]).all()
        sides = view.box[2:] - view.box[:2]
        palm = np.hypot(*(points[9] - points[0]))
        assert sides[0] == pytest.approx(sides[1], abs=1e-3)
        assert 2.0 * palm < sides[0] < 3.0 * palm


def test_a_fist_seen_from_the_front_keeps_the_palms_scale(crops: HandCrops) -> None:
    points = person(300)
    fingers = LEFT[[3, 4, 7, 8, 11, 12, 15, 16, 19, 20]]
    points[fingers] = points[LEFT[9]]
    view = crops.views(seen(points), SIZE)[0]
    palm = np.hypot(*(points[LEFT[9]] - points[LEFT[0]]))
    assert float(view.box[2] - view.box[0]) == pytest.approx(2.3 * palm, rel=1e-3)


def test_where_no_hand_is_seen_the_forearm_points_to_it(crops: HandCrops) -> None:
    left = crops.views(seen(left=0.0), SIZE)[0]
    points = person(300)[LEFT]
    assert (points >= left.box[:2]).all() and (points <= left.box[2:]).all()


def test_without_arm_and_hand_there_is_nothing_to_look_at(crops: HandCrops) -> None:
    surety = np.full(133, 0.6)
    surety[[7, 9, *LEFT]] = 0.0
    found = sight(person(300), surety, LAYOUT.body_indices, SIZE)
    assert found is not None
    assert [view.side for view in crops.views(found, SIZE)] == [1]


def test_hands_at_the_border_are_cut_and_tiny_ones_left_out(crops: HandCrops) -> None:
    views = crops.views(seen(person(-30, 240, 300)), SIZE)
    assert all((view.box >= 0.0).all() for view in views)
    assert crops.views(seen(person(300, 240, 25)), SIZE) == []


def look(view: HandView, score: float, palm: float = 18.0) -> tuple[np.ndarray, np.ndarray]:
    """A hand at the arm's wrist."""
    return hand_shape(view.wrist + 1.0, palm), np.full(21, score)


def test_the_surer_hand_is_kept_each_by_itself(crops: HandCrops) -> None:
    body = seen(left=0.5, right=0.8)
    views = crops.views(body, SIZE)
    answers = [look(view, 0.7) for view in views]
    merged = crops.merged(
        body, views, np.stack([a[0] for a in answers]), np.stack([a[1] for a in answers]), SIZE
    )
    assert np.allclose(merged.keypoints[LEFT], answers[0][0], atol=1e-3)
    assert np.allclose(merged.scores[LEFT], 0.7)
    assert np.array_equal(merged.keypoints[RIGHT], body.keypoints[RIGHT])
    assert np.array_equal(merged.keypoints[:91], body.keypoints[:91])
    assert np.allclose(body.scores[LEFT], 0.5), "what was given is left alone"


def test_somebody_elses_hand_is_not_taken(crops: HandCrops) -> None:
    body = seen()
    views = crops.views(body, SIZE)[:1]
    far = hand_shape(views[0].wrist + np.array((60.0, 0.0)), 18.0)
    merged = crops.merged(body, views, far[None], np.full((1, 21), 0.99), SIZE)
    assert np.array_equal(merged.keypoints, body.keypoints)


def test_two_arms_never_get_one_hand(crops: HandCrops) -> None:
    """Folded hands: both crops show the same one."""
    points = person(300)
    points[[9, 10]] = (300.0, 260.0), (304.0, 260.0)
    for hand, wrist in ((LEFT, 9), (RIGHT, 10)):
        points[hand] = hand_shape(points[wrist], 18.0)
    body = seen(points, left=0.5, right=0.5)
    views = crops.views(body, SIZE)
    one = hand_shape(np.array([302.0, 260.0]), 18.0)
    scores = np.stack((np.full(21, 0.8), np.full(21, 0.9)))
    merged = crops.merged(body, views, np.stack((one, one)), scores, SIZE)
    assert np.allclose(merged.scores[RIGHT], 0.9)
    assert np.allclose(merged.scores[LEFT], 0.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -5.0, 1e9])
def test_bad_numbers_are_missing_points(crops: HandCrops, value: float) -> None:
    body = seen(left=0.1)
    views = crops.views(body, SIZE)[:1]
    points, scores = look(views[0], 0.9)
    points[5] = value
    scores[6] = np.nan
    merged = crops.merged(body, views, points[None], scores[None], SIZE)
    assert (merged.scores[LEFT[[5, 6]]] == 0.0).all()
    assert np.isfinite(merged.keypoints).all() and np.isfinite(merged.scores).all()
    points[0] = np.nan
    merged = crops.merged(body, views, points[None], scores[None], SIZE)
    assert np.array_equal(merged.scores, body.scores)


def test_a_layout_without_hands_is_refused() -> None:
    with pytest.raises(LayoutError, match="coco_17"):
        HandCrops("coco_17")
