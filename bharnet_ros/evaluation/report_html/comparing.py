"""The comparison with an older run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bharnet_ros.evaluation.clip_pairs import ClipPair
from bharnet_ros.evaluation.compare_text import figure, signed
from bharnet_ros.evaluation.comparison import LEAST_UNITS, Comparison, Difference
from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.report_html.markup import Children, Element, name, section, table, tag
from bharnet_ros.evaluation.report_html.numbers import clock, count, decimal

_WORDS = {
    "better": "better", "worse": "worse", "unclear": "could be chance", "same": "unchanged",
    "none": "nothing to compare",
}  # fmt: skip
_SIGNS = {"better": "▲ ", "worse": "▼ "}
_LISTED = 60
_WIDTH = 220.0


def comparing(comparison: Comparison, evaluation: Evaluation) -> Element:
    """The section: main figures, classes, and the clips that turned."""
    percent = f"{100 * comparison.bootstrap.confidence:g} %"
    unit = "clips" if comparison.over == "clips" else "whole recordings"
    starts = {recording.name: recording.start_ns for recording in evaluation.recordings}
    changed = [d for d in comparison.classes if d.gained or d.lost]
    changed.sort(key=lambda d: (d.change, d.name))
    intro: list[Children] = [
        "Against ", name(comparison.old_title),
        f", on the {count(len(comparison.clips))} clips that both have. Changes of shares are in "
        f"percent points, with {percent} intervals (paired bootstrap over {unit}, "
        f"{count(comparison.bootstrap.resamples)} resamples); “better” and “worse” only where the "
        "interval leaves out 0 and, for shares of clips, McNemar's exact test agrees (p), for all "
        f"else there are at least {LEAST_UNITS} clips or minutes"
        + (f" (and {LEAST_UNITS} recordings)." if comparison.over == "recordings" else "."),
    ]  # fmt: skip
    return section(
        "comparison",
        "Better or worse",
        tag("span", *intro),
        _differences("Figure", comparison.overall, "Main figures of both runs"),
        tag("h3", "Classes with changed clips"),
        _differences("Class", changed, "Recall of reports by class")
        if changed
        else tag("p", "None.", class_="note"),
        _by_chance(comparison),
        tag(
            "div",
            _clips("Right before, not any more", comparison.lost, starts),
            _clips("Right now, not before", comparison.gained, starts),
            class_="pair",
        ),
        [tag("p", problem, class_="warning") for problem in comparison.problems],
    )


def _differences(what: str, differences: Sequence[Difference], caption: str) -> Element:
    reach: dict[str, float] = {}
    for d in differences:
        ends = [abs(v) for v in (d.low, d.high, d.change) if math.isfinite(v)]
        reach[d.unit] = max([reach.get(d.unit, 0.0), *ends])
    return table(
        [what, "Old", "New", "Change", "Interval", "", "Verdict", "Gained", "Lost", "p"],
        [_difference(d, reach[d.unit]) for d in differences],
        caption=caption,
        class_="figures differences",
    )


def _difference(d: Difference, reach: float) -> list[Children]:
    tested = math.isfinite(d.p_value)
    verdict = _SIGNS.get(d.verdict, "") + _WORDS[d.verdict]
    return [
        name(d.name), figure(d.old, d.unit), figure(d.new, d.unit), signed(d.change, d.unit),
        f"{signed(d.low, d.unit)} to {signed(d.high, d.unit)}", _whisker(d, reach),
        tag("span", verdict, class_=f"verdict {d.verdict}"),
        count(d.gained) if tested else "", count(d.lost) if tested else "",
        decimal(d.p_value, 3) if tested else "",
    ]  # fmt: skip


def _whisker(d: Difference, reach: float) -> Element | None:
    """The interval as a line, the change as a dot, 0 in the middle."""
    if not all(map(math.isfinite, (d.low, d.high, d.change))):
        return None
    scale = (_WIDTH / 2 - 6) / reach if reach > 0 else 0.0

    def place(value: float) -> float:
        return _WIDTH / 2 + value * scale

    return tag(
        "svg",
        tag("line", x1=_WIDTH / 2, x2=_WIDTH / 2, y1=0.0, y2=18.0, class_="zero"),
        tag("line", x1=place(d.low), x2=place(d.high), y1=9.0, y2=9.0, class_="interval"),
        tag("circle", cx=place(d.change), cy=9.0, r=4.0),
        viewbox=f"0 0 {_WIDTH:g} 18", class_=f"whisker {d.verdict}", aria_hidden="true",
    )  # fmt: skip


def _by_chance(comparison: Comparison) -> Element | None:
    tested = sum(d.count > 0 for d in comparison.classes)
    expected = tested * (1.0 - comparison.bootstrap.confidence)
    if tested < 5:
        return None
    told = f"Of {tested} classes about {expected:.1f} would look changed by chance alone."
    return tag("p", told, class_="note")


def _clips(title: str, clips: Sequence[ClipPair], starts: dict[str, int]) -> Element:
    heading = tag("h3", f"{title}: {count(len(clips))}")
    if not clips:
        return tag("div", heading)
    rows: list[list[Children]] = [
        [
            name(clip.recording), clock((clip.new.start_ns - starts[clip.recording]) / 1e9, 1),
            name(clip.new.class_name), _report(clip.old.reported), _report(clip.new.reported),
        ]
        for clip in clips[:_LISTED]
    ]  # fmt: skip
    rest = len(clips) - _LISTED
    return tag(
        "div", heading,
        table(["Recording", "At", "True", "Old", "New"], rows, caption=title),
        tag("p", f"{count(rest)} more are in the JSON file.", class_="note") if rest > 0 else None,
    )  # fmt: skip


def _report(label: str | None) -> Element:
    return tag("i", "missed") if label is None else name(label)
