"""Scenes with things in hands: who holds what when, and what that may and may not change."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.simulation import BACKGROUND_KINDS, Camera, Effects, Scene
from bharnet_ros.simulation.depth import exact_depth
from bharnet_ros.simulation.undrawn import true_frame

SMALL = Camera(320, 180, 262.0)
VOCABULARY = load_vocabulary("held_objects")


@cache
def _scene(seed: int = 3, people: int = 1, duration_s: float = 30.0, rate: float = 0.5) -> Scene:
    return Scene.random(
        seed, people, duration_s, camera=SMALL, vocabulary=VOCABULARY, carry_rate=rate,
        effects=Effects.none(),
    )  # fmt: skip


def _bare(scene: Scene) -> Scene:
    actors = [replace(actor, holdings=()) for actor in scene.actors]
    return Scene(actors, scene.renderer, scene.duration_s, 3)


def test_a_gesture_holds_what_its_description_says_from_its_first_to_its_last_movement() -> None:
    seen = set()
    for seed in range(4):
        actor = _scene(seed).actors[0]
        for segment in actor.performance.segments:
            holds = VOCABULARY[segment.class_name].holds
            for t_s in np.linspace(segment.start_s, segment.end_s - 1e-6, 7).tolist():
                kinds = [prop.kind for prop, _ in actor.held(t_s)]
                assert kinds == ([] if holds is None else list(holds.objects))
            if holds is not None:
                hands = actor.held(segment.arrived_s)[0][1]
                assert len(hands) == (2 if holds.hand == "both" else 1)
                seen.add(segment.class_name)
    assert len(seen) == 8


def test_things_are_held_between_gestures_too_as_often_as_asked() -> None:
    def share(rate: float) -> tuple[float, set[str]]:
        held, kinds = [], set()
        for seed in range(4):
            actor = _scene(seed, rate=rate).actors[0]
            for t_s in np.arange(0.1, 30.0, 0.5).tolist():
                if actor.performance.active(t_s) is None:
                    found = actor.held(t_s)
                    assert len(found) <= 1
                    held.append(bool(found))
                    kinds |= {prop.kind for prop, _ in found}
        return float(np.mean(held)), kinds

    never, _ = share(0.0)  # only what is taken up before and kept after a gesture
    often, kinds = share(1.0)
    assert never < 0.5 and often > 0.7 and often > never + 0.3
    assert kinds == {"ball", "book", "bottle", "card", "cup", "phone", "tablet"}


def test_the_truth_does_not_depend_on_what_is_held() -> None:
    scene = _scene(people=2, duration_s=12.0)
    bare = _bare(scene)
    different = 0
    for t_s in np.arange(1.0, 12.0, 2.2).tolist():
        held, empty = scene.frame(t_s), bare.frame(t_s)
        for a, b in zip(held.skeletons.skeletons, empty.skeletons.skeletons, strict=True):
            assert np.array_equal(a.keypoints, b.keypoints) and np.array_equal(a.scores, b.scores)
        for a, b in zip(true_frame(scene, t_s).skeletons, true_frame(bare, t_s).skeletons,
                        strict=True):  # fmt: skip
            assert np.array_equal(a.keypoints, b.keypoints) and np.array_equal(a.scores, b.scores)
        holding = any(actor.held(t_s) for actor in scene.actors)
        different += holding
        assert np.array_equal(held.image, empty.image) == (not holding)
    assert different >= 2


def test_the_same_body_motion_whatever_is_held() -> None:
    """Of a pair, the same scene with the other class differs in nothing but the picture."""
    for names in VOCABULARY.object_pairs:
        first, second = (
            Scene.random(9, 1, 5.0, camera=SMALL, vocabulary=VOCABULARY, classes=(name,))
            for name in names
        )
        segment = first.segments[0].segment
        t_s = (segment.arrived_s + segment.released_s) / 2
        one, other = first.frame(t_s), second.frame(t_s)
        assert np.array_equal(
            one.skeletons.skeletons[0].keypoints, other.skeletons.skeletons[0].keypoints
        )
        assert not np.array_equal(one.image, other.image)
        changed = np.abs(one.image.astype(int) - other.image).max(axis=2) > 24
        assert 5 < changed.sum() < 0.1 * changed.size
        hands = one.skeletons.skeletons[0].keypoints[91:]
        rows, columns = np.nonzero(changed)
        gap = np.hypot(columns[:, None] - hands[:, 0], rows[:, None] - hands[:, 1]).min(axis=1)
        assert np.quantile(gap, 0.9) < 25


_BEFORE = {  # mean brightness in 3 x 4 parts of a picture, drawn when nobody could hold anything
    "first_light": [[135.68, 117.28, 111.48, 146.49], [104.98, 104.04, 78.34, 85.90],
                    [87.01, 92.11, 85.30, 81.25]],
    "gestures": [[145.03, 172.25, 166.33, 130.30], [112.88, 156.19, 127.02, 113.81],
                 [132.87, 137.12, 142.66, 148.56]],
}  # fmt: skip


@pytest.mark.parametrize(("vocabulary", "seed"), [("first_light", 5), ("gestures", 6)])
def test_pictures_of_empty_hands_are_as_they_were(vocabulary: str, seed: int) -> None:
    scene = Scene.random(seed, 2, 6.0, camera=SMALL, vocabulary=load_vocabulary(vocabulary))
    parts = scene.frame(2.0).image.astype(float).mean(axis=2).reshape(3, 60, 4, 80)
    assert np.abs(parts.mean(axis=(1, 3)) - _BEFORE[vocabulary]).max() < 0.1


def test_pairs_that_only_the_object_tells_apart_are_dealt_first() -> None:
    paired = {name for pair in VOCABULARY.object_pairs for name in pair}
    scene = Scene.random(2, 2, 22.0, camera=SMALL, vocabulary=VOCABULARY, deal=True)
    for actor in scene.actors:
        assert {s.class_name for s in actor.performance.segments[:4]} <= paired


@pytest.mark.parametrize("vocabulary", ["first_light", "gestures"])
def test_without_objects_nothing_is_held(vocabulary: str) -> None:
    scene = Scene.random(5, 2, 6.0, camera=SMALL, vocabulary=load_vocabulary(vocabulary))
    assert all(actor.holdings == () for actor in scene.actors)
    assert np.array_equal(scene.frame(2.0).image, Scene.random(
        5, 2, 6.0, camera=SMALL, vocabulary=load_vocabulary(vocabulary), carry_rate=1.0
    ).frame(2.0).image)  # fmt: skip


def test_objects_are_drawn_far_away_before_every_background_and_in_depth() -> None:
    for k, kind in enumerate(BACKGROUND_KINDS):
        scene = Scene.random(
            k, 1, 5.0, camera=SMALL, vocabulary=VOCABULARY, classes=("offer_cup",),
            backgrounds=(kind,), distance_range_m=(2.0, 2.2) if k % 2 else (7.0, 9.0),
        )  # fmt: skip
        segment = scene.segments[0].segment
        t_s = (segment.arrived_s + segment.released_s) / 2
        bare = _bare(scene)
        assert not np.array_equal(scene.frame(t_s).image, bare.frame(t_s).image)
        with_cup, without = exact_depth(scene, t_s, 12.0), exact_depth(bare, t_s, 12.0)
        assert (with_cup <= without).all() and (with_cup < without).any()
