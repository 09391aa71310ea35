from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from world import STEP_NS, Camera, Detector, Hands, Keypoints, World, middles, person

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.pose.topdown import TopDownEstimator


def test_it_is_a_pose_estimator_and_gives_the_truth() -> None:
    camera = Camera()
    assert isinstance(camera.estimator, PoseEstimator)
    assert camera.estimator.layout == "coco_wholebody_133"
    assert camera.estimator.identity == "detector: scripted detector; keypoints: scripted keypoints"
    frame = camera.show(person(200), person(450, 260, 240))
    assert (frame.stamp_ns, frame.image_size) == (STEP_NS, (480, 640))
    for skeleton, truth in zip(frame.skeletons, (person(200), person(450, 260, 240)), strict=True):
        assert skeleton.track_id == -1
        assert np.allclose(skeleton.keypoints, truth, atol=1e-3)
        assert np.allclose(skeleton.scores, 0.9) and abs(skeleton.bbox_score - 0.9) < 1e-6
        low, high = skeleton.bbox[:2], skeleton.bbox[:2] + skeleton.bbox[2:]
        assert (low <= truth.min(axis=0)).all() and (high >= truth.max(axis=0)).all()
        assert (
            skeleton.keypoints.dtype == skeleton.scores.dtype == skeleton.bbox.dtype == np.float32
        )
    assert set(camera.estimator.timings_ms) == {"detect", "keypoints", "total"}


