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
Their keypoints have the errors of the real estimator, no picture is drawn; the clips went through
the estimator itself. The recogniser runs as on the robot, with the bundle's own thresholds.
"""


def measure(
    people: Sequence[KeypointSequence], clips: Sequence[KeypointSequence],
    judges: Mapping[str, Judge],
) -> Result:  # fmt: skip
    """False STARTED events of every judge, by what was really done. clips: real people, who sign
    words that no shipped bundle knows; may be none."""
    groups = {"acted people": people, "signing clips": clips}
    figures = {
        name: {group: _figures(films, judge) for group, films in groups.items() if films}
        for name, judge in judges.items()
    }
    rows, body = [], ""
    for name, found in figures.items():
        for group, each in found.items():
            # Ten seconds of clips say nothing about an hour.
            rate = "-" if group == "signing clips" else number(each["per_hour"], 1)
            rows.append([
                name, group, number(each["hours"] * 60.0, 1), str(each["events"]), rate,
                str(each["resting"]), ", ".join(f"{c} {n}" for c, n in each["classes"].items()),
            ])  # fmt: skip
            if each["taken"]:
                taken = [[done, said, str(n)] for done, said, n in each["taken"]]
                body += f"\n{name}, {group}:\n\n" + table(["done", "named", "times"], taken)
    heads = ["bundle", "films", "minutes", "false STARTED", "an hour", "of them resting", "named"]
    body = _TEXT + "\n" + table(heads, rows) + body
    return Result("bystanders", "False alarms of people who do something else", figures, body)


def _figures(films: Sequence[KeypointSequence], judge: Judge) -> dict[str, Any]:
    named = [(done(each, start), start.class_name) for each in films
             for start in starts(each, judge)]  # fmt: skip
    hours = sum(each.duration_s for each in films) / 3600.0
    return {
        "films": len(films),
        "hours": hours,
        "events": len(named),
        "per_hour": len(named) / hours if hours else float("nan"),
        "resting": sum(what == RESTING for what, _ in named),
        "classes": dict(Counter(name for _, name in named).most_common()),
        "taken": [[*pair, n] for pair, n in Counter(named).most_common()],
    }


def done(sequence: KeypointSequence, start: Start) -> str:
    """What the person was doing, or had done in the second before."""
    if "clip" in sequence.info:
        return str(sequence.info["clip"])
    second = 1_000_000_000
    for span in sequence.spans:
        if span.start_ns <= start.stamp_ns <= span.end_ns + second:
            return span.class_name
    return RESTING
