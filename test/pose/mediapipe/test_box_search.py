"""Taking people up from the boxes of a general person detector."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import IMAGE, standing

from bharnet_ros.errors import ConfigurationError, WeightsError
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.box_search import BoxSearch, body_of, starts, whose
from bharnet_ros.pose.mediapipe.crowd import MAX_STRIKES, Crowd, CrowdOptions
from bharnet_ros.pose.mediapipe.detector import Detection
from bharnet_ros.pose.mediapipe.models import Models
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.types import FloatArray, Image

NOWHERE = np.zeros((0, 4), np.float32)
PERIOD_NS = 1_000_000_000


def person(x: float, size: float = 0.5) -> Body:
    """Somebody standing whose hips are at (x, 250), 100 * size pixels from shoulders to hips."""
    body = standing((390.0, 260.0), (250.0, 260.0))
    points = body.points
    points[1:11] = points[0]
    points[25:33] = (345.0, 400.0)
    points = (points - (320.0, 250.0)) * size + (x, 250.0)
    return replace(body, points=points, next_region=Region(x, 250.0, 400.0 * size, 0.0))


def box(body: Body, dx: float = 0.0) -> FloatArray:
    low, high = body.points.min(axis=0), body.points.max(axis=0)
    return np.array([low[0] + dx, low[1] - 8, high[0] + dx, high[1] + 8], np.float32)


class Boxes:
    """A general detector that sees what it is told to."""

    identity = "scripted"

    def __init__(self, *boxes: FloatArray) -> None:
        self.boxes = boxes
        self.runs = 0

    def detect(self, images: Sequence[Image]) -> list[tuple[FloatArray, FloatArray]]:
        self.runs += 1
        found = np.array(self.boxes, np.float32).reshape(-1, 4)
        return [(found, np.linspace(0.9, 0.5, len(found), dtype=np.float32)) for _ in images]

    def close(self) -> None:
        pass


class Squares:
    """MediaPipe's detector: sees nobody."""

    def detect(self, image: Image, regions: Sequence[Region]) -> list[Detection]:
        return []


class Bodies:
    """Sees the person nearest to the middle of the square it looks at."""

    def __init__(self, *people: Body) -> None:
        self.people = people

    def look(self, image: Image, region: Region) -> Body:
        gaps = [abs(b.next_region.x - region.x) / region.size for b in self.people]
        if gaps and min(gaps) < 0.5:
            return self.people[int(np.argmin(gaps))]
        return replace(person(region.x), presence=0.01)


def crowd(bodies: Bodies, boxes: Boxes | None, max_people: int = 4) -> Crowd:
    models = Models(Squares(), bodies, None, None, boxes)  # type: ignore[arg-type]
    options = CrowdOptions(max_people, 0.5, False, None, PERIOD_NS * 1e-9)
    return Crowd(models, options, is_hand=lambda body: False)


def show(seen: Crowd, stamp_ns: int) -> list[Body]:
    lost = seen.follow(IMAGE, stamp_ns)
    seen.take_up(IMAGE, stamp_ns, lost)
    return [p.body for p in seen.people]


@given(x=st.floats(0, 600), y=st.floats(0, 440), width=st.floats(2, 640), height=st.floats(2, 480))
def test_every_start_is_a_square_to_look_at_that_holds_the_box(
    x: float, y: float, width: float, height: float
) -> None:
    found = starts(np.array([x, y, x + width, y + height]), 480, 640)
    assert found[0].angle == 0.0 and found[0].size == pytest.approx(1.25 * max(width, height))
    for region in found:
        assert region.usable()
        assert abs(region.x - (x + 0.5 * width)) < 1e-6
        assert region.y >= y and region.size >= 1.25 * height - 1e-6


