"""hypothesis strategies that alter valid bytes, texts and JSON as damage and malice do."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

NUMBERS = tuple(
    value.to_bytes(size, order, signed=False)
    for size in (1, 2, 4, 8)
    for value in (0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
    for order in ("little", "big")
)
"""Lengths, counts and offsets that parsers stumble over."""

TOKENS = (
    "&a ", "*a", "!!python/object/apply:os.system ['x']", "!!binary x", "!!timestamp ", "<<: ",
    "2001-99-99", "1e999", "-1e999", ".inf", ".nan", "NaN", "Infinity", "0x_", "1_000", "9" * 400,
    "9" * 5000, "-0", "\x00", "\ufeff", "\u2028", "\ud7ff", "\U0010ffff", "\r", "\n\n", "\t", '"',
    "'", "\\", "{", "}", "[", "]", "[" * 120, "{a: " * 120, "- " * 150, "? ", ": ", ", ", "#", "%",
    "../../etc/passwd", "/dev/zero", "file:///etc/passwd", "<!DOCTYPE x [<!ENTITY e 'e'>]>", "&e;",
    "<!--", "]]>", "<x>", "true", "null", "~", "1", "-1", "0.5", "x",
)  # fmt: skip

MAX_EDITS = 4

_scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([0, 1, -1, 2**31, 2**63, 10**400, 1e308, 0.5, "", "a", "../x", "\x00"])
)  # fmt: skip
json_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def altered_bytes(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, with bytes changed, lost, moved, repeated or replaced by numbers."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, MAX_EDITS))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(("set", "number", "insert", "cut", "repeat", "end")))
        if kind == "set":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif kind == "number":
            number = draw(st.sampled_from(NUMBERS))
            data[at : at + len(number)] = number
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=12))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 64))]
        elif kind == "repeat":
            piece = data[at : at + draw(st.integers(1, 200))]
            to = draw(st.integers(0, len(data)))
            data[to:to] = piece
        else:
            del data[at:]
    return bytes(data)


@st.composite
def altered_text(draw: st.DrawFn, seeds: Sequence[str]) -> str:
    """One of the seeds, with tokens put in, lines repeated, moved or lost."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, MAX_EDITS))):
        at = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(("token", "token", "text", "cut", "line", "end")))
        if kind == "token":
            text = text[:at] + draw(st.sampled_from(TOKENS)) + text[at:]
        elif kind == "text":
            text = text[:at] + draw(st.text(max_size=6)) + text[at:]
        elif kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 30)) :]
        elif kind == "line":
            lines = text.split("\n")
            line = draw(st.sampled_from(lines))
            lines.insert(draw(st.integers(0, len(lines))), line)
            text = "\n".join(lines)
        else:
            text = text[:at]
    return text


@st.composite
def altered_json(draw: st.DrawFn, seed: Any) -> Any:
    """The seed, with some of its values replaced, removed, added or exchanged."""
    root = {"": copy.deepcopy(seed)}
    for _ in range(draw(st.integers(1, 3))):
        parent: Any = root
        key: Any = ""
        while isinstance(parent[key], dict | list) and parent[key] and draw(st.integers(0, 5)):
            parent = parent[key]
            keys = sorted(parent) if isinstance(parent, dict) else range(min(len(parent), 40))
            key = draw(st.sampled_from(list(keys)))
        kind = draw(st.sampled_from(("replace", "replace", "remove", "add")))
        if kind == "replace" or parent is root:
            parent[key] = draw(json_values)
        elif kind == "remove":
            del parent[key]
        elif isinstance(parent, dict):
            parent[draw(st.text(max_size=8))] = draw(json_values)
        else:
            parent.append(draw(json_values))
    return root[""]
