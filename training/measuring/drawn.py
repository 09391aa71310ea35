"""Gestures of drawn people nobody was trained on, through the real estimator and recogniser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bharnet_ros.evaluation import Episode, Score, score_episodes
from training.measuring.figures import wilson
from training.measuring.following import starts
from training.measuring.judging import Judge
from training.measuring.reporting import Result, number, percent, table
from training.measuring.shapes import shape_table
from training.replay import true_episodes
from training.sequences import KeypointSequence

FRONTAL_DEG = 30.0
_TEXT = """\
A gesture is right if its name is the one reported between its first movement and 1 s after its
end. "Hand shapes" are gestures that differ in nothing but the fingers of a held hand; "moving and
body" are all others. Everybody filmed, every view and every speed is new to the bundle.
"""


def measure(films: Sequence[KeypointSequence], judges: Mapping[str, Judge]) -> Result:
    """Event accuracy of every judge: by kind of gesture, by view and by class."""
    figures = {name: _figures(films, judge) for name, judge in judges.items()}
    rows, classes = [], []
    for name, found in figures.items():
        for group, entry in found["groups"].items():
            low, high = entry["interval_95"]
            rows.append([
                name, group, str(entry["gestures"]), str(entry["right"]), str(entry["wrong"]),
                str(entry["missed"]), percent(entry["accuracy"]),
                f"{100 * low:.1f} to {100 * high:.1f}", number(entry["delay_p50_s"], 2),
                number(entry["delay_p95_s"], 2),
            ])  # fmt: skip
        for label, entry in found["classes"].items():
            taken = ", ".join(f"{a} {n}" for a, n in entry["taken_for"].items())
            classes.append([
                name, label, str(entry["count"]), percent(entry["accuracy"]), taken
            ])  # fmt: skip
    alarms = "\n".join(
        f"{name}: {found['false_alarms']} false alarms in {found['minutes']:.1f} minutes ("
        + (", ".join(f"{c} {n}" for c, n in found["false_alarms_of"].items()) or "none")
        + ")."
        for name, found in figures.items()
    )
    body = "\n".join([
        _TEXT,
        table(["bundle", "", "gestures", "right", "wrong", "missed", "accuracy", "95 % interval",
               "delay p50 s", "p95 s"], rows),
        alarms + "\n",
        table(["bundle", "gesture", "count", "right", "taken for"], classes),
    ])  # fmt: skip
    return Result("drawn", "Gestures of drawn people", figures, body)


def _figures(films: Sequence[KeypointSequence], judge: Judge) -> dict[str, Any]:
    names = judge.bundle.manifest.class_names
    reported = [
        [Episode(number, s.class_name, s.stamp_ns, s.stamp_ns) for s in starts(film, judge)]
        for number, film in enumerate(films)
    ]
    truth = [
        [e for e in true_episodes(film, number) if e.class_name in names]
        for number, film in enumerate(films)
    ]
    score = score_episodes(
        [e for each in truth for e in each], [e for each in reported for e in each]
    )
    shape = shape_table().shape_of_class
    frontal = {
        number for number, film in enumerate(films)
        if abs(float(film.info.get("yaw_deg", 0.0))) <= FRONTAL_DEG
    }  # fmt: skip
    alarms: dict[str, int] = {}
    for episode in score.false_alarms:
        alarms[episode.class_name] = alarms.get(episode.class_name, 0) + 1
    return {
        "films": len(films),
        "minutes": sum(film.duration_s for film in films) / 60.0,
        "not_covered": sorted(
            {e.class_name for i, f in enumerate(films) for e in true_episodes(f, i)} - set(names)
        ),
        "groups": {
            "all": group(score, lambda e: True),
            "moving and body": group(score, lambda e: shape(e.class_name) is None),
            "hand shapes": group(score, lambda e: shape(e.class_name) is not None),
            f"turned up to {FRONTAL_DEG:g}°": group(score, lambda e: e.person_id in frontal),
            f"turned beyond {FRONTAL_DEG:g}°": group(score, lambda e: e.person_id not in frontal),
        },
        "classes": _classes(score),
        "false_alarms": len(score.false_alarms),
        "false_alarms_of": dict(sorted(alarms.items(), key=lambda item: -item[1])),
    }


def group(score: Score, chosen: Any) -> dict[str, Any]:
    """Figures of the true gestures for which `chosen(Episode)` says so."""
    part = Score(tuple(o for o in score.outcomes if chosen(o.truth)), ())
    delay = part.delay_from_start_s
    return {
        "gestures": part.total, "right": part.right, "wrong": part.wrong, "missed": part.missed,
        "accuracy": part.recall, "interval_95": list(wilson(part.right, part.total)),
        "delay_p50_s": delay.p50, "delay_p95_s": delay.p95,
    }  # fmt: skip


def _classes(score: Score) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for (truth, answer), count in sorted(score.confusion().items(), key=lambda i: str(i[0])):
        entry = result.setdefault(truth, {"count": 0, "right": 0, "taken_for": {}})
        entry["count"] += count
        if answer == truth:
            entry["right"] += count
        else:
            entry["taken_for"][answer or "(missed)"] = count
    for entry in result.values():
        entry["accuracy"] = entry["right"] / entry["count"]
    return result
