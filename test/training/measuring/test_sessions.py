"""Films recorded as bags with labels, and the people who are filmed for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.gestures import load_vocabulary
from training.data import open_store
from training.data.converters import RosbagConverter
from training.data.converting import convert
from training.measuring import taught_films
from training.measuring.sessions import BEGUN_NS, HAND_ERROR_S, record_sessions
from training.sequences import GestureSpan, KeypointSequence

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

S = 1_000_000_000


@pytest.fixture(scope="module")
def vocabulary():
    return load_vocabulary(str(taught_films.GESTURES_FILE))


def test_everybody_makes_every_gesture_and_nobody_is_in_both_sets(vocabulary):
    people = {}
    for films in (taught_films.TAUGHT, taught_films.UNSEEN):
        plans = taught_films.plan_sessions(films, vocabulary, 7)
        assert plans == taught_films.plan_sessions(films, vocabulary, 7)
        for plan in plans:
            counts = Counter(name for name, _, _ in plan.schedule)
            assert counts == dict.fromkeys(vocabulary.actions, taught_films.REPEATS[films.name])
            _, start, length = plan.schedule[-1]
            assert plan.duration_s > start + length
        people[films.name] = {plan.actor for plan in plans}
    assert [len(who) for who in people.values()] == [10, 15]
    assert not set.intersection(*people.values())
    assert not set(vocabulary.actions) & set(load_vocabulary("gestures").actions)


def film(actor):
    rng = np.random.default_rng(actor)
    points = rng.uniform(100, 600, (1, 133, 2)).repeat(60, axis=0).astype(np.float32)
    return KeypointSequence(
        "coco_wholebody_133", np.arange(60) * (S // 10), points, np.ones((60, 133), np.float32),
        points[:0], (GestureSpan("hurry", 2 * S, 4 * S),),
        {"image_size": [720, 720], "actor": actor},
    )  # fmt: skip


def test_a_film_becomes_a_bag_that_converts_with_its_labels(tmp_path):
    films = [film(740_000), film(740_001)]
    bags = record_sessions(films, tmp_path / "bags", seed=1)
    assert [bag.name for bag in bags] == ["actor740000_1", "actor740001_1"]
    assert record_sessions(films, tmp_path / "bags", seed=1) == bags  # those there are kept
    convert(RosbagConverter(tmp_path / "bags", names="{subject}_{session}"), tmp_path / "store",
            report=str)  # fmt: skip
    store = open_store(tmp_path / "store")
    assert store.values("subject").tolist() == ["actor740000", "actor740001"]
    sample = store.sample(0)
    np.testing.assert_array_equal(sample.people[0].keypoints, films[0].keypoints)
    assert sample.stamps_ns[0] == BEGUN_NS
    for number in (0, 1):
        (span,) = store.sample(number).spans
        assert span.class_name == "hurry"
        for marked, true in ((span.start_ns, 2 * S), (span.end_ns, 4 * S)):
            assert abs(marked - BEGUN_NS - true) < 5 * HAND_ERROR_S * S
    other = replace(films[0], spans=())
    (quiet,) = record_sessions([other], tmp_path / "quiet", seed=1)
    assert (quiet / "labels.csv").read_text().strip().startswith("start,end,label")
