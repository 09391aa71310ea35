"""What `training.rgb_evaluation` found, as a table of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WAYS = {"skeleton": "skeleton only", "pixels": "with pixels", "half_lost": "half lost"}


def report_text(figures: Mapping[str, Any]) -> str:
    """Markdown. figures: what `evaluate_rgb` gave, and of where: store, protocol, part, command."""
    lines = [
        f"# {figures['bundle']}: what pixels add",
        "",
        f"{figures['clips']} clips of {figures['people']} people: part '{figures['part']}' of the "
        f"protocol {figures['protocol']} in the store {figures['dataset']} "
        f"({figures['store'][:12]}). Per 100, with Wilson's 95 % intervals. "
        f"*Half lost*: each moment's image missing with chance {figures['lost_share']:g}, seed "
        f"{_list(figures['seeds'])}: the first one's interval, and the range of all. Pixels had a "
        f"say in {_share(figures['pixels_had_a_say'])} of the clips.",
        "",
        f"`{figures['command']}`",
        "",
        "| Told apart: the true one is the likeliest of | clips | "
        f"{' | '.join(WAYS.values())} |",
        "|---|---|---|---|---|",
        *(_row(name, columns) for name, columns in figures["told_apart"].items()),
        _row("**together**", figures["told_apart_together"]),
        "",
        f"| Named: the true one is the likeliest of all | clips | {' | '.join(WAYS.values())} |",
        "|---|---|---|---|---|",
        *(_row(name, columns) for name, columns in figures["named"].items()),
        *(_row(name, columns) for name, columns in figures["by_class"].items()),
        "",
        f"Clips of all other classes that got another answer with pixels than without: "
        f"{figures['others_answered_differently_with_pixels']}.",
    ]
    alone = figures.get("skeleton_bundle")
    if alone:
        lines += [
            "",
            f"The bundle '{alone['bundle']}', which has no pixels, names "
            f"{_cell(alone['everything'])} of everything; its largest difference to this bundle "
            f"without pixels: {alone['largest_difference']:.1e} in any probability.",
        ]
    return "\n".join(lines) + "\n"


def _row(name: str, columns: Mapping[str, Any]) -> str:
    cells = [_cell(columns[way]) if way in columns else "" for way in WAYS]
    return f"| {name} | {columns['skeleton']['count']} | {' | '.join(cells)} |"


def _cell(tally: Mapping[str, Any]) -> str:
    text = f"{tally['per_100']:.1f} ({tally['low']:.1f} to {tally['high']:.1f})"
    runs = tally.get("runs")
    return f"{text}, {min(runs):.1f} to {max(runs):.1f}" if runs else text


def _share(tally: Mapping[str, Any]) -> str:
    return f"{tally['per_100']:.1f} %"


def _list(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))
