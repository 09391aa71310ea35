from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import EngineError, InvalidImageError
from bharnet_ros.pose import Job, PoseEstimator, batches, check_image, estimate_together
from bharnet_ros.pose.topdown import TopDownEstimator
from bharnet_ros.types import Image, SkeletonFrame

STEP_NS = 33_333_333


class Alone:
    """An estimator that runs by itself, as mediapipe does."""

    layout = "coco_wholebody_133"

    def __init__(self) -> None:
        self.stamps: list[int] = []

    @property
    def timings_ms(self) -> dict[str, float]:
        return {"total": 1.0}

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        check_image(image_bgr)
        self.stamps.append(stamp_ns)
        return SkeletonFrame(stamp_ns, image_bgr.shape[:2], self.layout, ())

    def reset(self) -> None:
        self.stamps = []

    def another(self) -> PoseEstimator:
        return Alone()

    def close(self) -> None:
        pass


class Networks:
    """A detector that sees one person in a bright image and a keypoint network that sees them.

    Images whose pixel (1, 1) is red make every network fail. runs: how many each run was for.
    """

    identity = "scripted"
    num_keypoints = 133

    def __init__(self) -> None:
        self.runs: dict[str, list[int]] = {"detect": [], "keypoints": []}
        self.closed = 0

    def detect(self, images: Any) -> Any:
        self.runs["detect"].append(len(images))
        self._fail(images)
        box = np.array([[100.0, 50.0, 300.0, 400.0]], np.float32)
        return [
            (box, np.ones(1, np.float32)) if image[0, 0].any() else (box[:0], np.ones(0))
            for image in images
        ]

    def estimate(self, crops: Any) -> Any:
        self.runs["keypoints"].append(len(crops))
        self._fail([image for image, _ in crops])
        shares = np.random.default_rng(3).uniform(0.1, 0.9, (133, 2))
        points = [box[:2] + shares * (box[2:] - box[:2]) for _, box in crops]
        return np.array(points, np.float32), np.full((len(crops), 133), 0.9, np.float32)

    def _fail(self, images: Any) -> None:
        if any(image[1, 1, 2] for image in images):
            raise EngineError("The engine failed; restart it.")

    def close(self) -> None:
        self.closed += 1


def image(bright: bool = True, red: bool = False, size: tuple[int, int] = (480, 640)) -> Image:
    made = np.zeros((*size, 3), np.uint8)
    made[0, 0], made[1, 1, 2] = 255 * bright, 255 * red
    return made


@pytest.fixture
def networks() -> Networks:
    return Networks()


@pytest.fixture
def cameras(networks: Networks) -> list[TopDownEstimator]:
    first = TopDownEstimator(networks, networks)
    return [first, first.another(), first.another()]


def people(results: list[Any]) -> list[int]:
    return [len(result.skeletons) for result in results]


def test_nothing_to_do_is_nothing() -> None:
    assert estimate_together([]) == []


def test_cameras_on_one_network_are_one_batch(
    networks: Networks, cameras: list[TopDownEstimator]
) -> None:
    for i in range(3):
        jobs = [Job(camera, image(), i * STEP_NS + k) for k, camera in enumerate(cameras)]
        results = estimate_together(jobs)
        assert people(results) == [1, 1, 1]
        assert [result.stamp_ns for result in results] == [job.stamp_ns for job in jobs]
    assert networks.runs == {"detect": [3], "keypoints": [3, 3, 3]}
    assert all("keypoints" in camera.timings_ms for camera in cameras)


def test_who_needs_the_detector_does_not_part_the_batch_of_keypoints(
    networks: Networks, cameras: list[TopDownEstimator]
) -> None:
    """A camera that starts later is at its detector while the others are not."""
    estimate_together([Job(camera, image(), 0) for camera in cameras[:2]])
    estimate_together([Job(camera, image(), STEP_NS) for camera in cameras])
    assert networks.runs == {"detect": [2, 1], "keypoints": [2, 3]}


def test_cameras_remember_their_own_people(
    networks: Networks, cameras: list[TopDownEstimator]
) -> None:
    for i in range(3):
        jobs = [
            Job(cameras[0], image(), i * STEP_NS),
            Job(cameras[1], image(bright=False, size=(240, 320)), i),
        ]
        results = estimate_together(jobs)
        assert people(results) == [1, 0]
        assert [result.image_size for result in results] == [(480, 640), (240, 320)]
    alone = TopDownEstimator(networks, networks)
    direct = alone.estimate(image(), 0).skeletons[0]
    assert np.allclose(direct.keypoints[:, 0].mean(), 200.0, atol=25.0)


def test_one_cameras_failure_costs_no_other_its_frame(
    networks: Networks, cameras: list[TopDownEstimator]
) -> None:
    estimate_together([Job(camera, image(), 0) for camera in cameras])
    results = estimate_together(
        [
            Job(cameras[0], image(), STEP_NS),
            Job(cameras[1], image(red=True), STEP_NS),
            Job(cameras[2], image()[:4], STEP_NS),
        ]
    )
    assert isinstance(results[0], SkeletonFrame) and len(results[0].skeletons) == 1
    assert isinstance(results[1], EngineError)
    assert isinstance(results[2], InvalidImageError)
    again = estimate_together([Job(camera, image(), 2 * STEP_NS) for camera in cameras])
    assert people(again) == [1, 1, 1]


def test_other_backends_run_one_after_another_and_in_their_places(
    networks: Networks, cameras: list[TopDownEstimator]
) -> None:
    alone, sick = Alone(), Alone()
    jobs = [
        Job(alone, image(), 7),
        Job(cameras[0], image(), 8),
        Job(sick, image()[:4], 9),
        Job(cameras[1], image(), 10),
        Job(TopDownEstimator(Networks(), networks), image(), 11),
    ]
    results = estimate_together(jobs)
    assert isinstance(results[2], InvalidImageError)
    stamps = [r.stamp_ns for r in results if isinstance(r, SkeletonFrame)]
    assert stamps == [7, 8, 10, 11]
    assert networks.runs["detect"] == [2]


def test_several_images_of_one_camera_are_taken_in_order(
    networks: Networks, cameras: list[TopDownEstimator]
) -> None:
    jobs = [
        Job(cameras[0], image(), 0),
        Job(cameras[0], image(), STEP_NS),
        Job(cameras[1], image(), 5),
    ]
    results = estimate_together(jobs)
    assert people(results) == [1, 1, 1]
    assert networks.runs == {"detect": [2], "keypoints": [2, 1]}


def test_a_closed_camera_is_an_error_of_its_own(cameras: list[TopDownEstimator]) -> None:
    cameras[0].close()
    results = estimate_together([Job(camera, image(), 0) for camera in cameras])
    assert isinstance(results[0], Exception) and "closed" in str(results[0])
    assert people(results[1:]) == [1, 1]


def test_what_batches_is_known_beforehand(
    networks: Networks, cameras: list[TopDownEstimator]
) -> None:
    other = TopDownEstimator(networks, networks)
    assert batches(cameras[0], cameras[1])
    assert not batches(cameras[0], cameras[0])
    assert not batches(cameras[0], other)
    assert not batches(cameras[0], Alone()) and not batches(Alone(), cameras[0])
    cameras[1].close()
    assert not batches(cameras[1], cameras[2]) and not batches(cameras[2], cameras[1])
