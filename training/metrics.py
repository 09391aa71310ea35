"""Figures of merit of window classification, from labels and predictions (N,)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def accuracy(labels: IntArray, predicted: IntArray) -> float:
    """Share of right predictions; NaN of nothing."""
    return float((labels == predicted).mean()) if len(labels) else float("nan")


def recall_per_class(labels: IntArray, predicted: IntArray, num_classes: int) -> list[float]:
    """Share of each class's windows that were recognised; NaN for a class without windows."""
    return [accuracy(labels[labels == c], predicted[labels == c]) for c in range(num_classes)]


def macro_f1(labels: IntArray, predicted: IntArray, num_classes: int) -> float:
    """Mean over the classes that occur (in labels or predictions) of their F1."""
    scores = []
    for c in range(num_classes):
        hits = int(((labels == c) & (predicted == c)).sum())
        claimed, real = int((predicted == c).sum()), int((labels == c).sum())
        if claimed + real:
            scores.append(2.0 * hits / (claimed + real))
    return float(np.mean(scores)) if scores else float("nan")


def pair_accuracy(
    labels: IntArray, logits: npt.NDArray[np.float32], pair: tuple[int, int]
) -> tuple[float, int]:
    """How often the right one of two classes is preferred, when only these two are in question.

    Chance is one half: (right among the windows of either class) with each class counting the
    same, and the number of windows. NaN if one of the two has no window.
    """
    shares = []
    for label, other in (pair, pair[::-1]):
        rows = logits[labels == label]
        if not len(rows):
            return float("nan"), 0
        margin = rows[:, label] - rows[:, other]
        # A tie is no decision: half of it counts, as a coin would.
        shares.append(float((margin > 0).mean() + 0.5 * (margin == 0).mean()))
    count = int(np.isin(labels, pair).sum())
    return float(np.mean(shares)), count


def summary(
    labels: IntArray, logits: npt.NDArray[np.float32], class_names: Sequence[str], background: int
) -> dict[str, Any]:
    """Accuracy over all windows and over gesture windows only, macro-F1, recall of each class."""
    predicted = logits.argmax(axis=1)
    gesture = labels != background
    recalls = recall_per_class(labels, predicted, len(class_names))
    return {
        "windows": len(labels),
        "accuracy": accuracy(labels, predicted),
        "gesture_accuracy": accuracy(labels[gesture], predicted[gesture]),
        "macro_f1": macro_f1(labels, predicted, len(class_names)),
        "recall": dict(zip(class_names, recalls, strict=True)),
    }
