"""Outsiders are possible, resemble no gesture, and films and labels tell them as such."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import GesturePlayer, load_vocabulary, parse_vocabulary
from bharnet_ros.gestures.player import MIN_DURATION_S
from bharnet_ros.gestures.wrist import strain
from training import outsiders
from training.config import OUTSIDER_ACTORS, OUTSIDERS
from training.generate import generate
from training.labels import OUTSIDER
from training.outsiders import (
    ALIKE,
    ELSEWHERE,
    bend_difference,
    draw_outsider,
    outsider_script,
    outsider_spans,
    outsider_vocabulary,
    resembles,
)
from training.plan import LEAD_S, plan_films
from training.sequences import GestureSpan, load_split

VOCABULARY = load_vocabulary()


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(1)
    return [draw_outsider(f"outsider_{i}", VOCABULARY, rng) for i in range(300)]


def test_every_draw_is_possible(drawn):
    assert all(strain(gesture.posture)[0] <= 0.0 for gesture in drawn)
    assert all(0.32 <= np.linalg.norm(gesture.posture.wrist) <= 0.99 for gesture in drawn)
    assert 0.3 < np.mean([gesture.both for gesture in drawn]) < 0.7
    assert {len(gesture.motion) for gesture in drawn} == {0, 1, 2}


def test_none_is_a_gesture_or_an_idle_hand(drawn):
    idle = [i.gesture for i in (*VOCABULARY.rests, *VOCABULARY.habits)]
    for outsider in drawn:
        for gesture in (*VOCABULARY, *idle):
            way = np.linalg.norm(np.subtract(outsider.posture.wrist, gesture.posture.wrist))
            if way < ELSEWHERE:
                assert bend_difference(outsider.hand, gesture.hand) >= ALIKE
                assert not (outsider.both and gesture.both)


def test_every_gesture_resembles_itself_and_hands_count_by_their_fingers():
    assert all(resembles(gesture, gesture) for gesture in VOCABULARY)
    stop, fist = VOCABULARY["stop"], VOCABULARY["fist"]
    three = replace(
        stop.hand, fingers=("extended", "extended", "extended", "curled"), thumb="folded"
    )
    assert bend_difference(three, stop.hand) == 1.0 and bend_difference(three, fist.hand) == 3.0
    assert not resembles(replace(stop, hands=(three,)), stop)
    # A fist raised where the open hand is, turned like it: still too near to its own gesture.
    assert resembles(replace(stop, hands=fist.hands), fist)


def test_the_rich_vocabulary_leaves_no_alternative_out():
    rich = load_vocabulary("gestures")
    assert all(resembles(gesture, gesture) for gesture in rich)
    some = parse_vocabulary("format: 2\nextends: gestures\nalso: [stop]\n")
    rng = np.random.default_rng(4)
    found = [draw_outsider(f"outsider_{i}", some, rng) for i in range(40)]
    everyday = {gesture.meaning for gesture in some.everyday.values()}
    drawn = [gesture for gesture in found if gesture.meaning not in everyday]
    assert 20 <= len(drawn) < 40
    # Gestures that the vocabulary knows but does not tell apart are no outsiders, either.
    for outsider in drawn:
        assert not any(resembles(outsider, known) for known in (*some, *some.others.values()))
    second = rich["arms_crossed"].second
    assert second is not None
    other = replace(rich["stop"], hands=second.hands[:1], postures=second.postures[:1])
    assert resembles(other, rich["arms_crossed"])


def test_scripts_fit_the_film_and_signing_never_pauses():
    signing = 0
    for seed in range(40):
        script = outsider_script(30.0, LEAD_S, np.random.default_rng(seed))
        assert all(duration >= MIN_DURATION_S for _, _, duration in script)
        gaps = [b[1] - a[1] - a[2] for a, b in pairwise(script)]
        assert min(gaps) > -1e-6 and script[-1][1] + script[-1][2] <= 30.0 + 1e-6
        if script[0][1] == 0.0:
            signing += 1
            assert max(gaps) < 2e-3
            assert script[-1][1] + script[-1][2] == pytest.approx(30.0)
            hands = outsider_vocabulary(script, seed, VOCABULARY)
            assert hands.rests[0].gesture.both and not hands.habits
        else:
            assert script[0][1] == LEAD_S and max(gaps) > 0.1
    assert 8 < signing < 32


def test_a_person_can_play_them():
    script = outsider_script(12.0, LEAD_S, np.random.default_rng(3))
    vocabulary = outsider_vocabulary(script, 7, VOCABULARY)
    again = outsider_vocabulary(script, 7, VOCABULARY)
    assert dict(vocabulary.gestures) == dict(again.gestures)
    assert not set(vocabulary.actions) & set(VOCABULARY.actions)
    performance = GesturePlayer(vocabulary).plan(script, np.random.default_rng(0), 12.0)
    poses = performance.poses(np.arange(0.0, 12.0, 0.1))
    assert np.isfinite(poses).all() and np.ptp(poses[:, 9:11], axis=0).max() > 0.2


def test_spans_that_touch_become_one():
    def span(name, start, end):
        return GestureSpan(name, round(start * 1e9), round(end * 1e9))

    spans = [span("a", 0, 1), span("b", 1, 2.5), span("c", 3, 4), span("d", 4.0005, 5)]
    assert outsider_spans(spans) == (span(OUTSIDER, 0, 2.5), span(OUTSIDER, 3, 5))
    assert outsider_spans([]) == ()


def test_films_of_outsiders_are_made_of_other_people(tiny_config, tmp_path):
    data = replace(
        tiny_config.data, outsider_scenes=(2, 2, 1), image_size=(720, 720), focal_px=1050.0,
        scene_s=6.0,
    )  # fmt: skip
    config = replace(tiny_config, data=data)
    plans = {name: plan_films(config, name, VOCABULARY) for name in OUTSIDERS}
    for name, first in zip(OUTSIDERS, OUTSIDER_ACTORS, strict=True):
        assert [plan.actor for plan in plans[name]] == list(range(first, first + len(plans[name])))
    assert len({plan.seed for each in plans.values() for plan in each}) == 5
    assert data.all_splits()[OUTSIDERS[2]].yaw_deg == data.splits["val"].yaw_deg

    class Layout:
        layout = "coco_wholebody_133"

        def close(self):
            pass

    made = generate(config, tmp_path / "d", 0, [OUTSIDERS[0]], Layout, lambda text: None)
    films = load_split(tmp_path / "d", OUTSIDERS[0], 2)
    assert made == 2
    assert {span.class_name for film in films for span in film.spans} == {OUTSIDER}


def test_a_vocabulary_that_leaves_nothing_over_is_told(monkeypatch):
    monkeypatch.setattr(outsiders, "ELSEWHERE", 3.0)  # every place is near a gesture's
    monkeypatch.setattr(outsiders, "ALIKE", 5.0)  # and so are all hands
    monkeypatch.setattr(outsiders, "_TRIES", 20)
    with pytest.raises(GestureError, match=r"leave nothing that an arm could .*fewer gestures"):
        draw_outsider("o", VOCABULARY, np.random.default_rng(0), both=False)
