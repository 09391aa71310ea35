"""Windows of what none of the classes is, in every training batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from acted_clips import acted

from bharnet_ros.errors import ConfigurationError
from training.data import DataSheet, StoreWriter
from training.data.converters import ActedConverter
from training.data.converting import convert
from training.engine.config import StoreConfig
from training.engine.data import StoreDataModule
from training.engine.exporting import provenance
from training.engine.fitting import Machine, fit_store

Configured = Callable[..., StoreConfig]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two stores of people who act."""
    found = []
    for seed, count in ((0, 20), (1, 4)):
        folder = tmp_path_factory.mktemp("others") / f"acted_{seed}"
        convert(ActedConverter(count=count, seed=seed), folder, report=str)
        found.append(str(folder))
    return found


@pytest.fixture
def data(configured: Configured, store: Path, others: list[str]) -> dict[str, Any]:
    return {
        "store": str(store), "protocol": str(store.parent / "protocol.yaml"), "background": others,
        "background_share": 0.34,
    }  # fmt: skip


def test_a_share_of_each_batch_is_called_the_background(
    configured: Configured, data: dict[str, Any]
) -> None:
    module = StoreDataModule(configured(data=data))
    batches = module.training_batches()
    own = len(module.clips("train"))
    assert batches.per_epoch == own // 6
    shown = []
    for number in range(batches.per_epoch):
        batch = batches[number]
        assert batch.body.shape == (9, 3, 16, 19, 1) and batch.hand.shape == (9, 3, 16, 21, 2)
        assert batch.label[6:].tolist() == [0, 0, 0], "idle, whatever they do"
        shown += batch.clip[:6].tolist()
    assert len(set(shown)) == len(shown) == 6 * batches.per_epoch


def test_all_stores_take_part_by_their_size(configured: Configured, data: dict[str, Any]) -> None:
    background = StoreDataModule(configured(data=data)).background
    assert background is not None and background.num_clips == 24
    rng = np.random.default_rng(0)
    found = list(background.batches(np.array([0, 19, 20, 23, 23]), rng))
    assert [batch.clip.tolist() for batch in found] == [[0, 19], [0, 3, 3]]
    assert [batch.clip.tolist() for batch in background.batches(np.array([22]), rng)] == [[2]]


def test_processes_share_them(configured: Configured, data: dict[str, Any]) -> None:
    module = StoreDataModule(configured(data=data))
    alone = module.training_batches()[2]
    parts = [module.training_batches(rank, 3)[2] for rank in range(3)]
    assert sorted(torch.cat([p.clip for p in parts]).tolist()) == sorted(alone.clip.tolist())
    assert sorted(torch.cat([p.label for p in parts]).tolist()) == sorted(alone.label.tolist())
    with pytest.raises(ConfigurationError, match="7 processes share batches of 6"):
        module.training_batches(0, 7)


def test_training_knows_them_and_nothing_else_needs_them(
    configured: Configured, data: dict[str, Any], tmp_path: Path
) -> None:
    config = configured(data=data, fit={"epochs": 1, "batch_size": 9})
    description = fit_store(config, tmp_path / "run", Machine(accelerator="cpu"), report=str)
    stores = description["background"]
    assert [store["dataset"] for store in stores] == ["acted_gestures"] * 2
    assert stores[0]["content_sha256"] != stores[1]["content_sha256"]
    about = provenance({**description, "config": dict(description["config"])}, "fit")
    assert about["background"] == stores and about["config"]["data"]["background"] == []
    gone = {**data, "background": [str(tmp_path / "gone")]}
    assert StoreDataModule(configured(data=gone)).loader("test").num_clips


def test_the_digest_looks_at_names_of_folders_only(
    configured: Configured, data: dict[str, Any]
) -> None:
    config = configured(data=data)
    moved = tuple(f"/elsewhere/{Path(folder).name}" for folder in config.data.background)
    elsewhere = replace(config, data=replace(config.data, background=moved))
    assert elsewhere.digest() == config.digest() != configured().digest()


def test_what_cannot_be_background_is_refused(
    configured: Configured, data: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"bundle\.background does not say"):
        configured(data=data, bundle={})
    with pytest.raises(ConfigurationError, match=r"background_share is 1\.0"):
        configured(data={**data, "background_share": 1.0})
    named = configured(data=data, bundle={"background": "rest"})
    with pytest.raises(ConfigurationError, match="no such class"):
        StoreDataModule(named).training_batches()
    sheet = DataSheet("acted", "coco_17", 2, "px", "nominal", ("idle",), "free", "made up", "test")
    sample = acted(0)
    few = tuple(
        replace(p, keypoints=p.keypoints[:, :17], scores=p.scores[:, :17]) for p in sample.people
    )
    with StoreWriter(tmp_path / "few", sheet) as writer:
        writer.add(replace(sample, people=few, class_name="idle"))
        writer.finish()
    other = configured(data={**data, "background": [str(tmp_path / "few")]})
    with pytest.raises(ConfigurationError, match="has layout 'coco_17' in 2D"):
        StoreDataModule(other).training_batches()
