"""Figures of merit from truths and answers: shares, confusions, intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from training.openness import auroc

__all__ = ["auroc", "per_class", "share_right", "wilson"]


def share_right(rights: Sequence[bool]) -> float:
    """NaN of nothing."""
    return sum(rights) / len(rights) if len(rights) else float("nan")


def wilson(right: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson); (0, 1) of nothing."""
    if not count:
        return 0.0, 1.0
    share, spread = right / count, z * z / count
    middle = share + spread / 2.0
    reach = z * math.sqrt(share * (1.0 - share) / count + spread / (4.0 * count))
    low, high = (middle - reach) / (1.0 + spread), (middle + reach) / (1.0 + spread)
    return max(low, 0.0), min(high, 1.0)


def per_class(
    truth: Sequence[str], answers: Sequence[str], accepted: Sequence[Collection[str]]
) -> dict[str, dict[str, Any]]:
    """By true label: how many, how many right, and what the others were taken for.

    accepted: the answers that are right, row by row.
    """
    table: dict[str, dict[str, Any]] = {}
    for label in dict.fromkeys(truth):
        rows = [i for i, each in enumerate(truth) if each == label]
        right = sum(answers[i] in accepted[i] for i in rows)
        wrong = Counter(answers[i] for i in rows if answers[i] not in accepted[i])
        table[label] = {
            "count": len(rows),
            "right": right,
            "accuracy": right / len(rows),
            "taken_for": dict(wrong.most_common()),
        }
    return table


def overall(classes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """All classes of `per_class` together: every row counts the same."""
    count = sum(entry["count"] for entry in classes.values())
    right = sum(entry["right"] for entry in classes.values())
    low, high = wilson(right, count)
    share = right / count if count else float("nan")
    return {"count": count, "right": right, "accuracy": share, "interval_95": [low, high]}
