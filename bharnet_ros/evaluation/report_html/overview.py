"""The head of the page: what was evaluated, the main figures, and what went wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.report_html.markup import Children, Element, name, section, table, tag
from bharnet_ros.evaluation.report_html.numbers import (
    count,
    decimal,
    duration,
    milliseconds,
    percent,
    seconds,
)

_MODES = {
    "offline": "offline: every image, without a clock",
    "live": "live: through the graph in real time",
}


def header(evaluation: Evaluation) -> Element:
    """Title and what was evaluated."""
    total = sum(recording.covered_s for recording in evaluation.recordings)
    number = len(evaluation.recordings)
    bags = "1 recording" if number == 1 else f"{number} recordings"
    mode = _MODES.get(evaluation.mode, evaluation.mode)
    return tag(
        "header",
        tag("p", "Evaluation", class_="kicker"),
        tag("h1", name(evaluation.bundle)),
        tag(
            "p",
            f"{bags}, {duration(total)} · {mode} · pose: ",
            name(evaluation.pose_backend),
            class_="lead",
        ),
    )


def summary(evaluation: Evaluation, figures: Mapping[str, Any]) -> Element:
    """The main figures as tiles."""
    clips, events = figures["clips"], figures["events"]
    alarms, delay = events["false_alarms"], events["delay_from_start_s"]
    latency = figures["latency_ms"]
    stage = next((s for s in ("latency", "total") if s in latency), None)
    speed = latency[stage] if stage else None
    told = f"{events['right']} right, {events['wrong']} taken for another, "
    told += f"{events['missed']} missed"
    named = percent(clips["accuracy_among_actions"])
    tiles = [
        _tile("Recall of reports", percent(events["micro"]["recall"]),
              f"{told} of {count(events['total'])}", main=True),
        _tile("Precision of reports", percent(events["micro"]["precision"]),
              f"F1 {percent(events['micro']['f1'])}", main=True),
        _tile("False alarms per hour", decimal(alarms["per_hour"], 1),
              f"{count(alarms['count'])} in {duration(3600 * alarms['hours'])}", main=True),
        _tile("Delay", seconds(delay["p50"]),
              f"median from the true start; p95 {seconds(delay['p95'])}", main=True),
        _tile("Clip accuracy", percent(clips["accuracy"]),
              f"{count(clips['count'])} clips; {named} among actions alone"),
        _tile("mAP, IoU 0.1 to 0.7", percent(figures["detection"]["average"]),
              f"segment F1@50 {percent(figures['segments']['f1']['50'])}"),
        _tile("Calibration error", decimal(figures["calibration"]["judgements"]["ece"], 3),
              "ECE of judgements; 0 is best"),
        _tile("Seen while acting", percent(figures["coverage"]["skeleton_in_actions"]),
              f"with hands {percent(figures['coverage']['hands_in_actions'])}"),
        _tile("Latency" if stage == "latency" else "Computing time",
              milliseconds(speed["p50"] if speed else None),
              f"median an image; p95 {milliseconds(speed['p95'])}" if speed else "not timed"),
        _tile("Images used", percent(figures["images"]["share"]),
              f"{count(figures['images']['estimated'])} of {count(figures['images']['images'])}"),
    ]  # fmt: skip
    return tag(
        "section", tag("h2", "Summary"), _unfinished(evaluation),
        tag("dl", tiles, class_="tiles"), id="summary",
    )  # fmt: skip


def _tile(title: str, figure: str, note: str, main: bool = False) -> Element:
    return tag(
        "div", tag("dt", title), tag("dd", figure, class_="figure"), tag("dd", note, class_="note"),
        class_="tile main" if main else "tile",
    )  # fmt: skip


def _unfinished(evaluation: Evaluation) -> Element | None:
    open_ones = [r.name for r in evaluation.recordings if not r.complete]
    if not open_ones:
        return None
    number = len(open_ones)
    told = "1 recording was" if number == 1 else f"{number} recordings were"
    return tag(
        "p", tag("strong", "Not complete. "),
        f"The evaluation was broken off: {told} not read to the end. The figures hold for what was "
        "read; run the same command again to go on.",
        class_="warning", role="note",
    )  # fmt: skip


def problems(evaluation: Evaluation) -> Element:
    """Sentences about what could not be read or used, by recording."""
    found = [(r.name, r.problems) for r in evaluation.recordings if r.problems]
    if not found:
        return section("problems", "Problems", None, tag("p", "None.", class_="note"))
    return section(
        "problems", "Problems", "What could not be read or used. Everything else was.",
        [
            tag("div", tag("h3", name(label)), tag("ul", [tag("li", line) for line in lines]))
            for label, lines in found
        ],
    )  # fmt: skip


def recordings(evaluation: Evaluation, metrics: Mapping[str, Any]) -> Element:
    """Each recording's figures, coverage, and input that was not used."""
    rows = [_recording(recording.name, metrics) for recording in evaluation.recordings]
    drops = metrics["overall"]["images"]["drops"]
    lost = ", ".join(f"{reason} {count(n)}" for reason, n in drops.items() if n)
    return section(
        "recordings", "Recordings and coverage",
        "Coverage is the share of time with a usable skeleton (with usable hands): of the whole "
        "recording, and of the time in which the person really acts.",
        table(
            ["Recording", "Length", "True", "Recall", "Precision", "False alarms", "Clip accuracy",
             "Coverage", "hands", "while acting", "hands", "Images", "used"],
            rows, caption="Figures of every recording", class_="sortable figures",
        ),
        tag("p", f"Input that was not used: {lost or 'none'}.", class_="note"),
    )  # fmt: skip


def _recording(label: str, metrics: Mapping[str, Any]) -> list[Children]:
    figures = metrics["recordings"][label]
    events, coverage, images = figures["events"], figures["coverage"], figures["images"]
    return [
        name(label), duration(coverage["seconds"]), count(events["total"]),
        percent(events["micro"]["recall"]), percent(events["micro"]["precision"]),
        count(events["false_alarms"]["count"]), percent(figures["clips"]["accuracy"]),
        percent(coverage["skeleton"]), percent(coverage["hands"]),
        percent(coverage["skeleton_in_actions"]), percent(coverage["hands_in_actions"]),
        count(images["images"]), percent(images["share"]),
    ]  # fmt: skip


def about(evaluation: Evaluation, figures: Mapping[str, Any]) -> Element:
    """What is needed to make the same report again, and what the figures mean."""
    facts = {
        "bundle": evaluation.bundle, "bundle sha256": evaluation.bundle_sha256,
        "pose backend": evaluation.pose_backend, "mode": evaluation.mode,
        "background class": evaluation.background or "none",
        "unknown class": evaluation.unknown or "none", **evaluation.about,
    }  # fmt: skip
    return section(
        "about", "About this evaluation", None,
        tag("dl", [tag("div", tag("dt", key), tag("dd", tag("code", value)))
                   for key, value in facts.items()], class_="facts"),
        tag("p", "A report counts if it starts inside the true action or up to "
            f"{figures['events']['grace_s']:g} s after it; each answers at most one. All figures, "
            "and all that was seen, are in the JSON file beside this page; "
            "docs/evaluation_metrics.md defines each.", class_="note"),
    )  # fmt: skip
