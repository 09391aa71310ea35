"""Two processes, as torchrun starts them, train the network that one would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml

from training.checkpoint import read_description
from training.engine.config import StoreConfig
from training.engine.runs import WEIGHTS_FILE, load_network


@pytest.mark.timeout(400)
def test_two_processes_train_together(
    configured: Callable[..., StoreConfig], tmp_path: Path, repository: Path
) -> None:
    config = configured(fit={"epochs": 1, "batch_size": 8, "validate_every": 1})
    path = tmp_path / "acted.yaml"
    path.write_text(yaml.safe_dump(_plain(asdict(config))))
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        "-m", "training", "fit", "--config", str(path), "--run-folder", str(tmp_path / "run"),
        "--accelerator", "cpu", "--devices", "2",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository)}
    done = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, timeout=380
    )
    assert done.returncode == 0, done.stderr[-2000:]
    description = read_description(tmp_path / "run" / WEIGHTS_FILE)
    assert description["machine"]["processes"] == 2
    (entry,) = description["history"]
    clips = description["clips"]["validation"]
    # Each process judged its own part; together they must have counted every clip once.
    assert (entry["fused"] * clips) % 1.0 == pytest.approx(0.0, abs=1e-3)
    network, _, _ = load_network(tmp_path / "run")
    assert all(np.isfinite(p.detach().numpy()).all() for p in network.parameters())


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
