"""Paired bootstrap: how far the difference between two runs could be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError

Table = npt.NDArray[np.float64]

_MOST_CELLS = 4_000_000  # of one batch of draws: 32 MB


@dataclass(frozen=True)
class Bootstrap:
    """How to resample.

    resamples: how often. seed: the same seed gives the same intervals. confidence: share of the
    resamples inside an interval. Raises ConfigurationError.
    """

    resamples: int = 5000
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 1 <= self.resamples <= 1_000_000:
            raise ConfigurationError(f"resamples is {self.resamples}; choose 1 to 1000000.")
        if not 0.0 < self.confidence < 1.0:
            raise ConfigurationError(
                f"confidence is {self.confidence}; it must lie between 0 and 1, for example 0.95."
            )

    def sums(self, rows: Table, stream: int = 0) -> Table:
        """Column sums of resamples of the rows: (n, k) -> (resamples, k).

        stream: tables drawn with different numbers are drawn independently of each other.

        Each resample draws n of the n rows with replacement (Efron, 1979). Both runs' columns stand
        in one row, so they are drawn together: that pairs them. Rows that are equal are drawn as
        one pattern, which has the same distribution and costs less.
        """
        rng = np.random.default_rng([self.seed, stream])
        if not len(rows):
            return np.zeros((self.resamples, rows.shape[1]))
        patterns, counts = np.unique(rows, axis=0, return_counts=True)
        batch = max(1, _MOST_CELLS // len(patterns))
        parts = []
        for begin in range(0, self.resamples, batch):
            size = min(batch, self.resamples - begin)
            draws = rng.multinomial(len(rows), counts / len(rows), size=size)
            parts.append(draws @ patterns)
        return np.concatenate(parts)

    def interval(self, samples: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
        """Percentile interval of (resamples,) values; NaN ones (0 / 0) are left out.

        (NaN, NaN) if there is no value.
        """
        known = samples[np.isfinite(samples)]
        if not known.size:
            return math.nan, math.nan
        outside = (1.0 - self.confidence) / 2.0
        low, high = np.quantile(known, (outside, 1.0 - outside))
        return float(low), float(high)


def mcnemar_p(gained: int, lost: int) -> float:
    """Exact two-sided McNemar test: how likely at least such an imbalance is by chance alone.

    gained, lost: clips that only the new and only the old run has right (McNemar, 1947; exact
    binomial form). 1 if nothing changed.
    """
    changed = gained + lost
    if not changed:
        return 1.0
    tail = ways = 1
    for k in range(min(gained, lost)):
        ways = ways * (changed - k) // (k + 1)  # changed over k + 1
        tail += ways
    return min(1.0, 2 * tail / (1 << changed))
