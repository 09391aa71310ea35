"""Clips of drawn people: windows as the robot cuts them, the same whenever they are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_plans import small_plan

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout
from training.data import load_protocol, open_store, split_clips
from training.data.converters import DrawnConverter
from training.data.converters.drawn import LAYOUT
from training.data.converting import convert
from training.data.drawn_clips import DrawnClips


@pytest.fixture(scope="module")
def clips():
    return DrawnClips(small_plan())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "store"
    convert(DrawnConverter(small_plan()), folder, report=str)
    return open_store(folder)


def test_windows_end_while_the_gesture_is_on(clips):
    plan = clips.plan
    for source in clips.sources():
        clip = clips.clip(source)
        length_s = clip.times_s[-1] - clip.times_s[0]
        period = 1.15 / clip.film.fps
        assert plan.window_s[0] - period <= length_s <= plan.window_s[1] + period
        on = [
            name
            for name, start, duration in clip.film.schedule
            if start + plan.min_visible_s - 1e-9 <= clip.times_s[-1] <= start + duration
        ]
        assert on == ([] if clip.class_name == "idle" else [clip.class_name])


def test_a_name_gives_the_same_clip_again(clips):
    for source in list(clips.sources())[::9]:
        first, second = clips.clip(source), DrawnClips(clips.plan).clip(source)
        assert np.array_equal(first.times_s, second.times_s) and first.film == second.film
    with pytest.raises(ConfigurationError, match="names no clip"):
        clips.clip("train/actor_1/fly/7")


def test_drawn_or_not_the_person_stands_at_the_same_place(clips):
    clip = clips.clip(next(iter(clips.sources())))
    drawn, undrawn = clips.scene(clip), clips.scene(clip, drawn=False)
    assert drawn.actors[0].place == undrawn.actors[0].place
    assert np.array_equal(
        drawn.pose(drawn.actors[0], 1.0), undrawn.pose(undrawn.actors[0], 1.0)
    )


def test_the_store_says_all_and_the_protocol_divides_it(store):
    store.verify()
    assert store.sheet.converter == "drawn" and store.sheet.layout == LAYOUT
    split = split_clips(store, load_protocol("held_objects"))
    subjects, setups = store.values("subject"), store.values("setup")
    owners = [split.clips.sample[part] for part in (split.train, split.validation, split.test)]
    assert all(len(part) for part in owners)
    people = [set(subjects[part]) for part in owners]
    assert not people[0] & people[1] and not (people[0] | people[1]) & people[2]
    assert set(setups[owners[2]]).isdisjoint(set(setups[np.concatenate(owners[:2])]))


def test_fingers_are_lost_as_often_as_the_plan_says(clips):
    lossy = DrawnConverter(replace(clips.plan, hand_loss=1.0))
    whole = DrawnConverter(replace(clips.plan, hand_loss=0.0))
    fingers = get_layout(LAYOUT).left_hand_indices
    for item in list(whole.items())[:3]:
        seen, lost = (made.load(item).people[0] for made in (whole, lossy))
        assert seen.scores[:, fingers].any() and not lost.scores[:, fingers].any()
        body = get_layout(LAYOUT).body_indices
        assert np.array_equal(seen.keypoints[:, body], lost.keypoints[:, body])


def test_what_is_held_does_not_move_the_keypoints(clips):
    """The same seeds give the same keypoints to both actions of a pair, bit for bit."""
    one, other = next(pair for pair in clips.vocabulary.object_pairs)
    converter = DrawnConverter(clips.plan)
    for seed in (3, 4):
        found = []
        for name in (one, other):
            items = (f"train/actor_7/{name}/{seed}",)
            found.append(converter.load(next(map(_item, items))))
        assert np.array_equal(found[0].people[0].keypoints, found[1].people[0].keypoints)
        assert found[0].class_name != found[1].class_name


def _item(source):
    from training.data.converters.base import Item

    return Item(source)