def test_between_detector_runs_people_are_followed_as_they_walk() -> None:
    camera = Camera(detect_every_s=1.0)
    for i in range(63):  # two seconds; 3 px a frame are 0.3 body heights a second
        walk = 3 * i
        frame = camera.show(person(150 + walk), person(500 - walk // 2))
        assert middles(frame) == [150 + walk, 500 - walk // 2]
    assert len(camera.detector.runs) == 2 + 1  # at 0, 1 and 2 seconds
    assert camera.keypoints.runs == [2] * 63


def test_every_image_is_detected_when_asked() -> None:
    camera = Camera(detect_every_s=0.0)
    for _ in range(5):
        camera.show(person(300))
    assert len(camera.detector.runs) == 5


def test_somebody_new_is_seen_at_the_next_run() -> None:
    camera = Camera(detect_every_s=0.5)
    for _ in range(16):
        frame = camera.show(person(150), person(450))
    assert middles(frame) == [150, 450]
    assert camera.keypoints.runs[-1] == 2


def test_who_jumps_is_lost_and_found_in_the_same_image() -> None:
    camera = Camera(detect_every_s=10.0)
    for _ in range(10):
        camera.show(person(100, 300, 200))
    frame = camera.show(person(500, 300, 200))
    assert middles(frame) == [500]
    assert len(camera.detector.runs) == 2


def test_who_really_left_is_not_looked_for_in_every_image() -> None:
    camera = Camera(detect_every_s=2.0)
    for _ in range(10):
        camera.show(person(150), person(450))
    before = len(camera.detector.runs)
    for _ in range(150):  # five seconds
        frame = camera.show(person(150))
    assert middles(frame) == [150]
    assert 2 <= len(camera.detector.runs) - before <= 12


def test_an_empty_room_costs_five_detector_runs_a_second_and_no_more() -> None:
    camera = Camera()
    for _ in range(30):
        assert camera.show().skeletons == ()
    assert 4 <= len(camera.detector.runs) <= 6
    assert camera.keypoints.runs == []
    for _ in range(6):
        frame = camera.show(person(300))
    assert middles(frame) == [300]


def test_a_detector_that_sees_nobody_for_minutes_loses_nobody_who_is_clear() -> None:
    camera = Camera()
    camera.show(person(300))
    camera.world.blind = True
    for _ in range(180):
        assert middles(camera.show(person(300), after_ns=1_000_000_000)) == [300]


def test_a_phantom_does_not_outlive_the_detectors_doubt() -> None:
    """Keypoints half sure of a coat on a hook, which the detector once took for a person."""
    camera = Camera()
    camera.world.sure = 0.5
    assert middles(camera.show(person(300))) == [300]
    camera.world.blind = True
    kept = [len(camera.show(person(300), after_ns=200_000_000).skeletons) for _ in range(40)]
    assert kept[:5] == [1] * 5
    assert kept[-1] == 0
    assert sum(kept) * 0.2 < 5.0


def test_a_score_that_falls_ends_it() -> None:
    camera = Camera(min_score=0.3)
    for _ in range(20):
        camera.show(person(300))
    camera.world.sure = 0.2
    kept = [len(camera.show(person(300)).skeletons) for _ in range(60)]
    assert kept[:5] == [1] * 5, "a few blurred images lose nobody"
    assert kept[30:] == [0] * 30


def test_one_person_seen_twice_is_one() -> None:
    camera = Camera()
    camera.world.extra = [(210.0, 100.0, 400.0, 400.0), (240.0, 80.0, 360.0, 380.0)]
    assert middles(camera.show(person(300))) == [300]


def test_of_two_who_pass_the_hidden_one_gives_way() -> None:
    camera = Camera(detect_every_s=10.0)
    for i in range(40):
        left, right = 100 + 10 * i, 500 - 10 * i
        hidden = abs(left - right) < 60
        people = [person(left)] if hidden else [person(left), person(right)]
        frame = camera.show(*people)
        if i < 23 or i > 23 + 15:  # 15 images are half a second
            assert middles(frame) == sorted([left] if hidden else [left, right]), i
    assert middles(frame) == [110, 490]


def test_a_box_that_shrank_to_the_head_grows_again() -> None:
    """A table hid all but the head; the followed box shows no more until the detector does."""
    camera = Camera(detect_every_s=1.0)
    everything = person(300)

    def behind_table() -> np.ndarray:
        points = everything.copy()
        points[5:23] = points[0]
        points[91:] = points[0]
        return points

    for _ in range(10):
        camera.show(behind_table())
    for _ in range(35):
        frame = camera.show(everything)
    (skeleton,) = frame.skeletons
    assert (skeleton.scores >= 0.3).all()


def test_thirty_people_at_once() -> None:
    crowd = [person(30 + 100 * (i % 6), 48 + 90 * (i // 6), 80) for i in range(30)]
    camera = Camera(max_people=64)
    for _ in range(3):
        assert len(camera.show(*crowd).skeletons) == 30
    assert camera.keypoints.runs == [30] * 3
    few = Camera(max_people=4)
    for _ in range(40):
        frame = few.show(*crowd)
        assert len(frame.skeletons) == 4
    assert max(few.keypoints.runs) <= 6


def test_hands_of_all_people_are_one_run() -> None:
    hands = Hands()
    camera = Camera(hands)
    frame = camera.show(person(150), person(450))
    assert hands.runs == [4]
    assert "hands" in camera.estimator.timings_ms
    for skeleton in frame.skeletons:
        assert np.allclose(skeleton.scores[91:], 0.95) and np.allclose(skeleton.scores[:91], 0.9)


def test_a_body_layout_of_its_own_works() -> None:
    world = World()

    class Body(Keypoints):
        num_keypoints = 17

        def look(self, people: list[np.ndarray], box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            points, scores = super().look(people, box)
            return points[:17], scores[:17]

    estimator = TopDownEstimator(Detector(world), Body(world), layout="coco_17")
    (skeleton,) = estimator.estimate(world.image(person(300)), 0).skeletons
    assert skeleton.keypoints.shape == (17, 2)


def test_cameras_in_threads_take_turns_at_the_networks() -> None:
    camera = Camera()
    inside, most = [0], [0]
    look = camera.keypoints.estimate

    def watched(crops: Any) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.001)
        inside[0] -= 1
        return look(crops)

    camera.keypoints.estimate = watched  # type: ignore[method-assign]
    image = camera.world.image(person(300))

    def film(estimator: TopDownEstimator) -> list[int]:
        return [len(estimator.estimate(image, i * STEP_NS).skeletons) for i in range(10)]

    estimators = [camera.estimator, *(camera.estimator.another() for _ in range(3))]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(film, estimators)) == [[1] * 10] * 4
    assert most == [1]


def test_the_last_camera_frees_the_networks() -> None:
    camera = Camera(Hands())
    second = camera.estimator.another()
    camera.estimator.close()
    camera.estimator.close()
    assert camera.detector.closed == 0
    with pytest.raises(ConfigurationError, match="closed"):
        camera.show(person(300))
    with pytest.raises(ConfigurationError, match="closed"):
        camera.estimator.another()
    assert len(second.estimate(camera.world.image(person(300)), 0).skeletons) == 1
    second.close()
    assert (camera.detector.closed, camera.keypoints.closed) == (1, 1)
