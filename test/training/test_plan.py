"""The shooting plan, filming and resuming, with an estimator that looks nothing up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.types import Skeleton, SkeletonFrame
from training.filming import find_person
from training.generate import generate
from training.plan import LEAD_S, frame_times, plan_films
from training.sequences import load_split

VOCABULARY = load_vocabulary()


class FixedEstimator:
    """Finds the same person in the middle of every image."""

    layout = "coco_wholebody_133"
    frames = 0

    def __init__(self) -> None:
        self.timings_ms = {}
        self.resets = 0

    def estimate(self, image_bgr, stamp_ns):
        FixedEstimator.frames += 1
        height, width = image_bgr.shape[:2]
        keypoints = np.full((133, 2), width / 2, np.float32)
        box = np.array([width * 0.2, 0, width * 0.6, height], np.float32)
        person = Skeleton(-1, box, 0.9, keypoints, np.full(133, 0.7, np.float32))
        return SkeletonFrame(stamp_ns, (height, width), self.layout, (person,))

    def reset(self):
        self.resets += 1

    def close(self):
        pass


def fixed_estimator():
    return FixedEstimator()


def test_plans_repeat_and_keep_their_ranges(tiny_config):
    config = replace(tiny_config, data=replace(tiny_config.data, scene_s=30.0))
    plans = plan_films(config, "val", VOCABULARY)
    assert plans == plan_films(config, "val", VOCABULARY)
    assert plans != plan_films(replace(config, seed=4), "val", VOCABULARY)
    split = config.data.splits["val"]
    for plan in plans:
        assert split.actors[0] <= plan.actor <= split.actors[1]
        assert abs(plan.yaw_deg) <= 20.0 and 0.9 <= plan.speed <= 1.1
        ends = [LEAD_S]
        for name, start, duration in plan.schedule:
            assert name in VOCABULARY.actions
            assert start >= ends[-1] - 1e-6
            ends.append(start + duration)
        assert ends[-1] <= plan.duration_s


def test_splits_never_share_a_person(tiny_config):
    seen = [
        {plan.actor for plan in plan_films(tiny_config, name, VOCABULARY)}
        for name in tiny_config.data.splits
    ]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_classes_are_dealt_evenly(tiny_config):
    split = replace(tiny_config.data.splits["train"], scenes=30)
    data = replace(tiny_config.data, scene_s=30.0, splits={"train": split})
    plans = plan_films(replace(tiny_config, data=data), "train", VOCABULARY)
    counts = Counter(name for plan in plans for name, _, _ in plan.schedule)
    assert set(counts) == set(VOCABULARY.actions)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_idle_films_hold_no_gesture(tiny_config):
    vocabulary = load_vocabulary(tiny_config.vocabulary)
    splits = tiny_config.data.splits
    idle = replace(splits["val"], actors=(300, 301), idle=True)
    data = replace(tiny_config.data, splits={**splits, "idle": idle})
    plans = plan_films(replace(tiny_config, data=data), "idle", vocabulary)
    assert [plan.schedule for plan in plans] == [(), ()]
    assert all(plan_films(tiny_config, "val", vocabulary)[0].schedule)


def test_stamps_rise_and_jitter(tiny_config):
    plan = plan_films(tiny_config, "train", VOCABULARY)[0]
    times = frame_times(plan, tiny_config.data)
    steps = np.diff(times)
    assert (steps > 0).all() and len(times) == 40
    assert steps.std() > 0.002 and np.abs(steps - 0.1).max() <= 0.02 + 1e-9


def test_two_films_stop_and_go_on(tmp_path, tiny_config):
    folder = tmp_path / "data"
    made = generate(tiny_config, folder, 0, ["val"], fixed_estimator, lambda text: None)
    assert made == 2
    films = load_split(folder, "val", 2)
    for film in films:
        assert film.keypoints.shape == (40, 133, 2) and film.scores.min() > 0.6
        assert film.truth.shape == (40, 133, 2) and np.isfinite(film.truth).any()
        assert len(film.spans) == 1 and film.info["actor"] in (100, 101)
        start, end = film.spans[0].start_ns, film.spans[0].end_ns
        assert round(LEAD_S * 1e9) == start < end <= 4e9

    before = FixedEstimator.frames
    damaged, kept = sorted((folder / "val").glob("*.npz"))
    stamp = kept.stat().st_mtime_ns
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert generate(tiny_config, folder, 0, ["val"], fixed_estimator, lambda text: None) == 1
    assert FixedEstimator.frames - before == 40
    assert kept.stat().st_mtime_ns == stamp
    again = load_split(folder, "val", 2)
    np.testing.assert_array_equal(again[0].truth, films[0].truth)


def test_a_folder_of_other_settings_is_refused(tmp_path, tiny_config):
    small = {name: replace(split, scenes=0) for name, split in tiny_config.data.splits.items()}
    nothing = replace(tiny_config, data=replace(tiny_config.data, splits=small))
    assert generate(nothing, tmp_path / "d", 0, None, fixed_estimator, lambda text: None) == 0
    with pytest.raises(ConfigurationError, match="other settings"):
        generate(replace(nothing, seed=8), tmp_path / "d", 0, None, fixed_estimator, print)


def test_wrong_split_and_workers(tmp_path, tiny_config):
    with pytest.raises(ConfigurationError, match="no split 'tset'"):
        generate(tiny_config, tmp_path, 0, ["tset"], fixed_estimator, print)
    with pytest.raises(ConfigurationError, match="workers"):
        generate(tiny_config, tmp_path, -1, None, fixed_estimator, print)


def test_only_the_actor_is_taken():
    def person(x):
        box = np.array([x, 0, 100, 200], np.float32)
        return Skeleton(-1, box, 1.0, np.zeros((133, 2), np.float32), np.ones(133, np.float32))

    frame = SkeletonFrame(0, (720, 1280), "coco_wholebody_133", (person(500), person(30)))
    found = find_person(frame, person(20))
    assert found is not None and found.bbox[0] == 30
    assert find_person(frame, person(900)) is None
