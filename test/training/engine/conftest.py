"""A small store that can be learned from, and a configuration for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # what several tests share

from acted_clips import CLASSES, LAYOUT, PROTOCOL, acted, make_config

from training.data import DataSheet, StoreWriter
from training.engine.config import StoreConfig
from training.engine.fitting import Machine, fit_store


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Same numbers, quiet machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """54 clips of three people."""
    folder = tmp_path_factory.mktemp("acted") / "store"
    sheet = DataSheet("acted", LAYOUT, 2, "px", "nominal", CLASSES, "free", "made up", "test")
    with StoreWriter(folder, sheet) as writer:
        for number in range(54):
            writer.add(acted(number))
        writer.finish()
    (folder.parent / "protocol.yaml").write_text(PROTOCOL)
    return folder


@pytest.fixture
def configured(store: Path) -> Callable[..., StoreConfig]:
    """See `make_config`."""
    return partial(make_config, store)


@pytest.fixture(scope="session")
def trained(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned."""
    torch.set_num_threads(1)
    run = tmp_path_factory.mktemp("trained") / "run"
    about = {"store": str(store), "protocol": str(store.parent / "protocol.yaml"), "repeat": 20}
    fit = {"epochs": 2, "batch_size": 9, "warmup_epochs": 0.2, "validate_every": 2,
           "learning_rate": 0.01, "ema_decay": 0.0}  # fmt: skip
    config = make_config(store, data=about, fit=fit)
    fit_store(config, run, Machine(accelerator="cpu"), report=lambda _: None)
    return run
