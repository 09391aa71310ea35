"""Labels as YAML.

    clock: first_image            # or stamps; first_image if it is left away
    segments:
      - {start: 1.25, end: 3.5, label: wave, person: 1, region: [410, 80, 200, 560]}

or, for several recordings in one file, `recordings: {name: [segment, ...]}` instead of `segments`.
"""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from bharnet_ros.evaluation.truth.fields import (
    Entry,
    Place,
    Written,
    label_text,
    person_number,
    region_box,
    time_ns,
)

MAX_DEPTH = 100
_CLOCKS = {"first_image": False, "stamps": True}


def read_yaml(text: str, file: str) -> Written:
    """Raises LabelError."""
    if _is_deep(text):
        raise Place(file).error("brackets are nested too deeply", "write a list of segments")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise Place(file, mark.line + 1 if mark else 0).error(
            f"the YAML is broken ({problem})", "check indentation, brackets and quotes"
        ) from None
    except RecursionError:
        raise Place(file).error("lines are nested too deeply", "write a list of segments") from None
    if root is None:
        raise Place(file, 1).error("the file is empty", "begin it with `segments:`")
    top = _mapping(root, file, (), ("clock", "segments", "recordings"))
    clock = _text(top["clock"], file) if "clock" in top else "first_image"
    if clock not in _CLOCKS:
        raise _place(top["clock"], file).error(
            f"the clock '{clock[:40]}' is not known", f"write one of {', '.join(_CLOCKS)}"
        )
    if ("segments" in top) == ("recordings" in top):
        raise Place(file, 1).error(
            "there must be either `segments` or `recordings`", "write one of them"
        )
    if "segments" in top:
        return Written(tuple(_segments(top["segments"], file, "")), _CLOCKS[clock])
    recordings = _mapping(top["recordings"], file)
    entries = [e for name, node in recordings.items() for e in _segments(node, file, name)]
    return Written(tuple(entries), _CLOCKS[clock], tuple(recordings))


def _is_deep(text: str) -> bool:
    """Whether brackets are nested more than any list of segments; the parser would take ages."""
    depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif character in "]}":
            depth -= 1
    return False


def _segments(node: yaml.Node, file: str, recording: str) -> list[Entry]:
    if isinstance(node, yaml.ScalarNode) and not node.value:
        return []  # `segments:` with nothing behind it
    return [_entry(item, file, recording) for item in _list(node, file)]


def _entry(node: yaml.Node, file: str, recording: str) -> Entry:
    fields = _mapping(node, file, ("start", "end", "label"), ("person", "region"))
    place = _place(node, file)
    region = [_text(part, file) for part in _list(fields["region"], file)] if (
        "region" in fields) else []  # fmt: skip
    return Entry(
        place,
        time_ns(_text(fields["start"], file), "start", place),
        time_ns(_text(fields["end"], file), "end", place),
        label_text(_text(fields["label"], file), place),
        person_number(_text(fields["person"], file), place) if "person" in fields else None,
        region_box(region, place),
        recording,
    )


def _place(node: yaml.Node, file: str) -> Place:
    return Place(file, node.start_mark.line + 1)


def _mapping(
    node: yaml.Node, file: str, required: Sequence[str] = (), optional: Sequence[str] = ()
) -> dict[str, yaml.Node]:
    """Keys and values; with required or optional names, no other keys."""
    place = _place(node, file)
    if not isinstance(node, yaml.MappingNode):
        raise place.error("a mapping is expected here", "write `name: value` entries")
    found: dict[str, yaml.Node] = {}
    known = [*required, *optional]
    for key, value in node.value:
        name = _text(key, file)
        if name in found:
            raise _place(key, file).error(f"'{name[:40]}' is given twice", "keep one of the two")
        if known and name not in known:
            raise _place(key, file).error(
                f"'{name[:40]}' is not known here", f"use {', '.join(known)}"
            )
        found[name] = value
    for name in required:
        if name not in found:
            raise place.error(f"'{name}' is missing", f"add `{name}: ...`")
    return found


def _list(node: yaml.Node, file: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise _place(node, file).error("a list is expected here", "write [a, b] or `- a` lines")
    return list(node.value)


def _text(node: yaml.Node, file: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _place(node, file).error("one value is expected here", "write a text or a number")
    return str(node.value)
