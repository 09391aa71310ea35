"""Reads YAML so that every complaint can name the file, the line and the place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import GestureError

MAX_BYTES = 4 << 20


class Node:
    """One value of a YAML file and where it stands. Errors are `GestureError` sentences that
    begin with file:line and the place."""

    def __init__(self, node: yaml.Node, file: str, place: str) -> None:
        self._node = node
        self._file = file
        self.place = place

    def error(self, problem: str, remedy: str) -> GestureError:
        """The error to raise for this value."""
        line = self._node.start_mark.line + 1
        where = f"{self.place}: " if self.place else ""
        return GestureError(f"{self._file}:{line}: {where}{problem}; {remedy}.")

    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    def is_list(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values of a mapping, in order; a key given twice is an error."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error("a mapping is expected here", "write `name: value` entries")
        seen: set[str] = set()
        for key, value in self._node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.error("a name is expected before a colon", "write `name: value`")
            name = str(key.value)
            child = Node(value, self._file, f"{self.place}.{name}" if self.place else name)
            if name in seen:
                raise child.error(f"'{name}' is given twice", "keep one of the two")
            seen.add(name)
            yield name, child

    def fields(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Node]:
        """The entries of a mapping whose keys are known; unknown or missing ones are errors."""
        found = dict(self.items())
        for name, child in found.items():
            if name not in required and name not in optional:
                known = ", ".join([*required, *optional])
                raise child.error(f"'{name}' is not known here", f"use one of {known}")
        for name in required:
            if name not in found:
                raise self.error(f"'{name}' is missing", f"add `{name}:`")
        return found

    def elements(self) -> list[Node]:
        """The values of a list."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error("a list is expected here", "write [a, b]")
        return [Node(v, self._file, f"{self.place}[{i}]") for i, v in enumerate(self._node.value)]

    def text(self) -> str:
        """A non-empty word or sentence."""
        if not isinstance(self._node, yaml.ScalarNode) or not self._node.value:
            raise self.error("a text is expected here", "write one word or a quoted sentence")
        return str(self._node.value)

    def choice(self, options: Sequence[str]) -> str:
        """One of the given words."""
        word = self.text()
        if word not in options:
            raise self.error(f"'{word}' is not known", f"use one of {', '.join(options)}")
        return word

    def number(self, low: float, high: float) -> float:
        """A finite number within [low, high]."""
        word = self.text()
        try:
            value = float(word)
        except ValueError:
            raise self.error(f"'{word}' is not a number", "write a number") from None
        if not (math.isfinite(value) and low <= value <= high):
            raise self.error(f"{word} is out of range", f"keep it within {low:g} to {high:g}")
        return value

    def range(self, low: float, high: float) -> tuple[float, float]:
        """[low, high], or one number for both."""
        if not self.is_list():
            value = self.number(low, high)
            return value, value
        parts = self.elements()
        if len(parts) != 2:
            raise self.error(f"a range has two numbers, not {len(parts)}", "write [low, high]")
        first, last = (p.number(low, high) for p in parts)
        if first > last:
            raise self.error(f"the range [{first:g}, {last:g}] is upside down", "swap its ends")
        return first, last


def read(path: Path) -> Node:
    """Parse a file into its root node; unreadable files and broken YAML are GestureErrors."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise GestureError(
                f"{path}: a gesture file has at most {MAX_BYTES >> 20} MB, this one has more; give "
                "the path of a file of gesture descriptions."
            )
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GestureError(
            f"{path}: cannot be read as a gesture file ({error}); give the path of a UTF-8 YAML "
            "file."
        ) from error
    return parse(text, str(path))


def parse(text: str, file: str) -> Node:
    """Parse YAML into its root node; `file` is the name that complaints begin with."""
    try:
        node = plain_yaml.compose(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error)[:200] or "it is not YAML"
        raise GestureError(
            f"{file}{line}: the YAML is broken ({problem}); check indentation, brackets and "
            "quotes on this line and the one before."
        ) from error
    if node is None:
        raise GestureError(f"{file}:1: the file is empty; start from one of the shipped files.")
    return Node(node, file, "")
