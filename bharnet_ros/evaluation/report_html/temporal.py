"""How well the times of reports fit those of the true actions."""

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
from bharnet_ros.evaluation.report_html.numbers import count, percent, seconds

_WIDTH, _HEIGHT, _LEFT, _TOP = 380.0, 190.0, 46.0, 12.0


def temporal(figures: Mapping[str, Any]) -> Element:
    """The section: detection, segmentation and delays."""
    detection, segments, events = figures["detection"], figures["segments"], figures["events"]
    delays = [
        [title, count(v["count"]), *(seconds(v[key]) for key in ("p50", "p95", "max"))]
        for title, v in (
            ("from the true start", events["delay_from_start_s"]),
            ("from the true end", events["delay_from_end_s"]),
        )
    ]
    f1 = segments["f1"]
    return section(
        "times",
        "Times",
        "How much of each true action the report of it covers, and how soon it comes.",
        tag(
            "div",
            _curve(detection["map"], percent(detection["average"])),
            tag(
                "figure",
                tag("h3", "Segments"),
                table(
                    ["Figure", "Value"],
                    [
                        *([f"Segment F1@{k}", percent(v)] for k, v in f1.items()),
                        ["Edit score", percent(segments["edit"])],
                        ["Right at every moment", percent(segments["accuracy"])],
                    ],
                    caption="Figures of temporal segmentation", class_="figures",
                ),
                tag("h3", "Delay of right reports"),
                table(
                    ["Seconds", "Reports", "p50", "p95", "Max"], delays,
                    caption="Delay of right reports", class_="figures",
                ),
            ),
            class_="pair",
        ),
    )  # fmt: skip


def _curve(maps: Mapping[str, float | None], average: str) -> Element:
    points = [(float(iou), value) for iou, value in maps.items() if value is not None]
    rows = [[iou, percent(value)] for iou, value in maps.items()]
    listed = table(["Temporal IoU", "mAP"], rows, caption="mAP by temporal IoU", class_="figures")
    if not points:
        return tag("figure", tag("h3", "mAP by temporal IoU"), listed)

    def place(iou: float, value: float) -> tuple[float, float]:
        low, high = points[0][0], points[-1][0]
        share = (iou - low) / (high - low) if high > low else 0.5
        return _LEFT + share * _WIDTH, _TOP + (1 - value) * _HEIGHT

    shown: list[Element] = []
    for fifth in range(0, 11, 2):
        y = _TOP + (1 - fifth / 10) * _HEIGHT
        shown.append(tag("line", x1=_LEFT, x2=_LEFT + _WIDTH, y1=y, y2=y, class_="grid"))
        shown.append(tag("text", f"{10 * fifth} %", x=_LEFT - 6, y=y + 4, class_="tick",
                         text_anchor="end"))  # fmt: skip
    path = " ".join(
        f"{'L' if i else 'M'}{number(x)} {number(y)}"
        for i, (x, y) in enumerate(place(*point) for point in points)
    )
    shown.append(tag("path", d=path, class_="curve"))
    for iou, value in points:
        x, y = place(iou, value)
        shown.append(tag("circle", tag("title", f"IoU {iou:g}: {percent(value)}"), cx=x, cy=y,
                         r=4.0, class_="point"))  # fmt: skip
        shown.append(tag("text", f"{iou:g}", x=x, y=_TOP + _HEIGHT + 18, class_="tick",
                         text_anchor="middle"))  # fmt: skip
    shown.append(tag("text", "temporal IoU at least", x=_LEFT + _WIDTH / 2, y=_TOP + _HEIGHT + 36,
                     class_="axis", text_anchor="middle"))  # fmt: skip
    return chart(
        "mAP by temporal IoU",
        svg(_LEFT + _WIDTH + 16, _TOP + _HEIGHT + 44, f"mAP by temporal IoU; mean {average}", shown,
            class_="curves"),
        f"Mean over the thresholds: {average}.",
        listed,
    )  # fmt: skip
