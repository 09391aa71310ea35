"""A tiny network for all tests; they are skipped where mmpose is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from tiny_networks import random_state, save_checkpoint, tiny_config


@pytest.fixture(scope="session", autouse=True)
def mmpose() -> Any:
    """The package, or why there are no tests."""
    return pytest.importorskip("mmpose", reason="mmpose is not installed (docs/mmpose.md)")


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a small RTMW: 133 keypoints, 192 x 256 pixels."""
    return tiny_config(tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="session")
def state(config: Path) -> dict[str, Any]:
    """Random weights for it."""
    return random_state(config)


@pytest.fixture(scope="session")
def checkpoint(state: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as mmengine's runner saves them."""
    return save_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny.pth", state)


@pytest.fixture(scope="session")
def image() -> np.ndarray:
    """(240, 320, 3) uint8, smooth and coloured."""
    y, x = np.mgrid[:240, :320].astype(np.float32)
    waves = [np.sin(x / 17 + k) * np.cos(y / (23 - 5 * k)) for k in range(3)]
    return (np.stack(waves, axis=-1) * 100 + 128).astype(np.uint8)
