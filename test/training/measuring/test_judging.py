"""A bundle asked about held poses says what its recogniser would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.synthetic import person_keypoints
from bharnet_ros.windows import Window
from training.measuring.judging import (
    HAND_LAYOUT,
    NOTHING,
    OTHER_ACTION,
    alone,
    stronger,
    to_layout,
)

from .conftest import hand


def test_a_held_pose_is_a_window_of_that_pose(judge):
    pose = person_keypoints(right_wrist=(-0.5, -1.0))
    scores = np.full(133, 0.9, np.float32)
    steps = judge.bundle.manifest.num_steps
    window = Window(np.stack([pose] * steps), np.stack([scores] * steps), steps, 0, 10**9)
    expected = judge.experts.judge({0: window})[0].probabilities
    found = judge.held(pose[None], scores[None], [(480, 640)])
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    assert judge.answers(found) == ["palm"]


def test_a_hand_by_itself_is_judged_in_its_slot(judge):
    points = np.stack([hand(0.3), hand(1.0)])
    right = judge.hands(points, "right")
    assert judge.answers(right)[0] == "fist"
    assert right[0, 2] > right[1, 2]
    both = judge.either(points)
    assert judge.evidence(both)[0] == pytest.approx(
        max(judge.evidence(right)[0], judge.evidence(judge.hands(points, "left"))[0])
    )


def test_who_is_not_seen_gets_no_answer(judge):
    found = judge.held(
        np.zeros((2, 133, 2), np.float32), np.zeros((2, 133), np.float32), [(9, 9)] * 2
    )
    assert not found.any()
    assert judge.answers(found) == [NOTHING, NOTHING]


def test_answers_know_thresholds_and_classes_that_are_no_shape(judge):
    rows = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], np.float32)
    assert judge.answers(rows) == ["fist", NOTHING]
    assert judge.threshold == judge.needed(2) == 0.6
    assert judge.answers(rows, at_threshold=True) == ["fist", NOTHING]
    assert judge.answers(rows * np.float32(0.8), at_threshold=True) == [NOTHING, NOTHING]
    assert judge.answers(rows, max_doubt=0.2) == ["fist", NOTHING]
    assert judge.answers(rows, max_doubt=0.05) == [NOTHING, NOTHING]
    assert judge.closed_answers(rows, ["palm", "fist"]) == ["fist", "palm"]
    assert judge.closed_answers(rows, ["rock"]) == [NOTHING, NOTHING]
    assert judge.covers(["palm", "rock"]) == ["palm"]
    renamed = type(judge)(judge.bundle, judge.engine, judge.experts, (None,) * 3, judge.known)
    assert renamed.answers(rows) == [OTHER_ACTION, NOTHING]


def test_a_class_with_a_start_of_its_own_is_reported_from_there(judge):
    rows = np.array([[0.1, 0.2, 0.7]], np.float32)
    name = judge.bundle.manifest.class_names[2]
    stated = replace(judge.bundle.manifest.thresholds, class_start={name: 0.9})
    bundle = replace(judge.bundle, manifest=replace(judge.bundle.manifest, thresholds=stated))
    careful = type(judge)(bundle, judge.engine, judge.experts, judge.shapes, judge.known)
    assert (careful.needed(1), careful.needed(2)) == (0.6, 0.9)
    assert careful.answers(rows, at_threshold=True) == [NOTHING]


def test_stronger_looks_at_actions_only(judge):
    known = np.array([False, True])
    first = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    second = np.array([[0.6, 0.4], [0.3, 0.7]], np.float32)
    evidence = replace(judge, known=known).evidence
    np.testing.assert_array_equal(stronger([first, second], evidence), [second[0], first[1]])
    # Whether something is meant counts, not how surely it is this and not that.
    known = np.array([False, True, True])
    torn, sure = np.array([[0.1, 0.45, 0.45]]), np.array([[0.4, 0.6, 0.0]])
    asked = replace(judge, known=known)
    np.testing.assert_array_equal(stronger([sure, torn], asked.evidence), torn)
    # By the largest probability it is the other way round.
    asked = replace(asked, by_odds=False)
    np.testing.assert_array_equal(stronger([sure, torn], asked.evidence), sure)


def test_layouts_are_matched_by_name():
    points, scores = alone(np.stack([hand(1.0)]), "left")
    moved, weights = to_layout(points, scores, HAND_LAYOUT, "coco_body_hands_59")
    assert moved.shape == (1, 59, 2)
    assert weights.sum() == 21
    np.testing.assert_array_equal(moved[0, 17:38], points[0, 91:112])
