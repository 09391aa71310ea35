"""Two engines on the same windows: do they say the same, and how long does each take?"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference.engine import Engine
from bharnet_ros.types import FloatArray

RUNS = 50


@dataclass(frozen=True)
class Comparison:
    """windows: how many were compared. differences: by output, the largest difference of any
    number. same_class: share of windows whose most probable class is the same. finite: whether
    all numbers are."""

    windows: int
    differences: Mapping[str, float]
    same_class: float
    finite: bool

    @property
    def largest(self) -> float:
        """Of all outputs; what "parity" is measured by."""
        return max(self.differences.values())


def compare(
    engine: Engine, reference: Engine, inputs: Mapping[str, FloatArray], batch: int = 16
) -> Comparison:
    """Run both on all windows, `batch` at a time. inputs: (N, ...) by name, N >= 1.

    Raises ConfigurationError if the engines have different outputs.
    """
    if set(engine.outputs) != set(reference.outputs):
        raise ConfigurationError(
            f"One engine gives {', '.join(engine.outputs)}, the other "
            f"{', '.join(reference.outputs)}; compare engines of one bundle."
        )
    found, expected = _run(engine, inputs, batch), _run(reference, inputs, batch)
    differences = {
        name: float(np.abs(found[name] - value).max(initial=0.0))
        for name, value in expected.items()
    }
    probabilities = "probabilities" if "probabilities" in expected else next(iter(expected))
    same = found[probabilities].argmax(axis=1) == expected[probabilities].argmax(axis=1)
    return Comparison(
        len(same),
        differences,
        float(same.mean()),
        all(bool(np.isfinite(value).all()) for value in found.values()),
    )


def latency_ms(
    engine: Engine, inputs: Mapping[str, FloatArray], sizes: Sequence[int], runs: int = RUNS
) -> dict[int, tuple[float, float]]:
    """By batch size, median and 95th percentile milliseconds of a run, copies included."""
    engine.warm_up(sizes)
    measured = {}
    for size in sizes:
        given = {
            name: np.ascontiguousarray(np.resize(value, (size, *value.shape[1:])))
            for name, value in inputs.items()
        }
        taken = []
        for _ in range(runs):
            engine.run(given)
            taken.append(engine.last_ms)
        measured[size] = (statistics.median(taken), float(np.percentile(taken, 95)))
    return measured


def _run(
    engine: Engine, inputs: Mapping[str, FloatArray], batch: int
) -> dict[str, FloatArray]:
    count = len(next(iter(inputs.values())))
    parts = [
        engine.run({k: np.ascontiguousarray(v[at : at + batch]) for k, v in inputs.items()})
        for at in range(0, count, batch)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
