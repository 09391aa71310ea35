"""Scenes: the same seed gives the same world, and each part has its own seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation import OCCLUDED_SCORE, Camera, Effects, Scene

SMALL = Camera(320, 180, 262.0)


def _scene(seed: int = 3, people: int = 2, duration_s: float = 8.0, **changes: object) -> Scene:
    return Scene.random(seed, people, duration_s, camera=SMALL, **changes)


def test_same_seed_same_frames_in_any_order() -> None:
    first, second = _scene(), _scene()
    early, late = first.frame(1.0), first.frame(2.0)
    assert np.array_equal(second.frame(2.0).image, late.image)
    again = second.frame(1.0)
    assert np.array_equal(again.image, early.image)
    for a, b in zip(early.skeletons.skeletons, again.skeletons.skeletons, strict=True):
        assert np.array_equal(a.keypoints, b.keypoints) and np.array_equal(a.scores, b.scores)
    assert first.segments == second.segments
    assert not np.array_equal(_scene(seed=4).frame(1.0).image, early.image)


def test_truth_is_consistent_with_the_image() -> None:
    scene = _scene()
    frame = scene.frame(1.5, stamp_ns=77)
    assert frame.skeletons.stamp_ns == 77
    assert frame.skeletons.image_size == (180, 320) and frame.image.shape == (180, 320, 3)
    assert [s.track_id for s in frame.skeletons.skeletons] == [0, 1]
    for skeleton in frame.skeletons.skeletons:
        assert skeleton.keypoints.shape == (133, 2) and skeleton.scores.shape == (133,)
        assert set(np.unique(skeleton.scores)) <= {0.0, OCCLUDED_SCORE, 1.0}
        inside = SMALL.contains(skeleton.keypoints)
        assert (skeleton.scores[inside] > 0).all() and (skeleton.scores[~inside] == 0).all()
        x, y, w, h = skeleton.bbox
        assert x >= 0 and y >= 0 and x + w < 320 and y + h < 180 and w > 10 and h > 50


def test_people_do_not_stand_in_front_of_each_other() -> None:
    for seed in range(6):
        scene = _scene(seed, people=3)
        columns = []
        for actor in scene.actors:
            pixels, _ = scene.camera.project(scene.pose(actor, 0.0))
            columns.append((pixels[[5, 6, 11, 12], 0].min(), pixels[[5, 6, 11, 12], 0].max()))
        columns.sort()
        for (_, right), (left, _) in pairwise(columns):
            assert right < left


def test_views_stay_in_their_range() -> None:
    for seed in range(5):
        scene = _scene(seed, yaw_range_deg=(30.0, 40.0))
        for actor in scene.actors:
            assert 30.0 <= np.rad2deg(actor.yaw_rad) <= 40.0


def test_facing_the_camera_is_facing_the_camera() -> None:
    scene = _scene(yaw_range_deg=(0.0, 0.0))
    for actor in scene.actors:
        local = scene.camera.to_camera(scene.pose(actor, 0.0))
        assert local[5, 0] > local[6, 0]  # the person's left is on the image's right
        assert abs(local[5, 2] - local[6, 2]) < 0.12


def test_people_and_looks_are_held_by_their_own_seeds() -> None:
    one = _scene(1, people=1, shape_seeds=(5,), appearance_seeds=(6,))
    two = _scene(2, people=1, shape_seeds=(5,), appearance_seeds=(6,))
    other = _scene(1, people=1, shape_seeds=(7,), appearance_seeds=(8,))
    assert one.actors[0].appearance == two.actors[0].appearance
    assert one.actors[0].appearance != other.actors[0].appearance

    def height(scene: Scene) -> float:
        return scene.actors[0].performance.shape.height

    assert height(one) == height(two) != height(other)


def test_only_the_asked_classes_are_played_each_in_turn() -> None:
    scene = _scene(1, people=1, duration_s=60.0, classes=("ok", "victory"))
    names = [s.segment.class_name for s in scene.segments]
    assert set(names) == {"ok", "victory"} and len(names) > 8
    assert abs(names.count("ok") - names.count("victory")) <= 1
    for first, second in pairwise(scene.segments):
        assert first.segment.end_s < second.segment.start_s
    middle = scene.segments[2].segment
    active = scene.frame((middle.start_s + middle.end_s) / 2).active
    assert [a.segment for a in active] == [middle]
    assert scene.frame(0.0).active == ()


def test_faster_people_have_shorter_gestures() -> None:
    slow = _scene(5, people=1, duration_s=60.0, speed_range=(0.6, 0.6)).segments
    fast = _scene(5, people=1, duration_s=60.0, speed_range=(1.6, 1.6)).segments
    assert len(fast) > len(slow)


def test_dropped_frames_are_missing_and_stamps_tell() -> None:
    scene = _scene(duration_s=2.0, drop_rate=0.4, effects=Effects.none())
    stamps = [f.skeletons.stamp_ns for f in scene.frames(10.0, start_ns=1_000)]
    assert 5 <= len(stamps) < 20
    assert all((s - 1_000) % 100_000_000 == 0 for s in stamps)
    assert stamps == sorted(set(stamps))
    assert len(list(_scene(duration_s=1.0, people=0).frames(10.0))) == 10


def test_crossing_person_walks_from_side_to_side() -> None:
    scene = _scene(2, people=2, crossing=True)
    walker = scene.actors[-1]
    start, _ = scene.camera.project(scene.pose(walker, 0.0))
    end, _ = scene.camera.project(scene.pose(walker, scene.duration_s))
    assert abs(end[0, 0] - start[0, 0]) > 200


@pytest.mark.parametrize(
    "changes",
    [
        {"people": 9},
        {"people": 1.5},
        {"duration_s": 0.0},
        {"duration_s": float("nan")},
        {"duration_s": float("inf")},
        {"seed": -1},
        {"shape_seeds": (3, -1)},
        {"drop_rate": 1.0},
        {"speed_range": (0.0, 1.0)},
        {"yaw_range_deg": (10.0, -10.0)},
        {"shape_seeds": (1,)},
        {"distance_range_m": (0.1, 2.0)},
        {"backgrounds": ()},
        {"colour": "red"},
    ],
)
def test_impossible_scenes_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        _scene(**changes)  # type: ignore[arg-type]


def test_unplayable_frame_rate_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="fps"):
        next(iter(_scene().frames(0.0)))
