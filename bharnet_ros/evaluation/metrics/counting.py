"""Hits, false positives and misses -> precision, recall, F1; NaN where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NAN = float("nan")


@dataclass(frozen=True)
class Counts:
    """true_positives, false_positives, false_negatives of one class, or summed over several."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )

    @property
    def precision(self) -> float:
        """Share of the answers that are right."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of what is true that was found."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 if nothing is right, NaN if nothing is true or answered."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return _share(2 * self.true_positives, total)

    def data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
        }


def averages(by_class: Mapping[str, Counts]) -> dict[str, Any]:
    """Over all answers (micro), and the mean over the classes that are true somewhere (macro)."""
    true = [c for c in by_class.values() if c.true_positives + c.false_negatives]
    together = sum(by_class.values(), Counts())
    return {
        "micro": together.data(),
        "macro": {
            "classes": len(true),
            # A class that was never answered has no precision; its share of hits is 0.
            "precision": mean(c.precision if c.precision == c.precision else 0.0 for c in true),
            "recall": mean(c.recall for c in true),
            "f1": mean(c.f1 for c in true),
        },
    }


def mean(values: Iterable[float]) -> float:
    """NaN for no values."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else _NAN


def _share(part: int, whole: int) -> float:
    return part / whole if whole else _NAN
