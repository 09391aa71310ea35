from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bharnet_ros.errors import ConfigurationError
from training.engine.ablation import (
    VARIANTS,
    ablate,
    collect,
    finished,
    planned_run,
    possible_variants,
)
from training.engine.config import StoreConfig
from training.engine.config_file import check
from training.engine.fitting import Machine
from training.engine.networks import make_network

CPU = Machine(accelerator="cpu")


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_network(name: str, configured: Callable[..., StoreConfig]) -> None:
    planned = planned_run(configured(), name, "acted.yaml", 4)
    check(planned, name)
    assert planned.seed == 4 and name in planned.name
    assert make_network(planned, 3, "coco_body_hands_59", 2)


def test_variants_are_different_configurations(configured: Callable[..., StoreConfig]) -> None:
    digests = {planned_run(configured(), name, "p", 0).digest() for name in VARIANTS}
    assert len(digests) == len(VARIANTS) == 10


def test_variants_that_the_experts_cannot_be_are_left_out_and_named(
    configured: Callable[..., StoreConfig],
) -> None:
    assert possible_variants(configured()) == list(VARIANTS)
    config = configured()
    whole_poses = replace(config.model.body, block="pose", strides=(1, 2))
    posed = replace(config, model=replace(config.model, body=whole_poses))
    said: list[str] = []
    possible = possible_variants(posed, said.append)
    assert set(VARIANTS) - set(possible) == {"pooling_attention", "expertized"}
    assert len(said) == 2 and all("graph blocks" in line for line in said)


@pytest.mark.timeout(180)
def test_finished_runs_are_kept_and_the_table_is_over_all(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    config = configured(fit={"epochs": 1, "batch_size": 9, "warmup_epochs": 0.0})
    protocol, lines = config.data.protocol, []

    def run(*variants: str) -> list[dict[str, object]]:
        return ablate(
            config, variants, [protocol], 1, tmp_path / "runs", tmp_path / "results", "command",
            CPU, lines.append,
        )  # fmt: skip

    assert len(run("hand_only")) == 1
    rows = run("hand_only", "joint_loss")
    assert [row["variant"] for row in rows] == ["hand_only", "joint_loss"]
    assert sum(line.startswith("---") for line in lines) == 2  # hand_only was trained once
    text = (tmp_path / "results" / "acted_ablation.md").read_text()
    assert "| hand_only | 1 | - |" in text and "| joint_loss | 1 |" in text
    kept = json.loads((tmp_path / "results" / "acted_ablation.json").read_text())
    assert len(kept["runs"]) == 2
    # Another configuration of the same name does not count as finished.
    planned = planned_run(config, "hand_only", protocol, 0)
    changed = planned_run(configured(), "hand_only", protocol, 0)
    folder = tmp_path / "runs" / planned.name
    assert finished(folder, planned) is not None
    assert finished(folder, changed) is None
    assert collect(tmp_path / "runs", "other") == []


def test_unknown_variants_and_no_seeds_are_refused(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="no variant 'triple'"):
        ablate(configured(), ["triple"], ["p"], 1, tmp_path, tmp_path, "c")
    with pytest.raises(ConfigurationError, match="--seeds is 0"):
        ablate(configured(), ["unified"], ["p"], 0, tmp_path, tmp_path, "c")
