"""Figures of merit of a trained network on clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.engine.scores import JUDGES, Scores
from training.metrics import accuracy, macro_f1, recall_per_class


def judged_figures(
    scores: Scores, class_names: Sequence[str], streams: Sequence[str]
) -> dict[str, Any]:
    """Accuracy, macro-F1 and recall of each class, by each expert and by the fusion; the
    confusions of the fusion."""
    judges = [j for j in JUDGES if j == "fused" or j in streams]
    size = len(class_names)
    result: dict[str, Any] = {"clips": len(scores.label), "judges": {}}
    for judge in judges:
        predicted = getattr(scores, judge).argmax(axis=1)
        recalls = recall_per_class(scores.label, predicted, size)
        result["judges"][judge] = {
            "accuracy": accuracy(scores.label, predicted),
            "macro_f1": macro_f1(scores.label, predicted, size),
            "recall": dict(zip(class_names, recalls, strict=True)),
        }
    result["confusion"] = confusion(scores, size)
    result["hands_usable"] = float(scores.usable.mean())
    return result


def confusion(scores: Scores, size: int) -> list[list[int]]:
    """Counts [truth][answer] of the fusion."""
    counts = np.zeros((size, size), int)
    np.add.at(counts, (scores.label, scores.fused.argmax(axis=1)), 1)
    found: list[list[int]] = counts.tolist()
    return found
