"""Reliability diagrams: whether probabilities can be taken at their word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bharnet_ros.evaluation.report_html.markup import (
    Element,
    chart,
    number,
    section,
    svg,
    table,
    tag,
)
from bharnet_ros.evaluation.report_html.numbers import count, decimal, percent

_SIZE, _LEFT, _TOP, _BELOW = 300.0, 46.0, 10.0, 54.0  # plot, its margins, the counts under it


def calibrations(figures: Mapping[str, Any]) -> Element:
    """The section: of every judgement, and of reports."""
    calibration = figures["calibration"]
    return section(
        "calibration",
        "Calibration",
        "Of all answers with a probability of 0.8, 80 % should be right: then the bars end on the "
        "diagonal. Orange: surer than it should be. Pale blue: less sure than it could be. ECE is "
        "the mean of these gaps, weighted by the number of answers (grey).",
        tag(
            "div",
            _diagram("Judgements", "of every moment", calibration["judgements"]),
            _diagram("Reports", "what the robot was told", calibration["events"]),
            class_="pair",
        ),
    )


def _diagram(title: str, of_what: str, values: Mapping[str, Any]) -> Element:
    heading = f"{title}, {of_what}"
    if not values["count"]:
        return tag("figure", tag("h3", heading), tag("p", "Nothing was judged.", class_="note"))
    ece = decimal(values["ece"], 3)
    told = (
        f"ECE {ece}, largest gap {decimal(values['mce'], 3)}; mean probability "
        f"{decimal(values['mean_confidence'], 3)}, right {percent(values['accuracy'])} of "
        f"{count(values['count'])}."
    )
    bins = [entry for entry in values["bins"] if entry["count"]]
    return chart(
        heading,
        svg(
            _LEFT + _SIZE + 14, _TOP + _SIZE + _BELOW + 40,
            f"Reliability diagram of {title.lower()}: ECE {ece}",
            *_axes(), *_bars(values["bins"], max(entry["count"] for entry in bins)),
            tag("line", x1=_LEFT, y1=_TOP + _SIZE, x2=_LEFT + _SIZE, y2=_TOP, class_="ideal"),
            class_="reliability",
        ),
        told,
        table(
            ["Probability", "Answers", "Mean probability", "Right"],
            [
                [f"{decimal(b['low'])} to {decimal(b['high'])}", count(b["count"]),
                 decimal(b["confidence"], 3), percent(b["accuracy"])]
                for b in bins
            ],
            caption=f"Bins of the reliability diagram: {title.lower()}",
        ),
    )  # fmt: skip


def _axes() -> list[Element]:
    shown = []
    for tenth in range(0, 11, 2):
        share = tenth / 10
        x, y = _LEFT + share * _SIZE, _TOP + (1 - share) * _SIZE
        shown += [
            tag("line", x1=_LEFT, x2=_LEFT + _SIZE, y1=y, y2=y, class_="grid"),
            tag("text", number(share), x=_LEFT - 6, y=y + 4, class_="tick", text_anchor="end"),
            tag(
                "text", number(share), x=x, y=_TOP + _SIZE + _BELOW + 16, class_="tick",
                text_anchor="middle",
            ),
        ]  # fmt: skip
    middle = _TOP + _SIZE / 2
    return [
        *shown,
        tag(
            "text", "share of right answers", x=12.0, y=middle, class_="axis",
            text_anchor="middle", transform=f"rotate(-90 12 {number(middle)})",
        ),
        tag(
            "text", "probability given", x=_LEFT + _SIZE / 2, y=_TOP + _SIZE + _BELOW + 34,
            class_="axis", text_anchor="middle",
        ),
    ]  # fmt: skip


def _bars(bins: list[dict[str, Any]], most: int) -> list[Element]:
    """Right answers, the gap to what was promised, and how many answers each bin rests on."""
    shown = []
    for entry in bins:
        if not entry["count"]:
            continue
        x = _LEFT + entry["low"] * _SIZE + 0.8
        width = (entry["high"] - entry["low"]) * _SIZE - 1.6
        right, promised = entry["accuracy"], entry["confidence"]
        low, high = sorted((right, promised))
        told = (
            f"{decimal(entry['low'])} to {decimal(entry['high'])}: {percent(right)} right of "
            f"{count(entry['count'])}, mean probability {decimal(promised, 3)}"
        )
        tall = max(1.0, (_BELOW - 14) * entry["count"] / most)
        shown.append(tag(
            "g", tag("title", told),
            tag("rect", x=x, y=_TOP + (1 - low) * _SIZE, width=width, height=low * _SIZE,
                class_="share"),
            tag("rect", x=x, y=_TOP + (1 - high) * _SIZE, width=width, height=(high - low) * _SIZE,
                class_="gap sure" if promised > right else "gap unsure"),
            tag("rect", x=x, y=_TOP + _SIZE + 6, width=width, height=tall, class_="amount"),
        ))  # fmt: skip
    return shown
