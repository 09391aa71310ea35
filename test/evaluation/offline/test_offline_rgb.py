"""Pixels in the evaluation of a bag: its images are looked at, also when skeletons are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from benchmarks.synthetic_rgb import write_tiny_rgb_bundle
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.records import Recording
from bharnet_ros.evaluation.subject import Subject, subject_from_parameters
from bharnet_ros.types import Image, SkeletonFrame

NS = 1_000_000_000
SIZE = (120, 160)
RED, BLUE = (0, 0, 255), (255, 0, 0)
PERSON = person_keypoints((80.0, 70.0), 30.0)


class OnePerson:
    """An estimator that always finds the same skeleton."""

    layout = LAYOUT
    timings_ms: Mapping[str, float] = {"total": 1.0}
    looked = 0

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        OnePerson.looked += 1
        return SkeletonFrame(stamp_ns, SIZE, LAYOUT, (skeleton(-1, PERSON),))

    def reset(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_rgb_bundle(tmp_path_factory.mktemp("rgb") / "objects")


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Five seconds of a red picture, five of a blue one."""
    with BagWriter(tmp_path / "bag", "mcap") as writer:
        for index in range(100):
            colour = RED if index < 50 else BLUE
            stamp_ns = 1000 * NS + index * NS // 10
            writer.image("/image_raw", stamp_ns, np.full((*SIZE, 3), colour, np.uint8))
    return tmp_path / "bag"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("start,end,label\n0,5,cup\n5,10,phone\n", "utf-8")
    return path


def shares(recording: Recording) -> tuple[float, float]:
    """Of the first and of the second half, how often the truth was the most probable class."""
    (person,) = recording.people
    first = person.stamps_ns < 1005 * NS
    settled = person.stamps_ns % (5 * NS) > 1.5 * NS
    cup, phone = person.class_ids[first & settled] == 1, person.class_ids[~first & settled] == 2
    return float(cup.mean()), float(phone.mean())


def test_pixels_of_the_bag_decide(
    evaluate: Any, objects: Bundle, bag: Path, labels: Path
) -> None:
    evaluate.subject = replace(
        evaluate.subject, bundle=str(objects.path), reader=OnePerson, rgb=True
    )
    OnePerson.looked = 0
    recording = evaluate(bag, labels=labels)
    assert shares(recording) == (1.0, 1.0) and OnePerson.looked == 100
    assert not recording.drops
    again = evaluate(bag, labels=labels)
    assert OnePerson.looked == 100 and shares(again) == (1.0, 1.0)  # skeletons were kept
    evaluate.subject = replace(evaluate.subject, rgb=False)
    alone = shares(evaluate(bag, labels=labels))
    assert min(alone) == 0.0  # the skeleton is the same all the time


def test_figures_with_pixels_are_of_another_network(objects: Bundle) -> None:
    alone, seeing = Subject(str(objects.path)), Subject(str(objects.path), rgb=True)
    assert alone.sha256 == objects.digest != seeing.sha256 and len(seeing.sha256) == 64
    assert Subject(str(objects.path), rgb=True).sha256 == seeing.sha256


def test_a_bundle_without_an_rgb_graph_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no RGB graph"):
        Subject(str(tiny_bundle.path), rgb=True).recognizer()
    assert subject_from_parameters(rgb=True).rgb and not subject_from_parameters().rgb
    file = tmp_path / "params.yaml"
    file.write_text("action_recognizer:\n  ros__parameters:\n    rgb: true\n", "utf-8")
    assert subject_from_parameters(params_file=str(file)).rgb
