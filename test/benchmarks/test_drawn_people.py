"""What counts as correct of drawn people, and where hands stop being usable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.drawn_people import LARGE, SMALL, Job, conditions, play, usable
from benchmarks.drawn_scores import Condition, Sight, by_height, crossing, person_counts, summary
from benchmarks.drawn_views import camera, cast, height_px, nearest_m, pair, palm_px
from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.types import Image, Skeleton, SkeletonFrame


def real(center: tuple[float, float] = (320.0, 240.0), raised: bool = True) -> Skeleton:
    wrist = (-0.5, -1.0) if raised else (-0.5, 0.05)
    points = person_keypoints(center, 100.0, wrist)
    return skeleton(0, points, np.ones(133, np.float32))


def off(person: Skeleton, indices: slice, by: tuple[float, float]) -> Skeleton:
    points = person.keypoints.copy()
    points[indices] += np.float32(by)
    return replace(person, keypoints=points)


def test_everything_is_right_of_the_truth_and_wrong_of_nobody() -> None:
    person = real()
    right, hands = person_counts(person, person)
    wrong, _ = person_counts(person, None)
    assert hands == (91, 112)
    assert right["box_0.1"] == (17, 17) and right["hand_0.1"] == (42, 42)
    assert right["raised_0.2"] == (21, 21) and right["raised_found"] == (1, 1)
    assert all(count == (0, right[name][1]) for name, count in wrong.items())


def test_a_body_point_may_be_off_by_a_share_of_the_box_or_of_the_torso() -> None:
    person = real()
    box, torso = float(person.bbox[2:].max()), float(np.hypot(57.0, 100.0))
    for name, length in (("box_0.1", 0.1 * box), ("torso_0.1", 0.1 * torso)):
        for share, right in ((0.99, 17), (1.01, 16)):
            moved = off(person, slice(9, 10), (share * length, 0.0))
            assert person_counts(person, moved)[0][name][0] == right


def test_hidden_points_do_not_count_and_points_not_found_are_wrong() -> None:
    person = real()
    scores = person.scores.copy()
    scores[[0, 1]] = 0.5
    hidden = replace(person, scores=scores)
    assert person_counts(hidden, person)[0]["box_0.1"] == (17 - 2, 15)
    scores = person.scores.copy()
    scores[91:112] = 0.0
    lost = person_counts(person, replace(person, scores=scores))[0]
    assert lost["hand_found"] == (1, 2) and lost["hand_0.1"] == (21, 42)


def test_a_hand_counts_with_fourteen_points_in_view_and_is_raised_above_the_waist() -> None:
    person = real(raised=False)
    scores = person.scores.copy()
    scores[91:99] = 0.5
    found, hands = person_counts(replace(person, scores=scores), person)
    assert hands == (112,) and found["hand_0.1"] == (21, 21)
    assert "raised_0.1" not in found


def test_people_are_paired_by_likeness_one_to_one() -> None:
    left, right = real((200.0, 240.0)), real((420.0, 240.0))
    ghost = off(real((200.0, 240.0)), slice(0, 133), (30.0, 0.0))
    assert pair([left, right], [right, ghost, left], LAYOUT) == [left, right]
    assert pair([left, right], [right], LAYOUT) == [None, right]
    assert pair([left], [], LAYOUT) == [None] and pair([], [left], LAYOUT) == []
    far = off(left, slice(0, 133), (900.0, 0.0))
    assert pair([left], [far], LAYOUT) == [None]


def test_the_distance_is_where_the_share_falls_below() -> None:
    assert crossing((1.0, 2.0, 3.0), (1.0, 0.9, 0.7), 0.8) == pytest.approx(2.5)
    assert crossing((1.0, 2.0), (1.0, 0.9), 0.8) == float("inf")
    assert np.isnan(crossing((1.0, 2.0), (0.7, 0.9), 0.8)) and np.isnan(crossing((), (), 0.8))
    assert crossing((1.0, 2.0, 3.0), (0.9, float("nan"), 0.9), 0.8) != float("inf")


def test_sizes_at_the_end_of_use_go_with_one_over_the_distance() -> None:
    rows = {
        Condition(1, SMALL, metres): {
            "raised_0.2": share, "raised_0.2_count": count,
            "palm_px": 50.0 / metres, "height_px": 900.0 / metres,
        }
        for metres, share, count in (
            (0.5, float("nan"), 0), (1.0, 1.0, 420), (2.0, 0.9, 420), (4.0, 0.7, 420)
        )
    }  # fmt: skip
    rows[Condition(8, LARGE, 0.6)] = dict.fromkeys(rows[Condition(1, SMALL, 1.0)], 0.0)
    limit = usable(rows)
    assert limit["distance_m"] == pytest.approx(3.0)
    assert limit["palm_px"] == pytest.approx(50.0 / 3.0)
    assert limit["height_px"] == pytest.approx(300.0)
    assert usable({Condition(8, LARGE, 0.6): rows[Condition(8, LARGE, 0.6)]}) == {}


def test_shares_are_of_points_and_people_fall_into_sizes() -> None:
    condition = Condition(1, SMALL, 2.0)
    sights = [
        Sight(condition, 320.0, True, {"box_0.1": (17, 17)}, (20.0,)),
        Sight(condition, 120.0, False, {"box_0.1": (0, 3)}, ()),
    ]
    row = summary(sights)
    assert row["found"] == 0.5 and row["box_0.1"] == 17 / 20 and row["palm_px"] == 20.0
    assert np.isnan(row["raised_0.2"]) and row["raised_0.2_count"] == 0
    assert {name: each["sights"] for name, each in by_height(sights).items()} == {
        "0 to 150 px": 1, "300 to 400 px": 1
    }  # fmt: skip


def test_everybody_has_room_and_the_stated_size() -> None:
    view = camera(*SMALL)
    assert 2.0 * np.degrees(np.arctan(320.0 / view.focal_px)) == pytest.approx(60.0)
    assert nearest_m(8, view) == pytest.approx(7.27, abs=0.01)
    for condition in conditions():
        assert condition.distance_m >= nearest_m(condition.people, camera(*condition.size)) - 0.05
    scene = cast(7, 1, 3.0, 2.0, view)
    (actor,) = scene.actors
    pose = scene.pose(actor, 0.0)
    assert height_px(scene, actor, pose) == pytest.approx(
        actor.performance.shape.height * view.focal_px / 3.0, rel=0.08
    )
    assert 8.0 < palm_px(scene, pose, 91) < 25.0


class Knows:
    """Says that two people are where the first frame's truth has the first one."""

    layout = LAYOUT

    def __init__(self, truth: SkeletonFrame) -> None:
        self.truth, self.closed = truth, False

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        return replace(self.truth, stamp_ns=stamp_ns)

    def close(self) -> None:
        self.closed = True


def test_a_scene_is_played_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    condition = Condition(1, (160, 120), 2.5)
    scene = cast(3, 1, 2.5, 3.0, camera(160, 120))
    knows = Knows(scene.frame(1.0).skeletons)
    asked: list[object] = []

    def create(name: str, **options: object) -> PoseEstimator:
        asked.append((name, options))
        return knows  # type: ignore[return-value]

    monkeypatch.setattr("benchmarks.drawn_people.create_pose_estimator", create)
    sights = play(Job(condition, 3, "somebody", {"num_threads": 1}))
    assert asked == [("somebody", {"max_people": 1, "num_threads": 1})] and knows.closed
    assert len(sights) == 30  # the first of the three seconds does not count
    assert sights[0].found and sights[0].counts["torso_0.1"][0] == sights[0].counts["torso_0.1"][1]
