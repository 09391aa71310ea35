"""How long the work took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.report_html.markup import Element, chart, section, svg, table, tag
from bharnet_ros.evaluation.report_html.numbers import count, milliseconds, number_of, ticks

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 520.0, 170.0, 46.0, 22.0, 40.0
_MOST_BINS = 40
_MAIN = ("latency", "total")  # the stages that matter most come first


def latencies(evaluation: Evaluation, figures: Mapping[str, Any]) -> Element:
    """The section: a table of stages and a histogram of each."""
    stages = sorted(figures["latency_ms"], key=lambda s: (s not in _MAIN, s != "latency"))
    what = (
        "From the stamp of an image to the arrival of its actions, and the stages on the way."
        if evaluation.mode == "live"
        else "Computing time of every image on the machine that evaluated; no waiting in queues."
    )
    if not any(figures["latency_ms"][stage]["count"] for stage in stages):
        return section("latency", "Latency", what, tag("p", "Nothing was timed.", class_="note"))
    keys = ("mean", "p50", "p95", "p99", "max")
    rows = [
        [stage, count(values["count"]), *(milliseconds(values[key]) for key in keys)]
        for stage, values in ((stage, figures["latency_ms"][stage]) for stage in stages)
    ]
    return section(
        "latency",
        "Latency",
        what,
        table(
            ["Stage", "Values", "Mean", "p50", "p95", "p99", "Max"], rows,
            caption="Milliseconds by stage", class_="figures",
        ),
        tag(
            "div",
            [
                _histogram(stage, evaluation, figures["latency_ms"][stage])
                for stage in stages
                if figures["latency_ms"][stage]["count"]
            ],
            class_="pair",
        ),
    )  # fmt: skip


def _histogram(stage: str, evaluation: Evaluation, values: Mapping[str, Any]) -> Element:
    """The slowest percent lies in the last bar: a few outliers would squeeze all others."""
    measured = np.array(
        [v for recording in evaluation.recordings for v in recording.stage_ms.get(stage, ())]
    )
    low, high = 0.0, max(float(values["p99"]), 1e-6)
    bins = min(_MOST_BINS, int(np.ceil(2 * len(measured) ** (1 / 3))))  # Rice's rule
    edges = np.linspace(low, high, bins + 1)
    counts = np.histogram(np.minimum(measured, high), edges)[0]
    scale_x, scale_y = _WIDTH / high, _HEIGHT / max(1, int(counts.max()))
    shown = [
        tag("line", x1=_LEFT, x2=_LEFT + _WIDTH, y1=y, y2=y, class_="grid")
        for y in (_TOP, _TOP + _HEIGHT / 2, _TOP + _HEIGHT)
    ]
    shown += [
        tag("text", number_of(v), x=_LEFT - 6, y=_TOP + _HEIGHT - v * scale_y + 4, class_="tick",
            text_anchor="end") for v in (float(counts.max()), 0.0)
    ]  # fmt: skip
    shown += _bars(counts, edges, scale_x, scale_y)
    for value in ticks(low, high):
        shown.append(tag(
            "text", number_of(value), x=_LEFT + value * scale_x, y=_TOP + _HEIGHT + 16,
            class_="tick", text_anchor="middle",
        ))  # fmt: skip
    for key in ("p50", "p95"):
        x = _LEFT + min(float(values[key]), high) * scale_x
        shown += [
            tag("line", x1=x, x2=x, y1=_TOP - 4, y2=_TOP + _HEIGHT, class_="mark"),
            tag("text", key, x=x, y=_TOP - 8, class_="tick", text_anchor="middle"),
        ]
    shown.append(tag(
        "text", "milliseconds", x=_LEFT + _WIDTH / 2, y=_TOP + _HEIGHT + 34, class_="axis",
        text_anchor="middle",
    ))  # fmt: skip
    told = (
        f"p50 {milliseconds(values['p50'])}, p95 {milliseconds(values['p95'])}, max "
        f"{milliseconds(values['max'])}; the slowest 1 % are in the last bar."
    )
    return chart(
        stage,
        svg(_LEFT + _WIDTH + 14, _TOP + _HEIGHT + _BOTTOM, f"Histogram of {stage}: {told}", shown,
            class_="histogram"),
        told,
        table(
            ["From [ms]", "To [ms]", "Values"],
            [
                [f"{a:.2f}", f"{b:.2f}" if i < bins - 1 else "max", count(n)]
                for i, (a, b, n) in enumerate(zip(edges[:-1], edges[1:], counts, strict=True)) if n
            ],
            caption=f"Histogram of {stage}",
        ),
    )  # fmt: skip


def _bars(
    counts: npt.NDArray[np.int64], edges: npt.NDArray[np.float64], scale_x: float, scale_y: float
) -> list[Element]:
    return [
        tag(
            "rect",
            tag("title", f"{a:.2f} to {b:.2f} ms: {n}"),
            x=_LEFT + float(a) * scale_x + 0.5, y=_TOP + _HEIGHT - n * scale_y,
            width=max(0.5, float(b - a) * scale_x - 1), height=n * scale_y, class_="share",
        )
        for a, b, n in zip(edges[:-1], edges[1:], counts.tolist(), strict=True)
        if n
    ]  # fmt: skip
