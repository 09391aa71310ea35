"""Temporal segmentation: segmental F1, edit score, accuracy over time.

F1@k of Lea et al., "Temporal Convolutional Networks for Action Segmentation and Detection", CVPR
2017, and the edit score of Lea et al., "Segmental Spatiotemporal CNNs for Fine-grained Action
Segmentation", ECCV 2016, counted as by Abu Farha and Gall, "MS-TCN", CVPR 2019. Time without an
action is their background: it counts only in the accuracy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.metrics.counting import Counts, mean
from bharnet_ros.evaluation.metrics.detection import temporal_iou
from bharnet_ros.evaluation.metrics.material import NOBODY, NOTHING, Material, true_ids

OVERLAPS = (0.10, 0.25, 0.50)


def segment_counts(
    truth: Sequence[Episode], recognised: Sequence[Episode], overlap: float
) -> Counts:
    """Of one person. Each recognised segment, by start, may only answer the true one of its class
    that it overlaps most; it is a hit if that is at least `overlap` and not yet answered."""
    return sum(_counts(truth, recognised, [overlap])[overlap].values(), Counts())


def edit_score(truth: Sequence[str], recognised: Sequence[str]) -> float:
    """1 - Levenshtein distance / length of the longer sequence of names; NaN for two empty ones.

    Tells whether the order of actions is right, whenever they are; split segments cost."""
    longer = max(len(truth), len(recognised))
    if not longer:
        return float("nan")
    ids = {name: i for i, name in enumerate(dict.fromkeys([*truth, *recognised]))}
    found = np.array([ids[name] for name in recognised], np.int64)
    steps = np.arange(len(found) + 1)
    row = steps
    for i, name in enumerate(truth, 1):
        change = np.minimum(row[:-1] + (found != ids[name]), row[1:] + 1)
        # Insertions: each place may also be reached from any before it, at one a step.
        row = np.minimum.accumulate(np.append(i, change) - steps) + steps
    return 1.0 - int(row[-1]) / longer


def counts_by_class(data: Material) -> dict[float, dict[str, Counts]]:
    """Overlap -> class -> counts, summed over people."""
    total: dict[float, dict[str, Counts]] = {o: defaultdict(Counts) for o in OVERLAPS}
    for person in data.people:
        for overlap, counts in _counts(person.truth, person.recognised, OVERLAPS).items():
            for name, count in counts.items():
                total[overlap][name] += count
    return total


def segment_figures(data: Material, counts: dict[float, dict[str, Counts]]) -> dict[str, Any]:
    """F1 at each overlap, the mean edit score of the people whom the truth knows, and the share of
    judgements at which the right action was in progress. counts: `counts_by_class`."""
    together = {percent(o): sum(c.values(), Counts()) for o, c in counts.items()}
    edits = (
        edit_score([e.class_name for e in p.truth], [e.class_name for e in p.recognised])
        for p in data.people
        if (p.truth or p.recognised) and p.person_id != NOBODY
    )
    return {
        "f1": {overlap: c.f1 for overlap, c in together.items()},
        "counts": {overlap: c.data() for overlap, c in together.items()},
        "edit": mean(edits),
        **_accuracy(data),
    }


def percent(overlap: float) -> str:
    """As F1@10 is named."""
    return str(round(100 * overlap))


def _counts(
    truth: Sequence[Episode], recognised: Sequence[Episode], overlaps: Sequence[float]
) -> dict[float, dict[str, Counts]]:
    real, found = _by_class(truth), _by_class(recognised)
    result: dict[float, dict[str, Counts]] = {overlap: {} for overlap in overlaps}
    for name in {**real, **found}:
        mine, theirs = found.get(name, []), real.get(name, [])
        best: list[tuple[int, float]] = []
        for episode in mine if theirs else []:
            shares = temporal_iou(episode, theirs)
            best.append((int(shares.argmax()), float(shares.max())))
        for overlap in overlaps:
            hits = len({index for index, share in best if share >= overlap})
            result[overlap][name] = Counts(hits, len(mine) - hits, len(theirs) - hits)
    return result


def _by_class(episodes: Sequence[Episode]) -> dict[str, list[Episode]]:
    named = defaultdict[str, list[Episode]](list)
    for episode in episodes:
        named[episode.class_name].append(episode)
    return dict(named)


def _accuracy(data: Material) -> dict[str, float]:
    right, count = 0, 0
    for person in data.people:
        if person.person_id == NOBODY:
            continue
        real = true_ids(person, data.names, NOTHING)
        # Neither the background nor the unknown class is ever reported.
        real[np.isin(real, [data.class_id(n) for n in (data.background, data.unknown)])] = NOTHING
        right += int((real == person.ticks.reported).sum())
        count += len(real)
    return {"accuracy": right / count if count else float("nan"), "judgements": count}
