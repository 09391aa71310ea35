"""Fixtures of the tests of stored data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # invented: shared with child processes

from invented import SHEET

from training.data import DataSheet, Sample, Store, StoreWriter, open_store


@pytest.fixture
def write_store(tmp_path: Path) -> Callable[..., Store]:
    """Write samples into a new store and open it."""
    numbers = iter(range(100))

    def write(samples: list[Sample], sheet: DataSheet = SHEET) -> Store:
        folder = tmp_path / f"store{next(numbers)}"
        with StoreWriter(folder, sheet) as writer:
            for sample in samples:
                writer.add(sample)
            writer.finish()
        return open_store(folder)

    return write
