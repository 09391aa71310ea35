"""The worst mistakes, as strips of pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from bharnet_ros.evaluation.mistakes import Mistake
from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.report_html.markup import Children, Element, name, section, tag
from bharnet_ros.evaluation.report_html.numbers import clock, decimal
from bharnet_ros.evaluation.strips import Strip, Tile

_TITLES = {"wrong": "Taken for another", "missed": "Missed", "false alarm": "False alarm"}


def worst(evaluation: Evaluation, strips: Sequence[Strip]) -> Element:
    """The section."""
    starts = {recording.name: recording.start_ns for recording in evaluation.recordings}
    if not strips:
        told = "There are no mistakes, or no pictures of them were kept."
        return section("mistakes", "Worst mistakes", None, tag("p", told, class_="note"))
    return section(
        "mistakes",
        "Worst mistakes",
        "The surest wrong reports, false alarms and missed actions by turns, each confusion once "
        "before any comes again. Under each picture the moment, from the true start (of a false "
        "alarm: from the report), and the most probable class then: underlined blue where it is "
        "the true one, orange where it is the reported one.",
        tag("ol", [_strip(strip, starts) for strip in strips], class_="strips"),
    )


def _strip(strip: Strip, starts: Mapping[str, int]) -> Element:
    mistake = strip.mistake
    kind = mistake.kind.replace(" ", "-")
    at = clock((mistake.event_ns - starts.get(mistake.recording, 0)) / 1e9, 1)
    who = "somebody else" if mistake.person_id < 0 else f"person {mistake.person_id}"
    return tag(
        "li",
        tag("span", _TITLES[mistake.kind], class_=f"badge {kind}"),
        tag("h3", *_what(mistake)),
        tag("p", name(mistake.recording), f", {who}, {at}", _often(mistake), class_="aside"),
        tag("div", [_tile(tile, mistake) for tile in strip.tiles], class_="tiles-row")
        if strip.tiles
        else tag("p", "No pictures of it.", class_="note"),
        class_=f"strip {kind}",
    )


def _what(mistake: Mistake) -> list[Children]:
    sure = f" ({decimal(mistake.score)})"
    if mistake.truth is None:
        return [name(mistake.report or ""), sure]
    if mistake.report is None:
        return [name(mistake.truth)]
    return [name(mistake.truth), " → ", name(mistake.report), sure]


def _often(mistake: Mistake) -> str:
    return f"; {mistake.times} times in this evaluation" if mistake.times > 1 else ""


def _tile(tile: Tile, mistake: Mistake) -> Element:
    origin = mistake.event_ns if mistake.truth is None else mistake.start_ns
    moment = f"{round((tile.stamp_ns - origin) / 1e9, 2) + 0.0:+.2f} s".replace("-", "−")
    judged: Children = (
        [name(tile.judged), f" {decimal(tile.probability)}"] if tile.judged else "not judged"
    )
    seen = "" if tile.seen else "; no skeleton"
    turned = {mistake.truth: "right", mistake.report: "wrong"} if tile.judged else {}
    return tag(
        "figure",
        tag(
            "img",
            src="data:image/jpeg;base64," + base64.b64encode(tile.jpeg).decode("ascii"),
            width=str(tile.width), height=str(tile.height), loading="lazy", decoding="async",
            alt=f"{moment}: judged as {tile.judged or 'nothing'}{seen}",
        ),
        tag("figcaption", tag("b", moment), tag("span", judged), class_="what"),
        class_=turned.get(tile.judged),
    )  # fmt: skip
