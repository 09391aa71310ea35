"""How much of the time there was anything to judge from, and how long the work took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.metrics.material import Material, Person
from bharnet_ros.evaluation.records import JudgedPerson, Recording

Intervals = npt.NDArray[np.int64]

REACH = 2.0
"""A judgement stands until the next one, at most this many usual distances of judgements."""


def standing(person: JudgedPerson, usable: npt.NDArray[np.bool_]) -> Intervals:
    """(M, 2) start and end of the times in which a usable judgement stands."""
    # Several tracks of one person may have been judged at the same moment.
    stamps, number = np.unique(person.stamps_ns, return_inverse=True)
    if len(stamps) < 2:
        return np.zeros((0, 2), np.int64)
    stands = np.bincount(number, usable, len(stamps)) > 0
    steps = np.diff(stamps)
    usual = float(np.median(steps))
    ends = stamps + np.minimum(np.append(steps, round(usual)), round(REACH * usual))
    return union(np.stack([stamps, ends], 1)[stands])


def union(intervals: Intervals) -> Intervals:
    """The same time in intervals that neither touch nor overlap, by start."""
    if not len(intervals):
        return np.zeros((0, 2), np.int64)
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reached = np.maximum.accumulate(ordered[:, 1])
    first = np.append(True, ordered[1:, 0] > reached[:-1])
    last = np.append(first[1:], True)
    return np.stack([ordered[first, 0], reached[last]], 1)


def shared_ns(intervals: Intervals, start_ns: int, end_ns: int) -> int:
    """Time of the (disjoint) intervals between start and end."""
    low = np.maximum(intervals[:, 0], start_ns)
    high = np.minimum(intervals[:, 1], end_ns)
    return int(np.maximum(high - low, 0).sum())


def coverage_figures(data: Material) -> dict[str, Any]:
    """Shares of the recordings' time in which anybody could be judged, and with hands; and of
    the time of true actions in which the person who acts could be."""
    total = sum(end - start for r in data.recordings for start, end in r.covered)
    acting = sum(e.end_ns - e.start_ns for p in data.people for e in p.truth)
    figures: dict[str, Any] = {"seconds": total / 1e9, "action_seconds": acting / 1e9}
    for name, hands in (("skeleton", False), ("hands", True)):
        seen = sum(_seen(r, data.people, hands) for r in data.recordings)
        judged = sum(_judged_actions(person, hands) for person in data.people)
        figures[name] = seen / total if total else float("nan")
        figures[f"{name}_in_actions"] = judged / acting if acting else float("nan")
    return figures


def latency_figures(recordings: Sequence[Recording]) -> dict[str, Any]:
    """Milliseconds by stage."""
    stages = dict.fromkeys(stage for recording in recordings for stage in recording.stage_ms)
    return {
        stage: _milliseconds([v for r in recordings for v in r.stage_ms.get(stage, ())])
        for stage in stages
    }


def image_figures(recordings: Sequence[Recording]) -> dict[str, Any]:
    """How many images there were, how many were looked at, and what was dropped why."""
    images = sum(recording.images for recording in recordings)
    estimated = sum(recording.estimated for recording in recordings)
    reasons = dict.fromkeys(reason for recording in recordings for reason in recording.drops)
    return {
        "images": images,
        "estimated": estimated,
        "share": estimated / images if images else float("nan"),
        "drops": {reason: sum(r.drops.get(reason, 0) for r in recordings) for reason in reasons},
    }


def _usable(person: JudgedPerson, hands: bool) -> npt.NDArray[np.bool_]:
    judged = person.class_ids >= 0
    return judged & person.hands if hands else judged


def _seen(recording: Recording, people: Sequence[Person], hands: bool) -> int:
    times = [
        standing(p.ticks, _usable(p.ticks, hands)) for p in people if p.recording == recording.name
    ]
    together = union(np.concatenate([np.zeros((0, 2), np.int64), *times]))
    return sum(shared_ns(together, start, end) for start, end in recording.covered)


def _judged_actions(person: Person, hands: bool) -> int:
    times = standing(person.ticks, _usable(person.ticks, hands))
    return sum(shared_ns(times, e.start_ns, e.end_ns) for e in person.truth)


def _milliseconds(values: list[float]) -> dict[str, Any]:
    if not values:
        return {"count": 0, **dict.fromkeys(("mean", "p50", "p95", "p99", "max"), float("nan"))}
    array = np.asarray(values, np.float64)
    p50, p95, p99 = np.percentile(array, (50, 95, 99)).tolist()
    return {
        "count": len(values), "mean": float(array.mean()), "p50": p50, "p95": p95, "p99": p99,
        "max": float(array.max()),
    }  # fmt: skip
