"""Which mistakes are shown, and the pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.mistakes import find_mistakes
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording
from bharnet_ros.evaluation.strips import TILES, make_strips
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Image, Skeleton, SkeletonFrame

NS = 1_000_000_000
LAYOUT = "coco_wholebody_133"
SIZE = (480, 640)


def evaluation(truth: Sequence[Episode], recognised: Sequence[Episode]) -> Evaluation:
    stamps = np.arange(0, 60) * NS // 2
    judged = JudgedPerson(
        1, stamps, np.where(stamps >= 5 * NS, 2, 0), np.full(60, 0.7, np.float32),
        np.full(60, -1), np.ones(60, np.bool_),
    )  # fmt: skip
    recording = Recording("bag", 0, 30 * NS, tuple(truth), tuple(recognised), (judged,), 300, 300)
    return Evaluation("offline", "g", "", "mediapipe", ("idle", "wave", "ok", "stop"), "idle", "",
                      (recording,))  # fmt: skip


def episode(name: str, start: float, end: float, score: float = 1.0, person: int = 1) -> Episode:
    return Episode(person, name, round(start * NS), round(end * NS), score)


TRUTH = (
    episode("wave", 4, 6), episode("wave", 10, 12), episode("ok", 15, 17), episode("ok", 20, 22),
)  # fmt: skip
FOUND = (
    episode("stop", 4.5, 6, 0.6), episode("stop", 10.5, 12, 0.9), episode("ok", 15.2, 17, 0.9),
    episode("stop", 25, 26, 0.8), episode("wave", 28, 29, 0.4, person=-1),
)  # fmt: skip


def frames(recording: str, start_ns: int, end_ns: int) -> list[SkeletonFrame]:
    """Person 1 in every tenth of a second, walking to the right; somebody else on the left."""
    count = get_layout(LAYOUT).num_keypoints
    found = []
    for stamp in range(-(-start_ns // (NS // 10)) * (NS // 10), end_ns + 1, NS // 10):
        people = []
        for person, x in ((1, 300.0 + stamp / NS * 4), (2, 40.0)):
            points = np.full((count, 2), (x + 40, 260.0), np.float32)
            points[:, 1] += np.linspace(-100, 100, count, dtype=np.float32)
            box = np.array([x, 140, 80, 240], np.float32)
            people.append(Skeleton(person, box, 0.9, points, np.ones(count, np.float32)))
        found.append(SkeletonFrame(stamp, SIZE, LAYOUT, tuple(people)))
    return found


def test_the_worst_come_first_by_turns_and_each_confusion_once() -> None:
    found = find_mistakes(evaluation(TRUTH, FOUND))
    shown = [(m.kind, m.truth, m.report, m.event_ns / NS) for m in found]
    assert shown == [
        ("wrong", "wave", "stop", 10.5),
        ("false alarm", None, "stop", 25.0),
        ("missed", "ok", None, 20.0),
        ("wrong", "wave", "stop", 4.5),
        ("false alarm", None, "wave", 28.0),
    ]
    assert [m.times for m in found] == [2, 1, 1, 2, 1]
    assert [m.score for m in found] == pytest.approx([0.9, 0.8, 0.0, 0.6, 0.4])
    assert (found[1].start_ns, found[1].end_ns) == (round(23.5 * NS), 26 * NS)


def test_there_are_as_many_as_the_metrics_count(acted: Any) -> None:
    run = acted(5, seconds=90.0)
    found, events = find_mistakes(run), measure(run)["overall"]["events"]
    kinds = [m.kind for m in found]
    assert kinds.count("wrong") == events["wrong"] and kinds.count("missed") == events["missed"]
    assert kinds.count("false alarm") == events["false_alarms"]["count"]


def test_what_is_right_is_no_mistake() -> None:
    assert find_mistakes(evaluation(TRUTH, TRUTH)) == ()
    assert make_strips(evaluation(TRUTH, TRUTH), lambda *_: None, frames) == ()


def test_strips_show_the_person_with_the_skeleton() -> None:
    asked: list[int] = []

    def image(recording: str, stamp_ns: int) -> Image | None:
        assert recording == "bag"
        asked.append(stamp_ns)
        return np.full((*SIZE, 3), 60, np.uint8)

    strips = make_strips(evaluation(TRUTH, FOUND), image, frames, limit=4)
    assert len(strips) == 4
    assert asked == sorted(asked) and len(asked) == len(set(asked))  # one way through the bag
    first = strips[0]
    assert [tile.stamp_ns / NS for tile in first.tiles] == [10, 10.4, 10.8, 11.2, 11.6, 12]
    assert {(tile.judged, round(tile.probability, 2)) for tile in first.tiles} == {("ok", 0.7)}
    for tile in first.tiles:
        picture = cv2.imdecode(np.frombuffer(tile.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None and picture.shape == (tile.height, tile.width, 3)
        assert 0.5 < tile.width / tile.height < 1.6  # around the person, not the whole image
        changed = np.abs(picture.astype(int) - 60).max(axis=2) > 60
        assert 0.002 < changed.mean() < 0.3  # a skeleton was drawn
        assert tile.seen and len(tile.jpeg) < 30_000


def test_missing_pictures_and_people_are_said() -> None:
    run = evaluation(TRUTH, FOUND)
    blind = make_strips(run, lambda *_: None, frames, limit=2)
    assert [strip.tiles for strip in blind] == [(), ()]
    empty = make_strips(run, lambda *_: np.zeros((*SIZE, 3), np.uint8), lambda *_: [], limit=2)
    assert [strip.tiles for strip in empty] == [(), ()]

    def nobody(recording: str, start_ns: int, end_ns: int) -> list[SkeletonFrame]:
        return [replace(f, skeletons=()) for f in frames(recording, start_ns, end_ns)]

    unseen = make_strips(run, lambda *_: np.zeros((*SIZE, 3), np.uint8), nobody, limit=1)
    assert len(unseen[0].tiles) == TILES and not any(tile.seen for tile in unseen[0].tiles)
    assert unseen[0].tiles[0].width / unseen[0].tiles[0].height == pytest.approx(4 / 3, abs=0.01)


def test_images_of_another_size_than_the_skeletons_are_fitted() -> None:
    small = np.zeros((240, 320, 3), np.uint8)
    half = make_strips(evaluation(TRUTH, FOUND), lambda *_: small, frames, limit=1)
    assert len(half[0].tiles) == TILES


def test_old_judgements_are_not_taken_for_new_ones() -> None:
    run = evaluation(TRUTH, (*FOUND[:3], episode("stop", 29.0, 29.8, 0.99)))
    person = run.recordings[0].people[0]
    short = replace(
        person,
        **{name: getattr(person, name)[:20]
           for name in ("stamps_ns", "class_ids", "probabilities", "reported", "hands")},
    )  # fmt: skip
    run = replace(run, recordings=(replace(run.recordings[0], people=(short,)),))
    strips = make_strips(run, lambda *_: np.zeros((*SIZE, 3), np.uint8), frames)
    late = next(s for s in strips if s.mistake.event_ns == 29 * NS)
    assert {tile.judged for tile in late.tiles} == {None}
