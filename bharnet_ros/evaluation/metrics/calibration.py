"""Whether probabilities can be taken at their word.

Expected calibration error over equally wide bins of confidence: Guo et al., "On Calibration of
Modern Neural Networks", ICML 2017. The bins are the data of a reliability diagram.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.metrics.material import NOBODY, NOTHING, Material, true_ids
from bharnet_ros.evaluation.scoring import Score

BINS = 15


def calibration(
    confidences: npt.ArrayLike, right: npt.ArrayLike, bins: int = BINS
) -> dict[str, Any]:
    """confidences: (N,) 0 to 1; right: (N,) bool.

    Bin m of M holds confidences in ((m - 1) / M, m / M], the first also 0. ece: mean over all of
    the gap between a bin's mean confidence and its share of right ones; mce: the widest gap.
    """
    confidence = np.asarray(confidences, np.float64)
    hit = np.asarray(right, np.bool_)
    edges = np.linspace(0.0, 1.0, bins + 1)
    number = np.clip(np.searchsorted(edges, confidence, "left") - 1, 0, bins - 1)
    counts = np.bincount(number, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(number, confidence, bins) / counts
        shares = np.bincount(number, hit, bins) / counts
    used = counts > 0
    gaps = np.abs(means - shares)[used]
    return {
        "count": len(confidence),
        "ece": float((gaps * counts[used]).sum() / len(confidence)) if len(gaps) else np.nan,
        "mce": float(gaps.max()) if len(gaps) else np.nan,
        "mean_confidence": float(confidence.mean()) if len(gaps) else np.nan,
        "accuracy": float(hit.mean()) if len(gaps) else np.nan,
        "bins": [
            {
                "low": float(edges[i]),
                "high": float(edges[i + 1]),
                "count": int(counts[i]),
                "confidence": float(means[i]),
                "accuracy": float(shares[i]),
            }
            for i in range(bins)
        ],
    }


def calibration_figures(data: Material, score: Score) -> dict[str, Any]:
    """judgements: of every tick, the most probable class against the true one at that moment.
    events: of every reported action, its probability against whether it was right."""
    confidences, right = [], []
    background = data.class_id(data.background) if data.background else NOTHING
    for person in data.people:
        if person.person_id == NOBODY:
            continue  # nobody knows what they did
        ids = person.ticks.class_ids
        real = true_ids(person, data.names, background)
        rows = (ids != NOTHING) & (real != NOTHING)
        confidences.append(person.ticks.probabilities[rows])
        right.append(real[rows] == ids[rows])
    answered = [(o.answer.score, o.right) for o in score.outcomes if o.answer is not None]
    answered += [(episode.score, False) for episode in score.false_alarms]
    return {
        "judgements": calibration(
            np.concatenate([np.zeros(0), *confidences]),
            np.concatenate([np.zeros(0, np.bool_), *right]),
        ),
        "events": calibration([p for p, _ in answered], [r for _, r in answered]),
    }
