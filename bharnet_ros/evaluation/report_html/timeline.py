"""Timelines: what was true and what was reported, person by person.

Each recording is there twice: as data for the page's script, which draws the part in view at any
zoom, and as a drawing in lines one below another, for paper and for browsers without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bharnet_ros.evaluation.records import Evaluation, Recording
from bharnet_ros.evaluation.report_html.markup import Element, data, name, section, svg, table, tag
from bharnet_ros.evaluation.report_html.numbers import clock, count, duration, time_step
from bharnet_ros.evaluation.report_html.timeline_bars import Bar, Lane, Result, lanes

_OPEN = 3  # recordings unfolded at first
_MOST_LINES = 12  # of a recording on paper
_WIDTH, _LEFT, _BAR, _GAP, _AXIS = 1080.0, 90.0, 15.0, 3.0, 20.0
_CHARACTER = 5.7  # width of a small letter
_LISTED = 400  # episodes in the table of a recording
_EXPLAINED = 1000  # bars on paper that carry their words: more would make the file large
_LEGEND: tuple[tuple[Result, str], ...] = (
    ("right", "right"), ("wrong", "taken for something else"), ("missed", "missed"),
    ("alarm", "false alarm"), ("apart", "labelled, no action"),
)  # fmt: skip


def timelines(evaluation: Evaluation) -> Element:
    """The section with every recording."""
    intro = (
        "Above what is true, below what was reported, then how sure the recogniser was of what it "
        "saw: blue where that is the true class, orange where it is another action, grey where it "
        "is none; the thin green line says that a hand could be used. Drag to move, Ctrl and wheel "
        "or the buttons to zoom, n and p for the next and the previous mistake."
    )
    legend = tag(
        "ul", [tag("li", _swatch(kind), words) for kind, words in _LEGEND],
        class_="legend", aria_label="Colours",
    )  # fmt: skip
    shown = [
        _recording(evaluation, recording, index)
        for index, recording in enumerate(evaluation.recordings)
    ]
    return section("timeline", "Timeline", intro, legend, *shown)


def _recording(evaluation: Evaluation, recording: Recording, index: int) -> Element:
    people = lanes(evaluation, recording)
    bars = [bar for lane in people for bar in (*lane.truth, *lane.reports)]
    wrong = sum(bar.result == "wrong" for lane in people for bar in lane.truth)
    missed = sum(bar.result == "missed" for bar in bars)
    alarms = sum(bar.result == "alarm" for bar in bars)
    right = sum(bar.result == "right" for lane in people for bar in lane.truth)
    told = f"{duration(recording.duration_s)} · {right} right, {wrong} wrong, {missed} missed, "
    told += f"{alarms} false alarms"
    return tag(
        "details",
        tag("summary", name(recording.name), tag("span", told, class_="aside")),
        tag("div", class_="timeline", data_source=f"timeline-{index}"),
        data(f"timeline-{index}", _data(recording, people)),
        _lines(recording, people),
        tag(
            "details",
            tag("summary", f"As a table ({count(len(bars))} entries)"),
            _table(recording, people),
            class_="inner",
        ),
        class_="recording",
        open=index < _OPEN,
    )


def _data(recording: Recording, people: Sequence[Lane]) -> dict[str, Any]:
    def bars(entries: Sequence[Bar]) -> list[list[Any]]:
        return [
            [round(b.start_s, 3), round(b.end_s, 3), b.label, b.result, b.note] for b in entries
        ]

    return {
        "name": recording.name,
        "seconds": round(recording.duration_s, 3),
        "people": [
            {
                "title": lane.title, "truth": bars(lane.truth), "reports": bars(lane.reports),
                "cell": lane.cell_s, "kinds": lane.kinds, "sureness": lane.sureness,
                "hands": lane.hands,
            }
            for lane in people
        ],
    }  # fmt: skip


def _lines(recording: Recording, people: Sequence[Lane]) -> Element:
    """The whole recording, line by line."""
    total = max(recording.duration_s, 1e-3)
    line_s = next(
        (s for s in (30, 60, 120, 300, 600, 1800, 3600) if total <= s * _MOST_LINES), total
    )
    starts = [line_s * i for i in range(max(1, int(-(-total // line_s))))]
    told = sum(len(lane.truth) + len(lane.reports) for lane in people) <= _EXPLAINED
    drawings = [
        svg(
            _WIDTH, _AXIS + len(people) * (2 * _BAR + 3 * _GAP),
            f"Timeline from {clock(start)} to {clock(min(start + line_s, total))}",
            _line(people, start, line_s, total, told),
        )
        for start in starts
    ]  # fmt: skip
    return tag("div", drawings, class_="lines")


def _line(
    people: Sequence[Lane], start: float, span: float, total: float, told: bool
) -> list[Element]:
    scale = (_WIDTH - _LEFT - 8) / span
    step = time_step(span, 12)
    shown: list[Element] = []
    for i in range(int(span // step) + 1):
        at = start + i * step
        if at <= total + 1e-6:
            x = _LEFT + i * step * scale
            bottom = _AXIS + len(people) * (2 * _BAR + 3 * _GAP)
            shown.append(tag("line", x1=x, x2=x, y1=_AXIS - 5, y2=bottom, class_="grid"))
            shown.append(tag("text", clock(at), x=x + 2, y=_AXIS - 8, class_="tick"))
    for index, lane in enumerate(people):
        top = _AXIS + index * (2 * _BAR + 3 * _GAP)
        shown.append(tag("text", lane.title, x=0.0, y=top + 1.5 * _BAR, class_="who"))
        for row, bars in enumerate((lane.truth, lane.reports)):
            y = top + row * (_BAR + _GAP)
            shown += [_bar(bar, start, span, scale, y, told) for bar in bars
                      if bar.end_s >= start and bar.start_s <= start + span]  # fmt: skip
    return shown


def _bar(bar: Bar, start: float, span: float, scale: float, y: float, told: bool) -> Element:
    left = _LEFT + max(0.0, bar.start_s - start) * scale
    width = max(1.5, min(bar.end_s - start, span) * scale + _LEFT - left)
    room = int((width - 5) / _CHARACTER)
    # Too narrow for the whole name: nothing is better than a stump.
    label = bar.label if len(bar.label) <= room else None
    words = f"{clock(bar.start_s, 1)} to {clock(bar.end_s, 1)}: {bar.label}, {bar.note}"
    return tag(
        "g",
        tag("title", words) if told else None,
        tag("rect", x=left, y=y, width=width, height=_BAR, rx=2.0),
        tag("text", label, x=left + 3, y=y + _BAR - 4.2) if label else None,
        class_=f"bar {bar.result}",
    )


def _table(recording: Recording, people: Sequence[Lane]) -> Element:
    rows = sorted(
        ((bar.start_s, lane.title, "truth" if truth else "report", bar)
         for lane in people
         for truth, bars in ((True, lane.truth), (False, lane.reports))
         for bar in bars),
        key=lambda row: row[:3],
    )  # fmt: skip
    listed = table(
        ["From", "To", "Who", "What", "Class", "Result"],
        [
            [clock(start, 1), clock(bar.end_s, 1), who, what, name(bar.label), bar.note]
            for start, who, what, bar in rows[:_LISTED]
        ],
        caption=f"Truth and reports of {recording.name}",
    )
    if len(rows) <= _LISTED:
        return listed
    rest = f"{count(len(rows) - _LISTED)} more are in the JSON file of this evaluation."
    return tag("div", listed, tag("p", rest, class_="note"))


def _swatch(kind: str) -> Element:
    drawing = tag("rect", x=0.5, y=0.5, width=17.0, height=10.0, rx=2.0)
    return tag(
        "svg", tag("g", drawing, class_=f"bar {kind}"), viewbox="0 0 18 11", class_="swatch",
        aria_hidden="true",
    )  # fmt: skip
