"""What was taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bharnet_ros.evaluation.report_html.markup import Children, Element, name, section, tag
from bharnet_ros.evaluation.report_html.numbers import count, percent

_LEVELS = 10  # shades of a cell
_NAMED = 8  # pairs of classes in words
_BESIDE = 12  # columns of matrices that still fit beside each other


def confusions(figures: Mapping[str, Any]) -> Element:
    """The section: reports, and judgements of whole clips."""
    told, judged = figures["events"]["confusion"], figures["clips"]["confusion"]
    small = max(len(told["columns"]), len(judged["columns"])) <= _BESIDE
    return section(
        "confusion",
        "Confusion",
        "Rows are what was true, columns what was made of it; a cell is coloured by its share of "
        "the row. Blue on the diagonal is right, orange is not.",
        tag("div", _matrix(
            "What the robot was told",
            "Reports against true actions. The last column is what was never reported, the last "
            "row what was reported although nothing of the kind was true.",
            told,
        ),
        _matrix(
            "What the judgements inside each clip come to",
            "The class with the greatest sum of probabilities inside each labelled clip, whether "
            "or not it was sure enough to be reported.",
            judged,
        ), class_="pair matrices" if small else None),
    )  # fmt: skip


def _matrix(title: str, words: str, confusion: Mapping[str, Any]) -> Element:
    rows, columns, counts = confusion["rows"], confusion["columns"], confusion["counts"]
    if not any(map(sum, counts)):
        return tag("figure", tag("h3", title), tag("p", "Nothing to show: there are no clips."))
    head = tag(
        "tr", tag("th", "true \\ answer", scope="col", class_="corner"),
        [tag("th", tag("span", name(column)), scope="col") for column in columns],
        tag("th", tag("span", "all"), scope="col", class_="sum"),
    )  # fmt: skip
    body = [
        tag(
            "tr", tag("th", name(row), scope="row"),
            [_cell(row, column, n, sum(values)) for column, n in zip(columns, values, strict=True)],
            tag("td", count(sum(values)), class_="sum"),
        )
        for row, values in zip(rows, counts, strict=True)
    ]  # fmt: skip
    size = "matrix" if len(columns) <= 16 else "matrix dense"
    shown = tag(
        "table", tag("caption", f"{title}: counts", class_="hidden"), tag("thead", head),
        tag("tbody", body), class_=size,
    )  # fmt: skip
    scrolling = tag("div", shown, class_="scroll", tabindex="0", role="region", aria_label=title)
    return tag(
        "figure", tag("h3", title), scrolling, tag("figcaption", words),
        _in_words(rows, columns, counts),
    )  # fmt: skip


def _cell(row: str, column: str, cases: int, total: int) -> Element:
    if not cases:
        return tag("td", class_="same" if row == column else None)
    level = max(1, round(_LEVELS * cases / total))
    kind = "d" if row == column else "e"
    told = f"{row}, answered {column}: {cases} of {total} ({percent(cases / total, 0)})"
    return tag("td", count(cases), class_=f"{kind}{level}", title=told)


def _in_words(
    rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]
) -> Element:
    """The most frequent mistakes, for who cannot or would not read the colours."""
    pairs = [
        (n, row, column, sum(values))
        for row, values in zip(rows, counts, strict=True)
        for column, n in zip(columns, values, strict=True)
        if n and row != column
    ]
    pairs.sort(key=lambda pair: (-pair[0], -pair[0] / pair[3], pair[1], pair[2]))
    if not pairs:
        return tag("p", "No mistakes.", class_="note")
    items: list[Children] = [
        tag("li", name(row), " → ", name(column), f": {n} of {total}")
        for n, row, column, total in pairs[:_NAMED]
    ]
    return tag("div", tag("h4", "Most frequent"), tag("ol", *items, class_="pairs"))
