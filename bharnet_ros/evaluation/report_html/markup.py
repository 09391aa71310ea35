"""HTML as a tree of elements: text and attributes are escaped when it is written, all of them.

No piece of the page is made by joining strings, so no name a user chose can become markup.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

from bharnet_ros.evaluation.names import plain

Element = ET.Element
Child = ET.Element | str | None
Children = Child | Iterable[Child]


def tag(name: str, *children: Children, **attributes: str | float | bool | None) -> Element:
    """An element. class_ stands for class, data_x for data-x; None and False leave one out."""
    element = Element(name)
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_") if key in _CAMEL else key.rstrip("_").replace("_", "-")
        text = "" if value is True else number(value) if isinstance(value, float) else str(value)
        element.set(_CAMEL.get(key, key), plain(text))
    for child in children:
        add(element, child)
    return element


_CAMEL = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}


def add(parent: Element, children: Children) -> Element:
    """Append text, an element or several; the parent again."""
    if children is None:
        return parent
    if isinstance(children, str):
        text = plain(children)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text
    elif isinstance(children, ET.Element):
        parent.append(children)
    else:
        for child in children:
            add(parent, child)
    return parent


def number(value: float) -> str:
    """A coordinate: two digits after the point are finer than a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def name(text: str) -> Element:
    """A name that a user chose; its direction of writing stays its own."""
    return tag("bdi", text)


def raw(kind: str, content: str, **attributes: str) -> Element:
    """A style or script element with our own content, which is not escaped.

    Raises ValueError if the content could end the element.
    """
    if "</" in content:
        raise ValueError(f"the content of <{kind}> holds '</'")
    element = tag(kind, **attributes)
    element.text = content
    return element


def data(identifier: str, value: Any) -> Element:
    """Data for the page's script, as a JSON block that no browser executes."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return raw("script", text, type="application/json", id=identifier)


def table(
    head: Sequence[Children], rows: Iterable[Sequence[Children]], *, caption: str,
    class_: str = "", show_caption: bool = False,
) -> Element:  # fmt: skip
    """A table whose first column is the head of its row; other cells are figures."""
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="" if show_caption else "hidden"),
            tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in head])),
            tag("tbody", [_row(row) for row in rows]),
            class_=class_ or None,
        ),
        class_="scroll", tabindex="0", role="region", aria_label=caption,
    )  # fmt: skip


def _row(cells: Sequence[Children]) -> Element:
    return tag("tr", tag("th", cells[0], scope="row"), [tag("td", cell) for cell in cells[1:]])


def section(identifier: str, title: str, intro: Children, *content: Children) -> Element:
    """A part of the page, with a line that says how to read it."""
    return tag(
        "section",
        tag("h2", title),
        tag("p", intro, class_="intro") if intro is not None else None,
        *content,
        id=identifier,
    )


def chart(title: str, drawing: Element, caption: Children, as_table: Element | None) -> Element:
    """A drawing with its caption, and the same figures as a table to unfold."""
    figure = tag("figure", tag("h3", title), drawing, tag("figcaption", caption))
    if as_table is not None:
        figure.append(tag("details", tag("summary", "As a table"), as_table))
    return figure


def svg(width: float, height: float, label: str, *children: Children, class_: str = "") -> Element:
    """A drawing of that many units; it scales with the page."""
    return tag(
        "svg", tag("title", label), *children, viewbox=f"0 0 {number(width)} {number(height)}",
        role="img", aria_label=label, class_=class_ or None,
    )  # fmt: skip


def write(document: Element) -> str:
    """The page's text."""
    return "<!DOCTYPE html>\n" + ET.tostring(document, encoding="unicode", method="html") + "\n"