def test_lying_and_cut_off_people_are_looked_for_in_other_ways_too() -> None:
    assert len(starts(np.array([100, 100, 150, 300]), 480, 640)) == 1
    lying = starts(np.array([100, 200, 300, 260]), 480, 640)
    assert [region.angle for region in lying] == [0.0, 0.5 * math.pi, -0.5 * math.pi]
    upper_half = starts(np.array([200, 180, 400, 479.5]), 480, 640)[-1]
    assert (upper_half.x, upper_half.y, upper_half.angle) == (300.0, 479.5, 0.0)
    assert upper_half.size == pytest.approx(2.5 * 299.5)


def test_a_body_must_fill_the_box_it_was_looked_for_in() -> None:
    mine, neighbour = person(200.0), person(320.0)
    assert body_of(box(mine), IMAGE, lambda start: mine) is mine
    assert body_of(box(mine), IMAGE, lambda start: neighbour) is None
    assert body_of(box(mine), IMAGE, lambda start: None) is None


def test_of_several_looks_at_a_box_the_surest_body_counts() -> None:
    mine = person(200.0)
    turned = replace(mine, scores=np.full(33, 0.6))
    wide = box(mine)
    wide[1] = wide[3] - 0.6 * (wide[2] - wide[0])  # so that it is looked at in three ways
    found = {0.0: turned, 0.5 * math.pi: mine}
    lying = replace(mine, points=mine.points * (1.0, 0.3) + (0.0, 250.0))
    found = {0.0: replace(lying, scores=turned.scores), 0.5 * math.pi: lying}
    area = box(lying)
    assert len(starts(area, 480, 640)) == 3
    assert body_of(area, IMAGE, lambda start: found.get(start.angle)) is lying


def test_a_box_has_one_owner_and_nobody_two() -> None:
    people = [person(200.0), person(300.0)]
    boxes = np.array([box(people[1], 3.0), box(people[0], -3.0), box(people[0], 20.0)])
    assert whose(boxes, people, IMAGE) == [(0, 1), (1, 0)]
    assert whose(boxes, [], IMAGE) == [] and whose(NOWHERE, people, IMAGE) == []


def test_the_detector_runs_when_it_is_time_and_once_for_an_image() -> None:
    detector = Boxes(box(person(200.0)))
    search = BoxSearch(detector, 1.0)
    assert search.due(IMAGE, 0, sure=False, lost=False) is not None
    assert search.shows(IMAGE, person(205.0)) and not search.shows(IMAGE, person(500.0))
    assert detector.runs == 1
    search.forget()  # the next image in the same memory
    assert search.due(IMAGE, 100_000_000, sure=True, lost=False) is None
    assert search.due(IMAGE, 200_000_000, sure=False, lost=False) is not None
    assert search.due(IMAGE, 300_000_000, sure=True, lost=True) is not None
    assert detector.runs == 2
    search.reset()
    assert search.due(IMAGE, 310_000_000, sure=True, lost=False) is not None
    assert detector.runs == 3


def test_boxes_without_sense_are_left_out() -> None:
    detector = Boxes(
        np.array([np.nan, 0, 50, 90]), np.array([50, 50, 50, 90]), np.array([10, 10, 14, 18]),
        np.array([700, 10, 800, 200]), np.array([600, 10, 800, 200]),
    )  # fmt: skip
    np.testing.assert_array_equal(BoxSearch(detector, 1.0).boxes(IMAGE), [[600, 10, 640, 200]])


