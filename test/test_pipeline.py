from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import LAYOUT, frame, person_keypoints, skeleton, write_tiny_bundle
from benchmarks.synthetic_rgb import write_tiny_rgb_bundle
from bharnet_ros.errors import LayoutError
from bharnet_ros.inference import create_engine
from bharnet_ros.pipeline import Pipeline
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.smoothing import Smoother
from bharnet_ros.types import ActionState, Image, SkeletonFrame

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

SECOND = 1_000_000_000


class OnePersonEstimator:
    """Sees the same person with a raised hand in every image."""

    timings_ms: dict[str, float] = {}  # noqa: RUF012

    def __init__(self, layout: str = LAYOUT) -> None:
        self.layout = layout

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        return frame(stamp_ns, skeleton(-1, person_keypoints(right_wrist=(-0.5, -1.0))))

    def reset(self) -> None: ...

    def close(self) -> None: ...


class OneTrack:
    def update(self, found: SkeletonFrame) -> SkeletonFrame:
        people = tuple(replace(person, track_id=5) for person in found.skeletons)
        return replace(found, skeletons=people)


@pytest.fixture
def recognizer(tmp_path: Path) -> Recognizer:
    bundle = write_tiny_bundle(tmp_path)
    return Recognizer(bundle, create_engine(bundle))


def test_images_become_actions(recognizer: Recognizer) -> None:
    pipeline = Pipeline(OnePersonEstimator(), OneTrack(), recognizer)
    image = np.zeros((720, 1280, 3), np.uint8)
    results = [pipeline.process(image, index * SECOND // 30) for index in range(60)]
    assert results[-1].skeletons.skeletons[0].track_id == 5
    assert set(results[0].timings_ms) == {"pose", "tracking", "recognition", "total"}
    answered = [r.actions for r in results if r.actions is not None]
    assert 29 <= len(answered) <= 31
    states = [a.actions[0].state for a in answered]
    assert states.count(ActionState.STARTED) == 1 and states[-1] == ActionState.ONGOING
    flushed = pipeline.flush()
    assert flushed is not None and flushed.actions[0].state == ActionState.ENDED
    assert flushed.actions[0].track_id == 5


def test_parts_of_different_layouts_are_refused(recognizer: Recognizer) -> None:
    with pytest.raises(LayoutError, match=r"mediapipe_holistic.*'tiny'.*coco_wholebody_133"):
        Pipeline(OnePersonEstimator("mediapipe_holistic"), OneTrack(), recognizer)


def test_keypoints_are_smoothed_on_their_way_to_the_recogniser(recognizer: Recognizer) -> None:
    class Trembling(OnePersonEstimator):
        def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
            found = super().estimate(image_bgr, stamp_ns)
            person = found.skeletons[0]
            off = np.float32(2.0 if stamp_ns // (SECOND // 30) % 2 else -2.0)
            return replace(found, skeletons=(replace(person, keypoints=person.keypoints + off),))

    image = np.zeros((720, 1280, 3), np.uint8)
    swings = []
    for smoother in (None, Smoother()):
        pipeline = Pipeline(Trembling(), OneTrack(), recognizer, smoother)
        results = [pipeline.process(image, index * SECOND // 30) for index in range(20)]
        assert ("smoothing" in results[0].timings_ms) == (smoother is not None)
        wrist = [result.skeletons.skeletons[0].keypoints[10, 0] for result in results]
        swings.append(np.abs(np.diff(wrist[10:])).mean())
    assert swings[1] < 0.6 * swings[0]


@pytest.mark.parametrize(("colour", "action"), [((0, 0, 255), "cup"), ((255, 0, 0), "phone")])
def test_a_recogniser_that_looks_at_pixels_gets_the_images(
    tmp_path: Path, colour: tuple[int, int, int], action: str
) -> None:
    bundle = write_tiny_rgb_bundle(tmp_path)
    recognizer = Recognizer(bundle, create_engine(bundle, rgb=True))
    pipeline = Pipeline(OnePersonEstimator(), OneTrack(), recognizer)
    image = np.full((720, 1280, 3), colour, np.uint8)
    results = [pipeline.process(image, index * SECOND // 10) for index in range(20)]
    last = results[-1].actions
    assert last is not None and last.actions[0].hypotheses[0].class_name == action
    assert recognizer.rgb is not None and not recognizer.rgb.drops
