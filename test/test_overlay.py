from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros.errors import InvalidImageError, InvalidSkeletonError
from bharnet_ros.overlay import colour_of, describe, draw, present, scaled_to
from bharnet_ros.overlay_panels import places
from bharnet_ros.overlay_text import fitted, put_text, shortened, text_width
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


def test_an_action_draws_more_than_none_above_the_person() -> None:
    people = frame(0, skeleton(3, person_keypoints(center=(400, 500))))
    quiet = draw(CANVAS, people, ActionFrame(0, (action(ActionState.NONE),)))
    acting = draw(CANVAS, people, ActionFrame(0, (action(ActionState.ONGOING, WAVE),)))
    differing = np.abs(quiet.astype(int) - acting).max(axis=-1) > 0
    top = int(people.skeletons[0].bbox[1])
    panel, brackets = differing[: top - 1].sum(), differing[top + 3 :].sum()
    assert panel > 1000 and 20 < brackets < panel


def test_evidence_moves_the_bars_of_its_expert_alone() -> None:
    people = frame(0, skeleton(3, person_keypoints(center=(400, 500))))

    def drawn(body: float, hand: float) -> np.ndarray:
        said = replace(action(ActionState.ONGOING, WAVE), body_score=body, hand_score=hand)
        return draw(CANVAS, people, ActionFrame(0, (said,)))

    def rows(one: np.ndarray, other: np.ndarray) -> tuple[int, int]:
        changed = np.flatnonzero((one != other).any(axis=(1, 2)))
        return int(changed.min()), int(changed.max())

    body, hand = rows(drawn(0.1, 0.5), drawn(0.9, 0.5)), rows(drawn(0.5, 0.1), drawn(0.5, 0.9))
    assert body[1] < hand[0], "the body's line lies above the hand's"
    assert (drawn(0.5, 0.0) != drawn(0.5, 0.001)).any(), "nothing to see is told apart from no"


def test_a_judgement_of_another_time_is_not_shown_as_the_present_one() -> None:
    now = 5_000_000_000
    people = frame(now, skeleton(3, person_keypoints(center=(400, 500))))
    none = draw(CANVAS, people, None)
    for stamp in (now - 1_500_000_000, now + 1_500_000_000):
        old = ActionFrame(stamp, (action(ActionState.ONGOING, WAVE),))
        np.testing.assert_array_equal(draw(CANVAS, people, old), none)
    fresh = ActionFrame(now - 500_000_000, (action(ActionState.ONGOING, WAVE),))
    assert (draw(CANVAS, people, fresh) != none).any()


def test_the_status_line_lies_at_the_lower_left_and_takes_any_script() -> None:
    nobody = frame(0)
    drawn = draw(CANVAS, nobody, None, "latency 84 ms   größer 手")
    changed = np.argwhere((drawn != CANVAS).any(axis=-1))
    assert changed[:, 0].min() > 650 and changed[:, 1].max() < 640
    np.testing.assert_array_equal(draw(CANVAS, nobody, None), CANVAS)


@pytest.mark.parametrize("size", [(16, 16), (120, 160), (240, 320), (480, 640), (2160, 3840)])
def test_every_size_of_image_can_be_drawn(size: tuple[int, int]) -> None:
    canvas = np.full((*size, 3), 128, np.uint8)
    height, width = size
    people = frame(
        0,
        skeleton(3, person_keypoints(center=(width / 3, height / 2), torso_px=height / 4)),
        skeleton(4, person_keypoints(center=(width / 2, height / 2), torso_px=height / 4)),
    )
    said = ActionFrame(0, (action(ActionState.ONGOING, WAVE), action(ActionState.NONE, track_id=4)))
    drawn = draw(canvas, people, said, "latency 84 ms")
    assert drawn.shape == canvas.shape and (drawn != canvas).any()


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_panels_stay_in_the_image_apart_and_off_faces() -> None:
    boxes = [np.array([x, 200, 150, 400], np.float32) for x in (20, 130, 600, 1150)]
    faces = [(int(x) + 37, 200, 75, 80) for x, *_ in boxes]
    found = places([(220, 90)] * 4, boxes, faces, (1280, 720))
    for index, (x, y, width, height) in enumerate(found):
        assert x >= 0 and y >= 0 and x + width <= 1280 and y + height <= 720
        for ox, oy, ow, oh in [*found[:index], *faces]:
            apart = x + width <= ox or ox + ow <= x or y + height <= oy or oy + oh <= y
            assert apart, (index, found)


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


