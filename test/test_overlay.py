from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros.overlay import colour_of, describe, draw, present
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, RecognizedAction

CANVAS = np.full((720, 1280, 3), 128, np.uint8)


def action(state: ActionState, *hypotheses: Hypothesis, track_id: int = 3) -> RecognizedAction:
    box = np.array([0, 0, 1, 1], np.float32)
    return RecognizedAction(state, track_id, hypotheses, 0, 1, 10, 0.25, 0.75, box)


WAVE = Hypothesis(4, "wave", 0.9)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, ("no judgement yet", 0.0)),
        (action(ActionState.NONE), ("unknown", 0.0)),
        (action(ActionState.NONE, Hypothesis(0, "idle", 0.8)), ("idle", 0.8)),
        (action(ActionState.STARTED, WAVE), ("wave", 0.9)),
        (action(ActionState.ENDED, WAVE), ("wave ended", 0.9)),
    ],
)
def test_words(given: RecognizedAction | None, words: tuple[str, float]) -> None:
    assert describe(given) == words


def test_the_image_given_is_left_alone_and_people_are_drawn() -> None:
    people = frame(0, skeleton(3, person_keypoints(center=(400, 400))))
    before = CANVAS.copy()
    drawn = draw(CANVAS, people, None)
    np.testing.assert_array_equal(CANVAS, before)
    assert drawn.shape == CANVAS.shape
    assert (drawn == np.array(colour_of(3), np.uint8)).all(axis=-1).sum() > 200


def test_an_action_draws_more_than_none_and_the_experts_get_their_bars() -> None:
    people = frame(0, skeleton(3, person_keypoints(center=(400, 500))))
    quiet = draw(CANVAS, people, ActionFrame(0, (action(ActionState.NONE),)))
    acting = draw(CANVAS, people, ActionFrame(0, (action(ActionState.ONGOING, WAVE),)))
    differing = np.abs(quiet.astype(int) - acting).max(axis=-1) > 0
    rows = np.flatnonzero(differing.any(axis=1))
    top = people.skeletons[0].bbox[1]
    assert differing.sum() > 1000 and rows.max() < top, "the panel lies above the person"


def test_the_later_entry_of_a_person_is_the_present_one() -> None:
    people = frame(0, skeleton(3, person_keypoints(center=(400, 500))))
    ended, started = action(ActionState.ENDED, Hypothesis(1, "clap", 0.6)), action(
        ActionState.STARTED, WAVE
    )
    both = draw(CANVAS, people, ActionFrame(0, (ended, started)))
    np.testing.assert_array_equal(both, draw(CANVAS, people, ActionFrame(0, (started,))))


def test_of_several_bundles_an_action_goes_before_none_then_the_surer_one() -> None:
    said = (
        replace(action(ActionState.NONE, Hypothesis(0, "idle", 0.99)), bundle="a"),
        replace(action(ActionState.ENDED, Hypothesis(1, "clap", 0.9)), bundle="b"),
        replace(action(ActionState.STARTED, Hypothesis(2, "ok", 0.7)), bundle="b"),
        replace(action(ActionState.ONGOING, WAVE), bundle="c"),
        replace(action(ActionState.NONE), bundle="a", track_id=4),
    )
    shown = present(ActionFrame(0, said))
    assert {track: one.bundle for track, one in shown.items()} == {3: "c", 4: "a"}
    assert present(ActionFrame(0, said[:3]))[3].hypotheses[0].class_name == "ok"
    assert present(None) == {}


@pytest.mark.parametrize("center", [(-5000.0, 400.0), (400.0, -3000.0), (1e30, 1e30)])
def test_people_outside_of_the_image_break_nothing(center: tuple[float, float]) -> None:
    person = skeleton(3, person_keypoints(center=center))
    assert draw(CANVAS, frame(0, person), None).shape == CANVAS.shape


def test_missing_keypoints_are_not_drawn() -> None:
    person = skeleton(3, person_keypoints(center=(400, 500)))
    blank = replace(person, scores=np.zeros(133, np.float32))
    drawn = draw(CANVAS, frame(0, blank), None)
    below = drawn[int(person.bbox[1]) :]
    np.testing.assert_array_equal(below, CANVAS[int(person.bbox[1]) :])
