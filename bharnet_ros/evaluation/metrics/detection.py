"""Temporal action detection: mean average precision at temporal intersection over union.

As the evaluation of ActivityNet does it (Caba Heilbron et al., "ActivityNet: A Large-Scale Video
Benchmark for Human Activity Understanding", CVPR 2015), at the thresholds that are usual for
THUMOS 14 (Idrees et al., "The THUMOS challenge on action recognition for videos in the wild",
CVIU 2017): detections by falling score, each takes the free true segment of its class and video it
overlaps most, precision is interpolated (the best at any higher recall). Detections of equal score
are one point of the curve: no threshold tells them apart, so their order must not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.metrics.counting import mean
from bharnet_ros.evaluation.metrics.material import Material, Person

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)

Floats = npt.NDArray[np.float64]


def temporal_iou(segment: Episode, others: Sequence[Episode]) -> Floats:
    """(N,) shared time over joint time of a segment with each of N; 0 where there is none."""
    starts = np.array([other.start_ns for other in others], np.int64)
    ends = np.array([other.end_ns for other in others], np.int64)
    shared = np.minimum(ends, segment.end_ns) - np.maximum(starts, segment.start_ns)
    shared = np.maximum(shared, 0)
    joint = (ends - starts) + (segment.end_ns - segment.start_ns) - shared
    return np.asarray(np.where(joint > 0, shared / np.maximum(joint, 1), 0.0), np.float64)


def average_precision(
    people: Sequence[Person], name: str, thresholds: Sequence[float] = THRESHOLDS
) -> Floats:
    """(len(thresholds),) of one class; NaN if it is never true. A person of a recording is what
    a video is to the benchmarks."""
    truth = [[e for e in person.truth if e.class_name == name] for person in people]
    found = [
        (video, episode)
        for video, person in enumerate(people)
        for episode in person.recognised
        if episode.class_name == name
    ]
    total = sum(map(len, truth))
    if not total:
        return np.full(len(thresholds), np.nan)
    found.sort(key=lambda item: -item[1].score)
    hits = np.zeros((len(thresholds), len(found)), np.bool_)
    taken: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for column, (video, episode) in enumerate(found):
        overlaps = temporal_iou(episode, truth[video])
        order = np.argsort(-overlaps, kind="stable").tolist()
        for row, threshold in enumerate(thresholds):
            for index in order:
                if overlaps[index] < threshold:
                    break
                if (video, index) not in taken[row]:
                    taken[row].add((video, index))
                    hits[row, column] = True
                    break
    scores = np.array([episode.score for _, episode in found], np.float64)
    return np.array([_interpolated(row, scores, total) for row in hits])


def detection_figures(data: Material, by_class: dict[str, Floats]) -> dict[str, Any]:
    """by_class: `average_precision` of every action. The mean is over classes that are true
    somewhere; `average` over thresholds."""
    true = [values for values in by_class.values() if not np.isnan(values).any()]
    maps = [mean(float(values[i]) for values in true) for i in range(len(THRESHOLDS))]
    return {
        "classes": len(true),
        "map": dict(zip(map(str, THRESHOLDS), maps, strict=True)),
        "average": mean(maps),
    }


def _interpolated(hits: npt.NDArray[np.bool_], scores: Floats, total: int) -> float:
    """Area under the interpolated curve of precision over recall. hits, scores: (N,), by falling
    score."""
    if not len(hits):
        return 0.0
    cuts = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    right = np.cumsum(hits)[cuts]
    precision = right / (cuts + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    gained = np.diff(right, prepend=0)
    return float(np.repeat(highest, gained).sum() / total)  # recall grows by 1 / total at each hit
