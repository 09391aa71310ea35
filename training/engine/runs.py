"""The folder of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.checkpoint import load_weights, read_description
from training.engine.config import StoreConfig
from training.engine.config_file import store_config
from training.engine.networks import Network, make_network

WEIGHTS_FILE = "weights.npz"
CHECKPOINTS = "checkpoints"
CHECKPOINT_FILE = "last.ckpt"
CURVES = "curves"
HELD_OUT = "held_out"
SCORES_FILE = "scores_{part}.npz"


def read_run(run: Path) -> tuple[StoreConfig, dict[str, Any]]:
    """The configuration a run was trained with, and what else is written beside its weights."""
    description = read_description(run / WEIGHTS_FILE)
    return store_config(description["config"], str(run / WEIGHTS_FILE)), description


def load_network(run: Path) -> tuple[Network, StoreConfig, dict[str, Any]]:
    """The trained network in evaluation mode; ConfigurationError if there is none."""
    config, description = read_run(run)
    about = description["store"]
    network = make_network(config, len(description["class_names"]), about["layout"], about["dims"])
    load_weights(run / WEIGHTS_FILE, network)
    return network.eval(), config, description