def test_people_who_lack_keypoints_are_refused_in_words() -> None:
    person = skeleton(3, person_keypoints(center=(400, 500)))
    few = replace(person, keypoints=person.keypoints[:17], scores=person.scores[:17])
    with pytest.raises(InvalidSkeletonError, match="has 17 keypoints"):
        draw(CANVAS, frame(0, person, few), None)


def test_missing_keypoints_are_not_drawn() -> None:
    person = skeleton(3, person_keypoints(center=(400, 500)))
    blank = replace(person, scores=np.zeros(133, np.float32))
    drawn = draw(CANVAS, frame(0, blank), None)
    below = drawn[int(person.bbox[1]) :]
    np.testing.assert_array_equal(below, CANVAS[int(person.bbox[1]) :])


def test_texts_are_measured_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for fonts in (True, False):  # with OpenCV's own fonts where it has them, and as OpenCV 4 does
        if not fonts:
            monkeypatch.setattr("bharnet_ros.overlay_text._font", lambda: None)
        for text, height in (("#3 wave 0.93", 20), ("größe", 14)):
            canvas = np.zeros((60, 400, 3), np.uint8)
            put_text(canvas, text, (10, 40), height, (255, 255, 255))
            inked = np.argwhere(canvas.max(axis=-1) > 60)
            assert inked[:, 1].max() - 10 == pytest.approx(text_width(text, height), abs=6)
            capitals = inked[:, 0][inked[:, 0] <= 42]
            assert 0.7 * height <= capitals.max() - capitals.min() <= 1.6 * height
    assert shortened("  two\nlines ") == "two lines" and len(shortened("x" * 500)) == 48


def test_boxes_that_are_not_numbers_break_nothing() -> None:
    person = skeleton(3, person_keypoints(center=(400, 400)))
    for value in (np.nan, np.inf, -np.inf, 1e30):
        broken = replace(person, bbox=np.full(4, value, np.float32))
        acting = ActionFrame(0, (action(ActionState.ONGOING, WAVE),))
        assert draw(CANVAS, frame(0, broken), acting).shape == CANVAS.shape


@pytest.mark.parametrize("size", [(120, 160), (320, 240), (1920, 1080), (48, 64)])
def test_labels_do_not_run_out_of_narrow_images(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, int]] = []

    def put(
        canvas: np.ndarray, text: str, place: tuple[int, int], height_px: int, *rest: object
    ) -> None:
        bold = bool(rest[1:] and rest[1])
        written.append((text, place[0] + text_width(text, height_px, bold)))

    monkeypatch.setattr("bharnet_ros.overlay_panels.put_text", put)
    height, width = size
    people = frame(0, skeleton(3, person_keypoints((width / 2, height / 2), height / 4)))
    long = Hypothesis(5, "somebody_points_at_the_left_with_both_hands", 0.11)
    doing = action(ActionState.ONGOING, replace(long, score=0.83), long)
    draw(np.full((height, width, 3), 128, np.uint8), people, ActionFrame(0, (doing,)))
    words = [text for text, _ in written]
    assert "0.83" in words and words[0].startswith("#3")
    assert max(end for _, end in written) <= width


def test_a_text_is_cut_to_its_room() -> None:
    text = "left_hand_raised"
    assert fitted(text, text_width(text, 20), 20) == text
    assert fitted(text, 0, 20) == ""
    for room in range(10, 200, 10):
        cut = fitted(text, room, 20, True)
        assert text_width(cut, 20, True) <= room and text.startswith(cut.removesuffix("..."))


def test_letters_carry_their_accents() -> None:
    assert shortened("cafe\u0301") == "caf\u00e9"


def test_people_lie_where_they_are_in_images_of_another_resolution() -> None:
    person = skeleton(3, person_keypoints(center=(900, 400)))
    whole = replace(frame(0, person), image_size=(720, 1280))
    small = scaled_to(whole, (360, 640))
    moved = small.skeletons[0]
    assert small.image_size == (360, 640)
    np.testing.assert_allclose(moved.keypoints, (person.keypoints + 0.5) / 2 - 0.5, atol=1e-3)
    np.testing.assert_allclose(moved.bbox, person.bbox / 2, atol=1e-3)
    assert moved.keypoints.dtype == moved.bbox.dtype == np.float32
    assert scaled_to(whole, (720, 1280)) is whole
    unsized = replace(whole, image_size=(0, 0))
    assert scaled_to(unsized, (360, 640)) is unsized
    with pytest.raises(InvalidImageError, match=r"640 x 480 .* 1280 x 720, another aspect"):
        scaled_to(whole, (480, 640))
