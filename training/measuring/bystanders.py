"""What a bundle reports of people who make none of its gestures: a bundle that was taught words
must not read them into whatever else people do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from training.measuring.following import Start, starts
from training.measuring.judging import Judge
from training.measuring.reporting import Result, number, table
from training.sequences import KeypointSequence

PEOPLE = 60
SEED = 770_000
"""Added to the seed asked for: no training and no threshold saw these people."""
RESTING = "(resting)"

_TEXT = """\
Every STARTED is false here. Kinematic people, seen by cameras anywhere in front of them, rest,
fidget and make gestures that the bundle does not know (those it knows by name are left out).
Keypoints have the errors of the real estimator, no picture is drawn. The recogniser runs as on the
robot, with the bundle's own thresholds.
"""


def measure(people: Sequence[KeypointSequence], judges: Mapping[str, Judge]) -> Result:
    """False STARTED events of every judge, by what was really done."""
    figures = {name: _figures(people, judge) for name, judge in judges.items()}
    rows = [
        [
            name, number(found["hours"] * 60.0, 0), str(found["events"]),
            number(found["per_hour"], 1), str(found["resting"]),
            ", ".join(f"{c} {n}" for c, n in found["classes"].items()),
        ]
        for name, found in figures.items()
    ]  # fmt: skip
    heads = ["bundle", "minutes", "false STARTED", "an hour", "of them resting", "named"]
    body = _TEXT + "\n" + table(heads, rows)
    for name, found in figures.items():
        taken = [[done, said, str(n)] for done, said, n in found["taken"]]
        body += f"\n{name}:\n\n" + table(["done", "named", "times"], taken)
    return Result("bystanders", "False alarms of people who do something else", figures, body)


def _figures(people: Sequence[KeypointSequence], judge: Judge) -> dict[str, Any]:
    named = [(done(each, start), start.class_name) for each in people
             for start in starts(each, judge)]  # fmt: skip
    hours = sum(each.duration_s for each in people) / 3600.0
    return {
        "people": len(people),
        "hours": hours,
        "events": len(named),
        "per_hour": len(named) / hours if hours else float("nan"),
        "resting": sum(what == RESTING for what, _ in named),
        "classes": dict(Counter(name for _, name in named).most_common()),
        "taken": [[*pair, n] for pair, n in Counter(named).most_common()],
    }


def done(sequence: KeypointSequence, start: Start) -> str:
    """What the person was doing, or had done in the second before."""
    second = 1_000_000_000
    for span in sequence.spans:
        if span.start_ns <= start.stamp_ns <= span.end_ns + second:
            return span.class_name
    return RESTING
