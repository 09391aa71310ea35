"""What moments of a marked segment are called, and drawing few of many examples."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from training.data import DataSheet, Person, Sample, Span, StoreWriter, open_store
from training.describing.transitions import transition_of
from training.labels import IGNORE
from training.sequences import GestureSpan
from training.teaching.examples import (
    LabelRule,
    draw_examples,
    examples_of,
    overlooked,
    read_takes,
)

S = 1_000_000_000
IDS = {"idle": 0, "hurry": 1, "wipe": 2, "other": 3}


def labels(times, *spans):
    spans = [GestureSpan(name, round(a * S), round(b * S)) for name, a, b in spans]
    return LabelRule().labels(np.rint(np.array(times) * S).astype(np.int64), spans, IDS, 0).tolist()


def test_a_segment_is_its_gesture_but_for_its_borders():
    passing = transition_of(1)
    found = labels([1.9, 2.1, 2.6, 3.6, 3.9, 4.2, 4.5], ("hurry", 2.0, 4.0))
    assert found == [0, passing, 1, 1, passing, passing, 0]


def test_a_short_segment_keeps_half_of_itself():
    first, last = LabelRule().core(GestureSpan("hurry", 0, S // 2))
    assert (last - first) / S == pytest.approx(0.25)


def test_where_two_gestures_meet_nothing_counts_and_cores_win():
    found = labels([2.9, 3.1, 3.2, 4.0], ("hurry", 1.0, 3.0), ("wipe", 3.05, 5.0))
    assert found == [transition_of(1), IGNORE, IGNORE, 2]


def test_what_is_labelled_as_nothing_is_nothing():
    assert labels([2.0], ("idle", 1.0, 3.0)) == [0]


@given(st.floats(0.05, 20.0), st.floats(0.0, 100.0))
def test_every_segment_has_a_core(length, start):
    span = GestureSpan("hurry", round(start * S), round((start + length) * S))
    first, last = LabelRule().core(span)
    assert span.start_ns <= first < last <= span.end_ns


def test_few_examples_are_of_as_many_people_as_possible(take):
    takes = [
        take(f"{who}_1", who, [("hurry", t, t + 1) for t in (1, 3, 5)] + [("wipe", 7, 8)])
        for who in ("anna", "ben", "carla")
    ]
    drawn = draw_examples(takes, 4, seed=1)
    assert examples_of(drawn) == {"hurry": 4, "wipe": 3}
    shown = Counter(t.subject for t in drawn for s in t.sequence.spans if s.class_name == "hurry")
    assert sorted(shown.values()) == [1, 1, 2]
    for before, after in zip(takes, drawn, strict=True):
        for span in set(before.sequence.spans) - set(after.sequence.spans):
            times = after.sequence.stamps_ns
            inside = (times >= span.start_ns) & (times <= span.end_ns)
            assert not after.sequence.scores[inside].any()  # neither the gesture nor nothing
    assert examples_of(takes)["hurry"] == 9  # the old ones stay


@pytest.fixture
def store(tmp_path):
    def make(spans=(), layout="coco_wholebody_133", count=133, frames=40, passing=()):
        sheet = DataSheet(
            dataset="rosbag", layout=layout, dims=2, unit="px", stamps="measured", class_names=(),
            open_classes=True, license="own", provenance="bags", converter="rosbag",
        )  # fmt: skip
        stamps = np.arange(frames) * (S // 10)
        ones = np.ones((frames, count, 2), np.float32)
        person = Person(ones, ones[..., 0])
        with StoreWriter(tmp_path / "store", sheet) as writer:
            writer.add(
                Sample("anna_1#4", stamps, (person,), fields={"subject": "anna"}, spans=spans)
            )
            writer.add(Sample("passer_by#1", stamps[:5], (_cut(person, 5),), spans=passing))
            writer.add(Sample("once#1", stamps[:1], (_cut(person, 1),), spans=passing[:1]))
            writer.finish()
        return open_store(tmp_path / "store")

    return make


def _cut(person, frames):
    return Person(person.keypoints[:frames], person.scores[:frames])


def test_everybody_who_was_seen_for_a_second_is_taken(store):
    (take,) = read_takes(store((Span("hurry", S, 2 * S),)), "coco_wholebody_133")
    assert (take.recording, take.subject) == ("anna_1", "anna")
    assert [span.class_name for span in take.sequence.spans] == ["hurry"]
    lean = take.lean()
    assert lean.keypoints.shape == (40, 59, 2) and lean.layout == "coco_body_hands_59"


def test_labels_of_people_who_were_seen_for_less_than_a_second_are_counted(store):
    short = (Span("wipe", 0, S // 10), Span("wipe", S // 5, S // 3))
    found = store((Span("hurry", S, 2 * S),), passing=short)
    assert overlooked(found) == {"wipe": 3}
    assert examples_of(read_takes(found, "coco_wholebody_133")) == {"hurry": 1}


def test_labels_of_nobody_else_are_not_taken_for_no_labels(store):
    with pytest.raises(ConfigurationError, match="who was labelled is followed for a second"):
        read_takes(store(passing=(Span("wipe", 0, S // 10),)), "coco_wholebody_133")


def test_a_store_without_labels_or_of_another_layout_is_refused(store, tmp_path):
    with pytest.raises(ConfigurationError, match="holds no labelled segment; label the bags"):
        read_takes(store(), "coco_wholebody_133")
    with pytest.raises(ConfigurationError, match="teaching needs coco_17"):
        read_takes(open_store(tmp_path / "store"), "coco_17")
