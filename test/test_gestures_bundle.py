"""The bundle a robot starts with: its promises, real hands, and drawn strangers by the estimator.

The people drawn here are nobody's training, validation or published measurement.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.bundle import DEFAULT_BUNDLE, GESTURES_FILE, Bundle, load_bundle
from bharnet_ros.gestures import hri_gestures, load_vocabulary
from training.measuring import data, drawn
from training.measuring.extraction import clip
from training.measuring.films import DRAWN, make_set
from training.measuring.following import starts
from training.measuring.judging import Judge, open_judge
from training.measuring.landmarks import turned
from training.measuring.shapes import shape_table
from training.starting import starting_weights

pytestmark = pytest.mark.timeout(600)

SHOWN = (
    "stop", "thumbs_up", "victory", "wave", "come_here", "point_left", "point_right", "clap",
    "both_hands_up", "arms_crossed", "turn_around", "swipe_left",
)  # fmt: skip
FIRST_ACTOR = 790_000
PUBLISHED = Path(__file__).parents[1] / "training" / "results" / "gestures_idle.json"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle("gestures")


@pytest.fixture(scope="module")
def judge() -> Judge:
    return open_judge("gestures", 1)


def test_a_robot_starts_with_it():
    assert DEFAULT_BUNDLE == "gestures"


def test_it_knows_the_shipped_gestures_idleness_and_something_else(bundle):
    manifest, vocabulary = bundle.manifest, load_vocabulary("gestures")
    assert manifest.class_names == (*vocabulary.class_names, manifest.unknown_class)
    assert manifest.background_class == vocabulary.background
    assert load_vocabulary(bundle.file(GESTURES_FILE)).class_names == vocabulary.class_names
    assert set(hri_gestures()) <= set(vocabulary.class_names)


def test_training_can_start_from_it(bundle):
    assert len(starting_weights(bundle)) > 20


def test_it_is_small(bundle):
    size = sum(path.stat().st_size for path in bundle.path.iterdir())
    assert size < 6e6


def _share_right(judge: Judge, hands: data.Hands, degrees: float) -> float:
    of_label = shape_table().of_label
    answers = judge.answers(judge.either(turned(hands.points, degrees)))
    truth = [of_label[str(label)] for label in hands.label]
    return float(np.mean([a == t for a, t in zip(answers, truth, strict=True)]))


@pytest.mark.parametrize(("degrees", "least"), [(0.0, 0.95), (45.0, 0.9), (-45.0, 0.9)])
def test_hands_of_many_real_people(judge: Judge, shared_data: Path, degrees, least):
    assert _share_right(judge, data.load_landmarks(shared_data), degrees) >= least


def test_people_who_sign_are_taken_for_people_who_gesture_no_more_often_than_published(
    judge: Judge, shared_data: Path, tmp_path
):
    """Nobody makes a gesture of the bundle in these ten seconds: every start is false."""
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert published["bundles"]["gestures"] == judge.sha256[:12]
    clips = [clip(path, tmp_path) for path in data.signing_clips(shared_data)]
    assert clips
    assert sum(len(list(starts(each, judge))) for each in clips) <= (
        published["figures"]["gestures"]["clips"]["events"]
    )


def test_drawn_strangers_are_understood_by_what_the_estimator_sees(judge: Judge, tmp_path):
    wanted = replace(
        DRAWN, name="strangers", scenes=2, scene_s=36.0, first_actor=FIRST_ACTOR, classes=SHOWN
    )
    films = make_set(wanted, "gestures", 11, tmp_path, report=str)
    found = drawn.measure(films, {judge.name: judge}).figures[judge.name]
    every = found["groups"]["all"]
    assert every["gestures"] >= 16
    assert every["accuracy"] >= 0.8, found["classes"]
    assert found["false_alarms"] <= 1, found["false_alarms_of"]
