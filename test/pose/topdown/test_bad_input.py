from __future__ import annotations

import numpy as np
import pytest
from world import STEP_NS, Camera, Detector, Hands, Keypoints, World, middles, person

from bharnet_ros.errors import ConfigurationError, EngineError, InvalidImageError
from bharnet_ros.pose.topdown import TopDownEstimator


@pytest.mark.parametrize(
    "box",
    [
        (-500.0, -500.0, -100.0, -100.0),
        (700.0, 100.0, 900.0, 400.0),
        (300.0, 200.0, 301.0, 201.0),
        (300.0, 200.0, 300.0, 400.0),
        (400.0, 400.0, 300.0, 200.0),
        (float("nan"), 0.0, 100.0, 100.0),
        (0.0, 0.0, float("inf"), 100.0),
    ],
)
def test_boxes_that_cannot_be_looked_at_cost_nothing(
    box: tuple[float, float, float, float],
) -> None:
    camera = Camera()
    camera.world.extra = [box]
    for _ in range(3):
        assert middles(camera.show(person(300))) == [300]
    given = np.stack(camera.keypoints.boxes)
    assert np.isfinite(given).all() and len(given) == 3
    assert camera.show(after_ns=STEP_NS).skeletons == ()


def test_boxes_that_reach_beyond_the_image_are_cut_to_it() -> None:
    camera = Camera()
    frame = camera.show(person(20, 240, 600))
    (box,) = camera.keypoints.boxes
    assert (box >= 0.0).all() and (box[2:] <= (640, 480)).all()
    (skeleton,) = frame.skeletons
    outside = (skeleton.keypoints == 0.0).all(axis=1)
    assert (skeleton.scores[outside] == 0.0).all() and outside.any()


def test_one_pixel_people_are_nobody() -> None:
    camera = Camera(min_person_px=16)
    for _ in range(3):
        assert camera.show(person(300, 200, 1.5)).skeletons == ()
    shrinking = Camera(detect_every_s=10.0)
    for height in (200.0, 150.0, 100.0, 60.0, 30.0, 8.0, 1.0):
        frame = shrinking.show(person(300, 240, height))
    assert frame.skeletons == ()


class Sick(Keypoints):
    """A network that sometimes gives what is no number."""

    value = float("nan")
    share = slice(None)

    def look(self, people: list[np.ndarray], box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points, scores = super().look(people, box)
        points = points.copy()
        points[self.share] = self.value
        return points, scores


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_keypoints_that_are_no_numbers_are_missing(value: float) -> None:
    camera = Camera()
    sick = Sick(camera.world)
    sick.value = value
    estimator = TopDownEstimator(camera.detector, sick)
    for i in range(3):
        assert estimator.estimate(camera.world.image(person(300)), i * STEP_NS).skeletons == ()
    sick.share = slice(91, 133)
    (skeleton,) = estimator.estimate(camera.world.image(person(300)), 10 * STEP_NS).skeletons
    assert np.isfinite(skeleton.keypoints).all() and np.isfinite(skeleton.bbox).all()
    assert (skeleton.scores[91:] == 0.0).all() and (skeleton.scores[:91] > 0.0).all()


def test_time_that_goes_back_starts_afresh() -> None:
    camera = Camera(detect_every_s=10.0)
    for _ in range(5):
        camera.show(person(150))
    camera.show(person(450), after_ns=-4 * STEP_NS)
    assert middles(camera.show(person(450))) == [450]
    assert len(camera.detector.runs) == 2


def test_another_image_size_starts_afresh() -> None:
    camera = Camera(detect_every_s=10.0)
    camera.show(person(150))
    image = camera.world.image(person(150, 120, 200), size=(240, 320))
    assert len(camera.estimator.estimate(image, 2 * STEP_NS).skeletons) == 1
    assert len(camera.detector.runs) == 2


def test_equal_stamps_and_long_gaps_do_no_harm() -> None:
    camera = Camera()
    for after_ns in (STEP_NS, 0, 0, 3_600_000_000_000, STEP_NS):
        assert middles(camera.show(person(300), after_ns=after_ns)) == [300]


def test_a_bad_image_is_refused_and_forgotten() -> None:
    camera = Camera()
    camera.show(person(300))
    with pytest.raises(InvalidImageError, match="float32"):
        camera.estimator.estimate(np.zeros((480, 640, 3), np.float32), 2 * STEP_NS)  # type: ignore[arg-type]
    assert middles(camera.show(person(300))) == [300]


def test_an_engine_that_fails_once_costs_one_frame() -> None:
    camera = Camera()
    camera.show(person(300))
    camera.world.broken = {1}
    with pytest.raises(EngineError, match="engine failed"):
        camera.show(person(300))
    assert middles(camera.show(person(300))) == [300]


def test_networks_that_do_not_fit_are_refused() -> None:
    world = World()
    body = Keypoints(world)
    body.num_keypoints = 17
    with pytest.raises(ConfigurationError, match=r"17 keypoints.*133.*RTMW"):
        TopDownEstimator(Detector(world), body)
    hands = Hands()
    hands.num_keypoints = 42
    with pytest.raises(ConfigurationError, match=r"42 keypoints.*21"):
        TopDownEstimator(Detector(world), Keypoints(world), hands)


def test_a_network_that_answers_otherwise_than_it_said_is_named() -> None:
    camera = Camera()
    camera.keypoints.num_keypoints = 134
    with pytest.raises(EngineError, match=r"scripted keypoints.*\(1, 133, 2\).*\(1, 134, 2\)"):
        camera.show(person(300))
