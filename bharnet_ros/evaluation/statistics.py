"""Median and tail of measured values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Distribution:
    """count values; p50 and p95 are percentiles with linear interpolation; NaN without values."""

    count: int
    p50: float
    p95: float
    maximum: float

    def __str__(self) -> str:
        if not self.count:
            return "no values"
        return f"p50 {self.p50:.2f}, p95 {self.p95:.2f}, max {self.maximum:.2f} (n={self.count})"


def distribution(values: Iterable[float]) -> Distribution:
    """Of any number of values."""
    array = np.asarray(list(values), dtype=np.float64)
    if array.size == 0:
        return Distribution(0, float("nan"), float("nan"), float("nan"))
    p50, p95 = np.percentile(array, (50, 95))
    return Distribution(int(array.size), float(p50), float(p95), float(array.max()))
