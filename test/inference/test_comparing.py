from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference.comparing import compare, latency_ms
from bharnet_ros.inference.engine import GraphEngine


class Echo(GraphEngine):
    """probabilities = x + offset."""

    def __init__(self, offset: Any = 0.0, output: str = "probabilities") -> None:
        super().__init__("echo", {"x": ("N", 3)}, {output: ("N", 3)})
        self.offset, self.output = offset, output
        self.sizes: list[int] = []

    def _execute(self, inputs: Any, count: int) -> dict[str, np.ndarray]:
        self.sizes.append(count)
        return {self.output: (inputs["x"] + self.offset).astype(np.float32)}

    def _release(self) -> None: ...


X = {"x": np.array([[0.1, 0.5, 0.4], [0.6, 0.3, 0.1], [0.2, 0.39, 0.41]], np.float32)}


def test_the_largest_difference_and_the_classes() -> None:
    engine = Echo(np.array([0.0, 0.03, 0.0]))
    found = compare(engine, Echo(), X, batch=2)
    assert found.windows == 3
    assert found.largest == pytest.approx(0.03, abs=1e-6)
    assert found.same_class == pytest.approx(2 / 3)  # the last window changes its class
    assert found.finite
    assert engine.sizes == [2, 1]


def test_numbers_that_are_not_finite_are_seen() -> None:
    assert not compare(Echo(np.array([0.0, np.nan, 0.0])), Echo(), X).finite


def test_engines_of_different_bundles() -> None:
    with pytest.raises(ConfigurationError, match="gives logits, the other probabilities"):
        compare(Echo(output="logits"), Echo(), X)


def test_latency_repeats_windows_to_the_batch_size() -> None:
    engine = Echo()
    found = latency_ms(engine, X, (1, 7), runs=5)
    assert list(found) == [1, 7]
    assert engine.sizes == [1, 7] + [1] * 5 + [7] * 5
    assert all(0.0 < median <= late for median, late in found.values())
