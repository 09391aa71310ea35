"""A comparison on one screen of a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bharnet_ros.evaluation.clip_pairs import ClipPair
from bharnet_ros.evaluation.comparison import Comparison, Difference
from bharnet_ros.evaluation.names import plain

_WORDS = {"better": "better", "worse": "WORSE", "unclear": "?", "same": "=", "none": ""}
_MOST_ROWS = 8


def format_comparison(comparison: Comparison) -> str:
    """Main figures, the classes that changed, and what became of single clips.

    Shares are in percent, changes in percent points.
    """
    percent = f"{100 * comparison.bootstrap.confidence:g} %"
    unit = "clips" if comparison.over == "clips" else "whole recordings"
    lines = [
        f"Compared with {plain(comparison.old_title)}, {len(comparison.clips)} clips; "
        f"{percent} intervals, bootstrap over {unit}",
        *_rows(comparison.overall),
    ]
    moved = [d for d in comparison.classes if d.gained or d.lost]
    moved.sort(key=lambda d: (d.verdict == "unclear", d.change))
    if moved:
        lines += ["  classes with changed clips", *_rows(moved[:_MOST_ROWS])]
        if len(moved) > _MOST_ROWS:
            lines.append(f"    and {len(moved) - _MOST_ROWS} more (see the report)")
    lines.append(
        f"  {len(comparison.gained)} clips are reported rightly only now, "
        f"{len(comparison.lost)} only before"
    )
    lines += [_clip(clip) for clip in comparison.lost[:_MOST_ROWS]]
    lines += [f"  {plain(problem)}" for problem in comparison.problems]
    return "\n".join(lines)


def figure(value: float, unit: str) -> str:
    """A value of a `Difference` in words: 93.1 %, 2.4 /h, 0.46 s; a dash if there is none."""
    if not math.isfinite(value):
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.1f} /h" if unit == "per hour" else f"{value:.2f} s"


def signed(value: float, unit: str) -> str:
    """A change, with its sign; of shares in percent points."""
    if not math.isfinite(value):
        return "–"
    digits, scale = (2, 1) if unit == "s" else (1, 100 if unit == "share" else 1)
    text = f"{scale * value + 0.0:+.{digits}f}"
    return "0" if float(text) == 0.0 else text.replace("-", "−")


def _rows(differences: Sequence[Difference]) -> list[str]:
    width = max((len(plain(d.name)) for d in differences), default=0)
    return [
        f"    {plain(d.name):<{width}}  {figure(d.old, d.unit):>8} -> {figure(d.new, d.unit):>8}  "
        f"{signed(d.change, d.unit):>6} [{signed(d.low, d.unit)}, {signed(d.high, d.unit)}]  "
        f"{_WORDS[d.verdict]}".rstrip()
        for d in differences
    ]


def _clip(clip: ClipPair) -> str:
    report = "missed" if clip.new.reported is None else plain(clip.new.reported)
    return f"    lost: {plain(clip.recording)}, {plain(clip.new.class_name)} -> {report}"
