"""Acted people as a store: the same whenever they are asked for, and of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.gestures import load_vocabulary
from training.data import open_store
from training.data.clips import all_clips
from training.data.converters import ActedConverter
from training.data.converters.acted import OTHER
from training.data.converting import convert

SMALL = ActedConverter(count=40)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acted") / "store"
    convert(SMALL, folder, report=str)
    return folder


def test_a_store_of_clips_as_long_as_asked_for(store: Path) -> None:
    found = open_store(store)
    assert len(found) == SMALL.count and found.sheet.dataset == "acted_gestures"
    clips = all_clips(found)
    assert set((clips.stop - clips.first).tolist()) == {25}  # 1.6 s of 15 frames/s
    assert found.stamps[24] == 1_600_000_000
    names = {found.sheet.class_names[label] for label in clips.label}
    assert {"idle", OTHER} < names, "rest, other things and gestures"
    assert names <= {*load_vocabulary("gestures").class_names, OTHER}


def test_the_experts_can_read_most_of_them(store: Path) -> None:
    found = open_store(store)
    points = np.asarray(found.keypoints).reshape(SMALL.count, 25, 59, 2)
    scores = np.asarray(found.scores).reshape(SMALL.count, 25, 59)
    body = body_features(points, scores, found.sheet.layout)
    hand = hand_features(points, scores, found.sheet.layout)
    assert (body[:, 2].max(axis=(1, 2, 3)) > 0).mean() > 0.9
    assert (hand[:, 2].max(axis=(1, 2, 3)) > 0).mean() > 0.5
    assert np.isfinite(body).all() and np.isfinite(hand).all()
    assert not points[scores == 0.0].any()


def test_equal_options_give_equal_clips_and_a_seed_others() -> None:
    item = list(SMALL.items())[7]
    first, again = SMALL.load(item).people[0], replace(SMALL).load(item).people[0]
    other = replace(SMALL, seed=1).load(item).people[0]
    assert np.array_equal(first.keypoints, again.keypoints)
    assert not np.array_equal(first.keypoints, other.keypoints)


def test_the_other_layout_holds_the_same_points() -> None:
    item = list(SMALL.items())[3]
    few = SMALL.load(item).people[0]
    many = replace(SMALL, layout="coco_wholebody_133").load(item).people[0]
    assert many.keypoints.shape == (25, 133, 2)
    assert np.array_equal(few.keypoints[:, :17], many.keypoints[:, :17])
    assert np.array_equal(few.keypoints[:, 17:], many.keypoints[:, 91:])
    assert not many.scores[:, 17:91].any()


def test_what_is_left_out_nobody_makes() -> None:
    kept = {"stop"}
    actions = load_vocabulary("gestures").actions
    only = replace(SMALL, leave_out=tuple(n for n in actions if n not in kept))
    names = {only.load(item).class_name for item in only.items()}
    assert names <= {"idle", "stop", OTHER}


LONG = """\
format: 2
extends: gestures
also: [victory]
gestures:
  lifting: {meaning: x, hand: open, posture: palm_down, duration_s: [8, 9],
            motion: {raise: {toward: up, length: 0.3}}}
"""


def test_gestures_longer_than_a_clip_and_its_lead_are_acted_in_full(tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    file.write_text(LONG)
    long = replace(SMALL, vocabulary=str(file))
    called = [long.load(item).class_name for item in long.items()]
    assert {"lifting", "victory", "idle"} <= set(called) and called.count("lifting") > 8
    assert long.sheet().options["lead_s"] == pytest.approx(2 * 9 * 1.25 + 2 - 1.6)
    without = replace(long, leave_out=("lifting",))
    assert "lead_s" not in without.sheet().options
    assert "lead_s" not in replace(SMALL, window_s=0.2).sheet().options


def test_clips_of_the_shipped_gestures_are_those_that_networks_were_trained_on() -> None:
    clips = [SMALL.load(item) for item in list(SMALL.items())[:12]]
    called = [clip.class_name for clip in clips]
    assert called == [*[OTHER] * 3, "idle", OTHER, OTHER, "idle", "idle", *[OTHER] * 3,
                      "both_hands_up"]  # fmt: skip
    heads = np.stack([clip.people[0].keypoints[-1, :3] for clip in clips])
    assert heads.mean(axis=(0, 1)) == pytest.approx([606.857, 147.236], abs=0.01)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: replace(c, count=0), "--count is 0"),
        (lambda c: replace(c, window_s=60.0), "--window is 60"),
        (lambda c: replace(c, rate_hz=1.0), "--rate is 1"),
        (lambda c: replace(c, layout="ntu_25"), "--layout is 'ntu_25'"),
        (lambda c: replace(c, leave_out=("moonwalk",)), "--leave-out names moonwalk"),
    ],
)
def test_wrong_options_are_named(
    change: Callable[[ActedConverter], ActedConverter], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        change(SMALL).sheet()
