from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bharnet_ros.errors import ConfigurationError
from training.commands.store_runs import RESULTS
from training.config_kinds import STORE, kind_of
from training.engine.ablation import planned_run
from training.engine.config import StoreConfig
from training.engine.config_file import load_store_config, store_config

CONFIGS = Path(__file__).resolve().parents[3] / "training" / "configs"
SHIPPED = sorted(path for path in CONFIGS.glob("*.yaml") if kind_of(path) is STORE)


def test_there_are_shipped_configurations_for_both_data_sets() -> None:
    names = {path.stem for path in SHIPPED}
    assert {"traduttore_stgcnpp", "ucla_ctrgcn", "ucla_stgcnpp"} <= names


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configurations_load_and_are_named_after_their_file(path: Path) -> None:
    assert load_store_config(path).name == path.stem


def test_configurations_of_films_are_not_taken_for_one() -> None:
    assert kind_of(CONFIGS / "first_light.yaml") is not STORE


def test_a_configuration_survives_json(configured: Callable[..., StoreConfig]) -> None:
    config = configured()
    kept = json.loads(json.dumps(dataclasses.asdict(config)))
    assert store_config(kept, "kept") == config
    assert store_config(kept, "kept").digest() == config.digest()


def test_the_digest_tells_seeds_apart_but_not_places(
    configured: Callable[..., StoreConfig],
) -> None:
    config = configured()
    moved = dataclasses.replace(config, data=dataclasses.replace(config.data, store="elsewhere"))
    assert moved.digest() == config.digest()
    assert dataclasses.replace(config, seed=1).digest() != config.digest()
    ending = dataclasses.replace(config, clips=dataclasses.replace(config.clips, anchor="end"))
    assert ending.digest() != config.digest()


def test_options_that_came_later_leave_old_digests_alone() -> None:
    """The figures in the repository belong to the configurations of today."""
    config = load_store_config(CONFIGS / "traduttore_pose.yaml")
    table = json.loads((RESULTS / "traduttore_pose_ablation.json").read_text("utf-8"))
    assert len(table["runs"]) == 48
    for run in table["runs"]:
        planned = planned_run(config, run["variant"], run["protocol"], run["seed"])
        assert planned.digest() == run["config_sha256"], planned.name


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"inputs": "pixels"}, "inputs is 'pixels'"),
        ({"streams": ["hand", "body"]}, "streams is"),
        ({"inputs": "skeleton"}, "streams: \\[body\\]"),
        ({"fit": {"optimiser": "lion"}}, "fit.optimiser is 'lion'"),
        ({"fit": {"epochs": 0}}, "fit.epochs is 0"),
        ({"fit": {"ema_decay": 1.0}}, "fit.ema_decay is 1.0"),
        ({"fit": {"milestones": [50, 35]}}, "epochs must rise"),
        ({"fit": {"loss_weights": [0.0, 0.0, 0.0]}}, "fit.loss_weights"),
        ({"fit": {"balance": True}, "streams": ["body"]}, "fit.balance weighs two experts"),
        ({"fit": {"epochen": 3}}, "no key 'epochen'"),
        ({"fit": {"epochs": "many"}}, "fit.epochs is 'many'"),
        ({"clips": {"crop": [0.9, 0.1]}}, "crop is"),
        ({"seed": -1}, "seed is -1"),
        ({"skeleton_augment": {"mirror": 0.5}}, "skeleton_augment is not used"),
        ({"preprocessing": "unit_box"}, "preprocessing is not used by inputs 'features'"),
        ({"preprocessing": "unitbox"}, "preprocessing is 'unitbox'; it must be one of none, cent"),
        ({"inputs": "skeleton", "streams": ["body"], "features": {"upper_body": True}},
         "features is not used by inputs 'skeleton'"),
        ({"bundle": {"layout": "coco_133"}}, "bundle.layout is 'coco_133'; it must be one of coco"),
        ({"clips": {"num_steps": 18}}, "divides time by 4"),
        ({"augment": {"mirror": 1.5}}, "augment.mirror is 1.5"),
        ({"augment": {"scale": [1.2, 0.8]}}, "augment.scale is"),
        ({"inputs": "skeleton", "streams": ["body"], "skeleton_augment": {"noise": -1.0}},
         "skeleton_augment.noise is -1.0"),
        ({"fit": {"decay": 0.0}}, "fit.decay is 0.0"),
        ({"fit": {"milestones": [-2, 5]}}, "fit.milestones is -2"),
        ({"fit": {"learning_rate": float("inf")}}, "fit.learning_rate is inf"),
        ({"fit": {"loss_weights": [float("nan"), 1.0, 1.0]}}, "fit.loss_weights"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_by_name(
    configured: Callable[..., StoreConfig], changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        configured(**changes)


def test_missing_and_malformed_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"does not exist; .* traduttore_stgcnpp"):
        load_store_config(tmp_path / "absent.yaml")
    path = tmp_path / "broken.yaml"
    path.write_text((CONFIGS / "traduttore_pose.yaml").read_text() + "\nfit: {epochs: 5}\n")
    with pytest.raises(ConfigurationError, match="'fit' is given twice: in line"):
        load_store_config(path)
    path.write_text("data: [")
    with pytest.raises(ConfigurationError, match="not valid YAML"):
        load_store_config(path)
