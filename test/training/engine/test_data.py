from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from training.engine.config import StoreConfig
from training.engine.data import EpochNumbers, EvaluationBatches, StoreDataModule
from training.engine.inputs import Preparation


def test_training_batches_are_a_function_of_seed_and_number(
    configured: Callable[..., StoreConfig],
) -> None:
    first = StoreDataModule(configured()).training_batches()
    again = StoreDataModule(configured()).training_batches()
    other = StoreDataModule(configured(seed=1)).training_batches()
    for ours, theirs in zip(first[1], again[1], strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(first[1].body, other[1].body)
    assert not torch.equal(first[1].body, first[1 + first.per_epoch].body)


def test_an_epoch_shows_no_clip_twice(configured: Callable[..., StoreConfig]) -> None:
    batches = StoreDataModule(configured()).training_batches()
    shown = np.concatenate([batches[n].clip.numpy() for n in range(batches.per_epoch)])
    assert len(set(shown.tolist())) == len(shown) == 9 * batches.per_epoch


def test_processes_share_the_clips_that_one_would_see(
    configured: Callable[..., StoreConfig],
) -> None:
    data = StoreDataModule(configured())
    alone = data.training_batches()[2].clip.tolist()
    parts = [data.training_batches(rank, 2)[2].clip.tolist() for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(alone)
    assert not set(parts[0]) & set(parts[1])


def test_more_processes_than_clips_are_refused(configured: Callable[..., StoreConfig]) -> None:
    with pytest.raises(ConfigurationError, match="10 processes share batches of 9"):
        StoreDataModule(configured()).training_batches(0, 10)


def test_repeating_makes_longer_epochs(configured: Callable[..., StoreConfig]) -> None:
    config = configured()
    repeated = replace(config, data=replace(config.data, repeat=3))
    once = StoreDataModule(config).training_batches().per_epoch
    assert StoreDataModule(repeated).training_batches().per_epoch == 3 * once


def test_evaluation_sees_every_clip_once_unchanged(
    configured: Callable[..., StoreConfig],
) -> None:
    data = StoreDataModule(configured())
    loader, count = data.loader("test"), len(data.clips("test"))
    whole = EvaluationBatches(loader, data.preparation, 5)
    shown = np.concatenate([whole[n].clip.numpy() for n in range(len(whole))])
    assert shown.tolist() == list(range(count))
    assert torch.equal(whole[0].hand, whole[0].hand)
    parts = [EvaluationBatches(loader, data.preparation, 256, rank, 4) for rank in range(4)]
    shared = [clip for part in parts for clip in part[0].clip.tolist()]
    assert sorted(shared) == list(range(count))
    assert torch.equal(parts[1][0].body[0], whole[0].body[1])
    assert len(EvaluationBatches(loader, data.preparation, 256, count, count + 1)) == 0


def test_shapes_are_those_of_the_robot(configured: Callable[..., StoreConfig]) -> None:
    batch = StoreDataModule(configured()).training_batches()[0]
    assert batch.body.shape == (9, 3, 16, 19, 1)
    assert batch.hand.shape == (9, 3, 16, 21, 2)
    assert batch.body.dtype == batch.hand.dtype == torch.float32


def test_epochs_continue_where_the_last_one_ended() -> None:
    steps = iter([0, 8])
    numbers = EpochNumbers(4, lambda: next(steps))
    assert list(numbers) == [0, 1, 2, 3]
    assert list(numbers) == [8, 9, 10, 11]


def test_a_skeleton_takes_all_joints_of_its_layout(
    configured: Callable[..., StoreConfig],
) -> None:
    data = StoreDataModule(
        configured(
            inputs="skeleton", streams=["body"], preprocessing="unit_box",
            skeleton_augment={"rotate_deg": [20.0], "mirror": 0.5, "noise": 0.01, "shear": 0.1,
                              "keypoint_drop": 0.1, "frame_drop": 0.2, "scale": [0.9, 1.1]},
        )
    )  # fmt: skip
    batch = data.training_batches()[0]
    assert batch.body.shape == (9, 3, 16, 59, 1)
    assert batch.hand.shape == (9, 0)
    assert float(batch.body[:, :2].abs().max()) <= 1.0 + 1e-5


def test_rare_classes_are_shown_as_often_as_others_if_asked(
    configured: Callable[..., StoreConfig],
) -> None:
    config = configured()
    data = StoreDataModule(replace(config, data=replace(config.data, even_classes=True)))
    clips = data.clips("train")
    rare = np.flatnonzero(clips.label == 2)[2:]  # keep two clips of the last class
    kept = np.setdiff1d(np.arange(len(clips)), rare)
    data.split = replace(data.split, train=data.split.train[kept])
    batches = data.training_batches()
    labels = np.concatenate([batches[n].label.numpy() for n in range(200)])
    shares = np.bincount(labels, minlength=3) / len(labels)
    assert np.allclose(shares, 1 / 3, atol=0.05)


@pytest.mark.parametrize("inputs", ["features", "skeleton"])
def test_mirrored_clips_have_the_class_of_the_other_side(
    configured: Callable[..., StoreConfig], inputs: str
) -> None:
    changes: dict[str, Any] = {"augment": {"mirror": 1.0}}
    if inputs == "skeleton":
        changes = {"inputs": inputs, "streams": ["body"], "skeleton_augment": {"mirror": 1.0}}
    data = StoreDataModule(configured(**changes))

    def labels(*names: str) -> tuple[list[int], list[int]]:
        preparation = Preparation(data.config, data.store.sheet, names)
        batch = data.loader("train").windows(np.arange(9), None)
        inputs = preparation.training(batch, np.random.default_rng(0))
        return batch.label.tolist(), inputs.label.tolist()

    before, after = labels("idle", "point_left", "point_right")
    assert after == [[0, 2, 1][label] for label in before] and {1, 2} <= set(before)
    before, after = labels("idle", "wave", "fist")
    assert after == before
    # Nothing is the other side of this one, so it is not mirrored.
    before, after = labels("idle", "wave", "point_left")
    assert after == before
