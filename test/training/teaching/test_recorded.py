"""Windows of recordings: balanced, varied, mirrored with their labels, the same for one seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.config import AugmentConfig, WindowConfig
from training.describing.transitions import transition_of
from training.labels import UNMIRRORED, mirror_table
from training.teaching.recorded import (
    RecordedSampler,
    VariationConfig,
    above_border,
    index_takes,
    stretch_arms,
)

NAMES = ("idle", "hurry", "point_left", "point_right", "turn_left", "other")
IDS = {name: number for number, name in enumerate(NAMES)}
STILL = VariationConfig(
    AugmentConfig(0.0, 0.0, (1.0, 1.0), 0.0, (1.0, 1.0), 0.0, 0.0, 0.0, (1.0, 1.0), 0.0, 0.0, 0.0,
                  0.0),
    (1.0, 1.0), 0.0,
)  # fmt: skip


@pytest.fixture
def recorded(take):
    takes = [
        take("a_1", "a", [("hurry", 2, 5)], seed=1), take("a_2", "a", [("hurry", 2, 8)], seed=2),
        take("b_1", "b", [("hurry", 2, 4), ("point_left", 6, 8)], seed=3),
    ]  # fmt: skip
    return index_takes(takes, [t.subject for t in takes], IDS, 0, WindowConfig())


def test_windows_are_indexed_by_label_and_person(recorded):
    assert recorded.labels == (0, 1, 2, transition_of(1), transition_of(2))
    assert [len(recorded.ends[label]) for label in recorded.labels] == [2, 2, 1, 2, 1]
    rows = np.concatenate(recorded.ends[1])
    assert set(rows[:, 0]) == {0, 1, 2}
    assert rows[:, 1].min() >= 2_500_000_000


def test_people_come_equally_often_however_much_they_recorded(recorded):
    sampler = RecordedSampler(recorded, mirror_table(NAMES), STILL)
    points, scores, labels = sampler.windows(np.full(300, 1), np.random.default_rng(0))
    assert points.shape == (300, 32, 59, 2) and scores.shape == (300, 32, 59)
    assert labels.tolist() == [1] * 300
    of_b = np.isclose(points[:, -1, 0], recorded.takes[2].sequence.keypoints[0, 0]).all(axis=1)
    assert 110 <= of_b.sum() <= 190


def test_the_same_seed_gives_the_same_windows_and_nothing_is_undefined(recorded):
    sampler = RecordedSampler(recorded, mirror_table(NAMES))
    wanted = np.array([0, 1, 2, transition_of(1)] * 8)
    first = sampler.windows(wanted, np.random.default_rng(3))
    second = sampler.windows(wanted, np.random.default_rng(3))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.isfinite(a).all()
    assert not np.array_equal(first[0], sampler.windows(wanted, np.random.default_rng(4))[0])


def test_the_mirror_changes_sided_labels_and_spares_those_without_a_partner(recorded):
    assert mirror_table(NAMES).tolist() == [0, 1, 3, 2, UNMIRRORED, 5]
    always = VariationConfig(replace(STILL.augment, mirror=1.0), STILL.limbs, 0.0)
    sampler = RecordedSampler(recorded, mirror_table(NAMES), always)
    wanted = np.array([1, 2, transition_of(2), 0])
    _, _, labels = sampler.windows(wanted, np.random.default_rng(0))
    assert labels.tolist() == [1, 3, transition_of(3), 0]
    unmirrored = RecordedSampler(recorded, np.full(len(NAMES), UNMIRRORED), always)
    points, _, labels = unmirrored.windows(wanted, np.random.default_rng(0))
    assert labels.tolist() == wanted.tolist() and (points > 0).all()


def test_longer_arms_take_the_hands_along():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 100, (5, 4, 59, 2)).astype(np.float32)
    scores = np.ones((5, 4, 59), np.float32)
    scores[0, :, 7] = 0.0  # an elbow that is missing
    longer = stretch_arms(points, scores, (1.3, 1.3), rng)
    np.testing.assert_allclose(
        longer[1:, :, 7] - points[1:, :, 5], 1.3 * (points[1:, :, 7] - points[1:, :, 5]), atol=1e-3
    )
    moved = longer[:, :, 9] - points[:, :, 9]
    np.testing.assert_allclose(longer[:, :, 17:38] - points[:, :, 17:38],
                               moved[:, :, None].repeat(21, axis=2), atol=1e-3)  # fmt: skip
    np.testing.assert_array_equal(longer[0][:, [7, 9]], points[0][:, [7, 9]])
    still = [k for k in range(17) if k not in (7, 8, 9, 10)]
    np.testing.assert_array_equal(longer[:, :, still], points[:, :, still])


def test_a_cut_picture_loses_what_lies_low_but_for_hidden_trunks():
    points = np.zeros((50, 3, 59, 2), np.float32)
    points[:, :, 12, 1] = 100.0
    points[:, :, 13, 1] = 1000.0
    scores = np.ones((50, 3, 59), np.float32)
    scores[:10, :, 5] = 0.0
    left = above_border(points, scores, 1.0, np.random.default_rng(0))
    assert left[:10].all() and not left[10:, :, 13].any() and left[10:, :, 5].all()
