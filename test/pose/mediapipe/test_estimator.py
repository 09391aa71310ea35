"""The whole estimator on real networks; pictures of people come from the shared test data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, InvalidImageError
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.pose.mediapipe.skeletons import bounding_box
from bharnet_ros.types import Image, SkeletonFrame

SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
) / 1000.0  # fmt: skip
"""Of the COCO keypoint evaluation."""


@pytest.fixture(scope="module")
def estimator() -> Iterator[PoseEstimator]:
    made = create_pose_estimator("mediapipe", num_threads=2, max_people=8)
    yield made
    made.close()


@pytest.fixture
def ball_game(shared_data: Path) -> Image:
    return read(shared_data / "coco_wholebody" / "000000196141.jpg")


def read(path: Path) -> Image:
    if not path.is_file():
        pytest.skip(f"{path.name} is not in the shared test data")
    image = cv2.imread(str(path))
    assert image is not None
    return np.asarray(image, dtype=np.uint8)


def frames(path: Path, step: int) -> Iterator[tuple[Image, int]]:
    """Every `step`-th image of a video with its stamp."""
    if not path.is_file():
        pytest.skip(f"{path.name} is not in the shared test data")
    video = cv2.VideoCapture(str(path))
    index = 0
    while True:
        good, image = video.read()
        if not good:
            break
        if index % step == 0:
            yield image, int(index / video.get(cv2.CAP_PROP_FPS) * 1e9)
        index += 1


def oks(frame: SkeletonFrame, keypoints: np.ndarray, area: float) -> float:
    """Object keypoint similarity of the best skeleton; missing keypoints count as wrong."""
    visible = keypoints[:, 2] > 0
    best = 0.0
    for skeleton in frame.skeletons:
        gaps = np.sum((skeleton.keypoints[:17] - keypoints[:, :2]) ** 2, axis=1)
        near = np.exp(-gaps / (2.0 * area * (2.0 * SIGMAS) ** 2))
        best = max(best, float(np.where(skeleton.scores[:17] > 0, near, 0.0)[visible].mean()))
    return best


def equal(a: SkeletonFrame, b: SkeletonFrame) -> bool:
    return len(a.skeletons) == len(b.skeletons) and all(
        np.array_equal(s.keypoints, t.keypoints)
        and np.array_equal(s.scores, t.scores)
        and np.array_equal(s.bbox, t.bbox)
        and s.bbox_score == t.bbox_score
        for s, t in zip(a.skeletons, b.skeletons, strict=True)
    )


@pytest.mark.parametrize("shape", [(480, 640), (720, 1280), (8, 8), (16, 2000)])
def test_an_empty_view_gives_an_empty_frame(
    estimator: PoseEstimator, shape: tuple[int, int]
) -> None:
    estimator.reset()
    for value, stamp_ns in ((0, 0), (127, 1)):
        image = np.full((*shape, 3), value, dtype=np.uint8)
        frame = estimator.estimate(image, stamp_ns)
        assert frame.skeletons == ()
        assert frame.image_size == shape
        assert (frame.stamp_ns, frame.layout) == (stamp_ns, "coco_wholebody_133")


def test_noise_is_nobody(estimator: PoseEstimator) -> None:
    estimator.reset()
    image = np.random.default_rng(5).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert estimator.estimate(image, 0).skeletons == ()


def test_bad_images_are_refused(estimator: PoseEstimator) -> None:
    with pytest.raises(InvalidImageError, match="uint8"):
        estimator.estimate(np.zeros((48, 64, 3)), 0)


def test_every_person_of_a_ball_game_is_found(
    estimator: PoseEstimator, ball_game: Image, shared_data: Path
) -> None:
    truth = json.loads((shared_data / "coco_wholebody" / "test_coco_wholebody.json").read_text())
    estimator.reset()
    frame = estimator.estimate(ball_game, 0)
    seen = 0
    for person in truth["annotations"]:
        keypoints = np.array(person["keypoints"], dtype=np.float64).reshape(17, 3)
        if person["image_id"] == 196141 and (keypoints[:, 2] > 0).any():
            assert oks(frame, keypoints, person["area"]) > 0.7
            seen += 1
    assert seen == len(frame.skeletons) == 4
    for skeleton in frame.skeletons:
        assert skeleton.track_id == -1
        assert skeleton.keypoints.shape == (133, 2) and skeleton.scores.shape == (133,)
        assert skeleton.keypoints.dtype == skeleton.scores.dtype == np.float32
        assert ((skeleton.scores >= 0) & (skeleton.scores <= 1)).all()
        x, y, width, height = skeleton.bbox
        assert x >= 0 and y >= 0 and x + width <= 640 and y + height <= 429


def test_the_same_images_give_the_same_skeletons(
    estimator: PoseEstimator, ball_game: Image
) -> None:
    estimator.reset()
    first = [estimator.estimate(ball_game, stamp) for stamp in (0, 40_000_000)]
    estimator.reset()
    again = [estimator.estimate(ball_game, stamp) for stamp in (0, 40_000_000)]
    assert all(equal(a, b) for a, b in zip(first, again, strict=True))
    # Time going back is the same as a reset.
    assert equal(estimator.estimate(ball_game, 0), first[0])


def test_people_are_followed_without_the_detector(
    estimator: PoseEstimator, ball_game: Image
) -> None:
    estimator.reset()
    first = estimator.estimate(ball_game, 0)
    second = estimator.estimate(ball_game, 1)
    assert estimator.timings_ms["detect"] < 0.5 * estimator.timings_ms["total"]
    assert len(second.skeletons) == len(first.skeletons)
    for a, b in zip(first.skeletons, second.skeletons, strict=True):
        seen = (a.scores > 0.5) & (b.scores > 0.5)
        gaps = np.hypot(*(a.keypoints - b.keypoints)[seen].T)
        assert np.median(gaps) < 0.05 * a.bbox[2:].max()


def test_another_camera_has_a_memory_of_its_own(estimator: PoseEstimator, ball_game: Image) -> None:
    estimator.reset()
    alone = [estimator.estimate(ball_game, stamp) for stamp in (0, 40_000_000)]
    estimator.reset()
    twin = estimator.another()
    assert equal(estimator.estimate(ball_game, 0), alone[0])
    assert twin.estimate(np.full((96, 128, 3), 90, np.uint8), 5_000_000_000).skeletons == ()
    assert equal(estimator.estimate(ball_game, 40_000_000), alone[1])
    assert equal(twin.estimate(ball_game, 0), alone[0])
    twin.close()
    twin.close()
    assert equal(estimator.estimate(ball_game, 0), alone[0])
    for use in (lambda: twin.estimate(ball_game, 0), twin.another):
        with pytest.raises(ConfigurationError, match="closed"):
            use()


def test_cameras_of_several_threads_take_turns(estimator: PoseEstimator, ball_game: Image) -> None:
    estimator.reset()
    alone = estimator.estimate(ball_game, 0)
    cameras = [estimator.another(), estimator.another()]
    with ThreadPoolExecutor(2) as pool:
        frames = list(pool.map(lambda camera: camera.estimate(ball_game, 0), cameras))
    assert all(equal(frame, alone) for frame in frames)


def test_two_skiers_who_overlap_are_two(estimator: PoseEstimator, shared_data: Path) -> None:
    image = read(shared_data / "coco_wholebody" / "000000197388.jpg")
    truth = json.loads((shared_data / "coco_wholebody" / "test_coco_wholebody.json").read_text())
    people = [person for person in truth["annotations"] if person["image_id"] == 197388]
    estimator.reset()
    frames = [estimator.estimate(image, number * 66_666_667) for number in range(9)]
    assert len(people) == 5 and max(len(frame.skeletons) for frame in frames) == 5
    all_seen = [frame for frame in frames if len(frame.skeletons) == 5]
    for person in people:
        keypoints = np.array(person["keypoints"], dtype=np.float64).reshape(17, 3)
        assert oks(all_seen[-1], keypoints, person["area"]) > 0.3
    if len(all_seen) <= 0.5 * len(frames):
        # Of the one behind the network is not sure in every image; whether in most is a matter of
        # how pixels are interpolated: 8 of 9 with OpenCV 5.0, 2 of 9 with 4.6.
        assert int(cv2.__version__.split(".")[0]) < 5
        pytest.xfail(f"the one behind is seen in {len(all_seen)} of {len(frames)} images")


def test_people_who_leave_are_dropped_and_found_again(
    estimator: PoseEstimator, ball_game: Image
) -> None:
    estimator.reset()
    count = len(estimator.estimate(ball_game, 0).skeletons)
    assert estimator.estimate(np.full_like(ball_game, 90), 40_000_000).skeletons == ()
    assert len(estimator.estimate(ball_game, 1_000_000_000).skeletons) > 0
    assert len(estimator.estimate(ball_game, 2_000_000_000).skeletons) <= count


@pytest.mark.parametrize(
    "options", [{"max_people": "8"}, {"min_score": None}, {"detect_every_s": [1.0]},
                {"max_tilt_deg": "60"}, {"num_threads": True}, {"min_presence": float("nan")},
                {"max_people": 65}]
)  # fmt: skip
def test_what_is_no_number_in_range_is_refused_by_name(options: dict[str, Any]) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ConfigurationError, match=f"{name} is {value!r}".replace("[", r"\[")):
        create_pose_estimator("mediapipe", **options)


def test_numbers_of_numpy_are_numbers() -> None:
    made = create_pose_estimator("mediapipe", max_people=np.int64(2), min_score=np.float32(0.5))
    made.close()


def test_max_people_is_a_limit(ball_game: Image) -> None:
    limited = create_pose_estimator("mediapipe", max_people=2, hands=False)
    frame = limited.estimate(ball_game, 0)
    assert len(frame.skeletons) == 2
    assert all((s.scores[91:] == 0).all() for s in frame.skeletons)
    limited.close()
    with pytest.raises(ConfigurationError, match="closed"):
        limited.estimate(ball_game, 1)


def test_a_signing_person_has_a_body_and_hands(estimator: PoseEstimator, shared_data: Path) -> None:
    estimator.reset()
    left = right = count = 0
    for image, stamp_ns in frames(shared_data / "videos" / "msl150_doctor_001.mp4", 3):
        (person,) = estimator.estimate(image, stamp_ns).skeletons
        assert person.scores[[5, 6, 7, 8]].min() > 0.5
        for wrist, hand in ((9, 91), (10, 112)):
            if person.scores[hand] > 0.5:
                gap = np.hypot(*(person.keypoints[wrist] - person.keypoints[hand]))
                palm = np.hypot(*(person.keypoints[hand + 9] - person.keypoints[hand]))
                assert gap < 1.5 * max(float(palm), 40.0)
        left += person.scores[91] > 0.5
        right += person.scores[112] > 0.5
        count += 1
    assert left > 0.9 * count and right > 0.9 * count


def test_a_pool_without_people_yields_nobody(estimator: PoseEstimator, shared_data: Path) -> None:
    estimator.reset()
    path = shared_data / "videos" / "mmaction2_tests_test.mp4"
    found = [len(estimator.estimate(image, ns).skeletons) for image, ns in frames(path, 3)]
    assert len(found) == 100 and sum(found) == 0


def test_the_box_holds_the_keypoints_that_count() -> None:
    keypoints, scores = np.zeros((133, 2)), np.zeros(133, dtype=np.float32)
    np.testing.assert_array_equal(bounding_box(keypoints, scores, 480, 640), np.zeros(4))
    keypoints[[9, 10, 11]] = [10.0, 20.0], [30.0, 60.0], [400.0, 400.0]
    scores[[9, 10, 11]] = 0.9, 0.5, 0.1
    box = bounding_box(keypoints, scores, 480, 640)
    np.testing.assert_allclose(box, [8.0, 18.0, 24.0, 44.0], rtol=1e-5)


def test_the_box_reaches_over_the_head_and_stays_in_the_image() -> None:
    keypoints, scores = np.zeros((133, 2)), np.zeros(133, dtype=np.float32)
    keypoints[[0, 5, 6, 11]] = [100.0, 100.0], [140.0, 150.0], [60.0, 150.0], [100.0, 700.0]
    scores[[0, 5, 6, 11]] = 1.0
    x, y, width, height = bounding_box(keypoints, scores, 480, 640)
    assert y == pytest.approx(100.0 - 0.7 * 50.0 - 0.05 * 635.0, abs=1.0)
    assert y + height == 480.0
    assert x < 60.0 and x + width > 140.0
