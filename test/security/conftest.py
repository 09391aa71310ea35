"""The fuzzing targets, once for all tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

from benchmarks.fuzzing.targets import Target, file_targets
from benchmarks.fuzzing.web_targets import web_targets


@pytest.fixture(scope="session")
def targets() -> Iterator[Mapping[str, Target]]:
    """By name."""
    with web_targets() as pages:
        yield {target.name: target for target in (*file_targets(), *pages)}