def test_people_whom_only_the_general_detector_sees_are_taken_up_and_stay() -> None:
    people = [person(150.0), person(450.0)]
    assert show(crowd(Bodies(*people), None), 0) == []
    seen = crowd(Bodies(*people), Boxes(*map(box, people)))
    assert show(seen, 0) == people
    assert not any(p.confirmed for p in seen.people)  # by one run alone
    for stamp_ns in range(PERIOD_NS // 5, 8 * PERIOD_NS, PERIOD_NS // 10):
        assert show(seen, stamp_ns) == people
        assert all(p.confirmed and p.strikes == 0 for p in seen.people)


def test_boxes_of_people_who_are_followed_start_no_rivals() -> None:
    mine = person(300.0)
    boxes = Boxes(box(mine), box(mine, 25.0), box(mine, -90.0))
    seen = crowd(Bodies(mine), boxes)
    for stamp_ns in range(0, 3 * PERIOD_NS, PERIOD_NS // 5):
        assert show(seen, stamp_ns) == [mine]


def test_whom_no_detector_sees_any_more_is_forgotten() -> None:
    mine = person(300.0)
    boxes = Boxes(box(mine))
    seen = crowd(Bodies(mine), boxes)
    show(seen, 0)
    boxes.boxes = ()
    followed = [len(show(seen, n * PERIOD_NS // 10)) for n in range(1, 20)]
    assert followed[0] == 1 and followed[-1] == 0 and sum(followed) >= MAX_STRIKES


def test_no_more_people_than_wanted_are_confirmed_for_long() -> None:
    people = [person(60.0 + 120.0 * n, 0.3) for n in range(5)]
    seen = crowd(Bodies(*people), Boxes(*map(box, people)), max_people=2)
    assert len(show(seen, 0)) == 4  # two of them in case the others turn out to be nobody
    for stamp_ns in (PERIOD_NS // 5, PERIOD_NS):
        show(seen, stamp_ns)
    assert all(p.confirmed for p in seen.people)


def test_a_reset_looks_again_at_once() -> None:
    mine = person(300.0)
    boxes = Boxes(box(mine))
    seen = crowd(Bodies(mine), boxes)
    show(seen, 0)
    seen.reset()
    assert seen.people == [] and show(seen, 1) == [mine] and boxes.runs == 2


def test_a_detector_that_is_not_there_is_named() -> None:
    with pytest.raises(WeightsError, match="absent"):
        create_pose_estimator("mediapipe", detector="absent/yolox_nano.onnx", hands=False)
    with pytest.raises(ConfigurationError, match="max_tilt_deg"):
        create_pose_estimator("mediapipe", max_tilt_deg=0.0, hands=False)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Iterator[PoseEstimator]:
    graph = shared_data / "pose_weights" / "yolox_nano.onnx"
    if not graph.is_file():
        pytest.skip("the detector is not in the shared test data")
    made = create_pose_estimator(
        "mediapipe", detector=graph, num_threads=1, max_people=8, hands=False
    )
    yield made
    made.close()


def photograph(shared_data: Path, name: str) -> Image:
    path = shared_data / "coco_wholebody" / name
    if not path.is_file():
        pytest.skip(f"{name} is not in the shared test data")
    return np.asarray(cv2.imread(str(path)), np.uint8)


def test_people_who_lie_are_seen_as_they_are(real: PoseEstimator, shared_data: Path) -> None:
    image = photograph(shared_data, "000000000785.jpg")
    upright = real.another().estimate(image, 0).skeletons[0]
    lying = np.ascontiguousarray(np.rot90(image))  # (x, y) -> (y, width - 1 - x)
    camera = real.another()
    frames = [camera.estimate(lying, stamp_ns) for stamp_ns in (0, 250_000_000)]
    (seen,) = frames[1].skeletons
    turned = np.stack(
        (upright.keypoints[:, 1], image.shape[1] - 1 - upright.keypoints[:, 0]), axis=1
    )
    gaps = np.hypot(*(seen.keypoints - turned)[:17].T)
    assert np.median(gaps) < 0.05 * float(upright.bbox[2:].max())


def test_a_real_detector_on_a_photograph(real: PoseEstimator, shared_data: Path) -> None:
    image = photograph(shared_data, "000000196141.jpg")
    estimator = real.another()
    twin = estimator.another()
    stamps = (0, 250_000_000)
    frames = [camera.estimate(image, stamp) for camera in (estimator, twin) for stamp in stamps]
    estimator.close()
    assert [len(frame.skeletons) for frame in frames] == [4, 4, 4, 4]
    np.testing.assert_array_equal(
        frames[0].skeletons[0].keypoints, frames[2].skeletons[0].keypoints
    )
    assert len(twin.estimate(image, 300_000_000).skeletons) == 4
    twin.close()
