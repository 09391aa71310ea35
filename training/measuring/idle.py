"""What a bundle reports when there is nothing to report: idle drawn people, signing people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from training.measuring.following import starts
from training.measuring.judging import Judge
from training.measuring.reporting import Result, number, table
from training.sequences import KeypointSequence

_TEXT = """\
Every STARTED is false here. The drawn people do nothing but rest and fidget as the vocabulary
says, seen through the real estimator; the clips are of people who sign. The recogniser runs as on
the robot, with the bundle's own thresholds.
"""


def measure(
    idle: Sequence[KeypointSequence], clips: Sequence[KeypointSequence],
    judges: Mapping[str, Judge],
) -> Result:  # fmt: skip
    """False STARTED events of every judge."""
    figures = {
        name: {
            "drawn": _false_starts(idle, judge),
            "clips": {**_false_starts(clips, judge), "by_clip": _by_clip(clips, judge)},
        }
        for name, judge in judges.items()
    }
    for found in figures.values():
        hours = found["drawn"]["hours"] + found["clips"]["hours"]
        events = found["drawn"]["events"] + found["clips"]["events"]
        found["together"] = {
            "hours": hours, "events": events, "per_hour": events / hours if hours else float("nan"),
        }  # fmt: skip
    rows = []
    for name, found in figures.items():
        for key, title in (
            ("drawn", "idle drawn people"), ("clips", "signing clips"), ("together", "together"),
        ):  # fmt: skip
            entry = found[key]
            taken = ", ".join(f"{c} {n}" for c, n in entry.get("classes", {}).items())
            # Ten seconds of clips say nothing about an hour.
            rate = "-" if key == "clips" else number(entry["per_hour"], 1)
            rows.append([
                name, title, number(entry["hours"] * 60.0, 1), str(entry["events"]), rate, taken
            ])  # fmt: skip
    body = _TEXT + "\n" + table(
        ["bundle", "films", "minutes", "false STARTED", "an hour", "taken for"], rows
    )  # fmt: skip
    return Result("idle", "False alarms when nothing happens", figures, body)


def _false_starts(films: Sequence[KeypointSequence], judge: Judge) -> dict[str, Any]:
    found = Counter(start.class_name for each in films for start in starts(each, judge))
    hours = sum(each.duration_s for each in films) / 3600.0
    return {
        "films": len(films),
        "hours": hours,
        "events": found.total(),
        "per_hour": found.total() / hours if hours else float("nan"),
        "classes": dict(found.most_common()),
    }


def _by_clip(films: Sequence[KeypointSequence], judge: Judge) -> dict[str, list[str]]:
    return {
        str(each.info.get("clip", i)): [start.class_name for start in starts(each, judge)]
        for i, each in enumerate(films)
    }
