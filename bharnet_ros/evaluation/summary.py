"""An evaluation on one screen of a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from bharnet_ros.evaluation.metrics import FALSE_ALARM
from bharnet_ros.evaluation.records import Evaluation

_CLASSES = 12
_PROBLEMS = 4
_WIDTH = 100
_INDENT = " " * 14


def summary(evaluation: Evaluation, metrics: Mapping[str, Any]) -> str:
    """The figures of `metrics.measure` that answer "how good is it", and what to look at next."""
    overall = metrics["overall"]
    lines = [_title(evaluation), *_actions(overall), *_judgements(overall), *_work(overall)]
    lines += _worst(metrics, overall)
    lines += _problems(evaluation)
    return "\n".join(
        part for line in lines for part in textwrap.wrap(line, _WIDTH, subsequent_indent=_INDENT)
    )


def _title(evaluation: Evaluation) -> str:
    seconds = sum(recording.covered_s for recording in evaluation.recordings)
    count = len(evaluation.recordings)
    broken = "" if evaluation.complete else ", STOPPED BEFORE THE END"
    return (
        f"{evaluation.mode}, bundle {evaluation.bundle}, {count} recording{'s' * (count != 1)} "
        f"of {seconds / 60:.1f} min{broken}"
    )


def _actions(overall: Mapping[str, Any]) -> list[str]:
    events, alarms = overall["events"], overall["events"]["false_alarms"]
    delay = events["delay_from_start_s"]
    return [
        f"  actions     {events['right']} right, {events['wrong']} wrong, {events['missed']} "
        f"missed of {events['total']}; precision {_share(events['micro']['precision'])}, "
        f"recall {_share(events['micro']['recall'])}, F1 {_share(events['micro']['f1'])}",
        f"  false       {alarms['count']} alarms, {_number(alarms['per_hour'], 1)} per hour of "
        "recording",
        f"  delay       {_number(delay['p50'], 2)} s after the start (p50), "
        f"{_number(delay['p95'], 2)} s (p95)",
    ]


def _judgements(overall: Mapping[str, Any]) -> list[str]:
    clips, found = overall["clips"], overall["detection"]["map"]
    segments, calibration = overall["segments"]["f1"], overall["calibration"]["judgements"]
    shown = ", ".join(f"{name} {_share(found[name])}" for name in ("0.1", "0.3", "0.5", "0.7")
                      if name in found)  # fmt: skip
    parts = ", ".join(f"@{name} {_share(value)}" for name, value in segments.items())
    return [
        f"  clips       {_share(clips['accuracy'])} of {clips['count']} named right",
        f"  mAP at tIoU {shown}",
        f"  segment F1  {parts}",
        f"  calibration ECE {_number(calibration['ece'], 3)} of "
        f"{calibration['count']} judgements",
    ]


def _work(overall: Mapping[str, Any]) -> list[str]:
    coverage, images = overall["coverage"], overall["images"]
    lines = [
        f"  seen        a skeleton {_share(coverage['skeleton'])} of the time, a usable hand "
        f"{_share(coverage['hands'])}; in labelled actions "
        f"{_share(coverage['skeleton_in_actions'])} and {_share(coverage['hands_in_actions'])}",
        f"  images      {images['estimated']} of {images['images']} looked at{_drops(images)}",
    ]
    stages = [
        f"{stage} {_number(values['p50'], 1)} / {_number(values['p95'], 1)}"
        for stage, values in overall["latency_ms"].items()
    ]
    if stages:
        lines.append(f"  ms p50/p95  {', '.join(stages)}")
    return lines


def _drops(images: Mapping[str, Any]) -> str:
    drops = images.get("drops") or {}
    return "".join(f", {reason}: {count}" for reason, count in drops.items())


def _worst(metrics: Mapping[str, Any], overall: Mapping[str, Any]) -> list[str]:
    """Classes that were missed or taken for others, worst first."""
    confusion = overall["events"]["confusion"]
    rows: list[tuple[int, int, str]] = []
    alarms = []
    for name, counts in zip(confusion["rows"], confusion["counts"], strict=True):
        answers = dict(zip(confusion["columns"], counts, strict=True))
        if name == FALSE_ALARM:
            false = sorted(((n, a) for a, n in answers.items() if n), reverse=True)
            alarms = ["  alarms      " + ", ".join(f"{a} {n}" for n, a in false)] if false else []
            continue
        total, right = sum(answers.values()), answers.pop(name, 0)
        if total > right:
            taken = sorted(((n, a) for a, n in answers.items() if n), reverse=True)
            told = ", ".join(f"{answer} {n}" for n, answer in taken[:4])
            rows.append((total - right, total, f"    {name}: {right} of {total} right; {told}"))
    if not rows:
        return alarms
    ordered = [text for _, _, text in sorted(rows, key=lambda row: (-row[0], row[2]))]
    more = [f"    and {len(ordered) - _CLASSES} more"] if len(ordered) > _CLASSES else []
    return [*alarms, "  not all right:", *ordered[:_CLASSES], *more]


def _problems(evaluation: Evaluation) -> list[str]:
    told: Sequence[str] = [
        f"  note: {recording.name}: {problem}"
        for recording in evaluation.recordings
        for problem in recording.problems
    ]
    more = [f"  and {len(told) - _PROBLEMS} more notes in the report"] * (len(told) > _PROBLEMS)
    return [*told[:_PROBLEMS], *more]


def _share(value: float | None) -> str:
    return "-" if value is None or value != value else f"{100.0 * value:.1f} %"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or value != value else f"{value:.{digits}f}"
