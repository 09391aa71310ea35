"""The table of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bharnet_ros.evaluation.report_html.markup import Children, Element, name, section, table, tag
from bharnet_ros.evaluation.report_html.numbers import count, decimal, percent

_HEAD = (
    "Class", "True", "Right", "Taken for another", "Missed", "False alarms", "Precision", "Recall",
    "F1", "Clip recall", "AP@0.5", "Segment F1@50", "Delay p50 [s]", "Delay p95 [s]",
)  # fmt: skip


def class_table(figures: Mapping[str, Any]) -> Element:
    """The section: one row a class, sortable, worst recall first."""
    rows = sorted(figures["per_class"].items(), key=_worst_first)
    return section(
        "classes",
        "Classes",
        "Counts and shares of reports, except “clip recall”, which judges whole clips whether or "
        "not they were reported. Click a column's head to sort by it.",
        table(
            _HEAD, [_row(label, of_class) for label, of_class in rows],
            caption="Figures of every class", class_="sortable figures",
        ) if rows else tag("p", "No class is labelled or was reported."),
    )  # fmt: skip


def _worst_first(entry: tuple[str, Mapping[str, Any]]) -> tuple[bool, float, str]:
    """Classes that are never true come last."""
    recall = entry[1]["events"]["recall"]
    return recall is None, 0.0 if recall is None else recall, entry[0]


def _row(label: str, of_class: Mapping[str, Any]) -> list[Children]:
    events, clips = of_class["events"], of_class["clips"]
    delay, recall = events["delay_from_start_s"], events["recall"]
    return [
        name(label), count(events["total"]), count(events["true_positives"]),
        count(events["wrong"]), count(events["missed"]), count(events["false_alarms"]),
        percent(events["precision"]), _share(recall),
        percent(events["f1"]), percent(clips["recall"]),
        percent(of_class["average_precision"]["0.5"]), percent(of_class["segment_f1"]["50"]),
        decimal(delay["p50"]), decimal(delay["p95"]),
    ]  # fmt: skip


def _share(share: float | None) -> Element:
    """The figure and a small bar beside it."""
    figure = tag("span", percent(share), class_="beside")
    if share is None:
        return figure
    meter = tag(
        "svg", tag("rect", width=40.0, height=8.0, class_="trough"),
        tag("rect", width=40.0 * share, height=8.0, class_="level"),
        viewbox="0 0 40 8", class_="meter", aria_hidden="true",
    )  # fmt: skip
    return tag("span", meter, figure)
