"""YAML that a stranger may have written: as data only, bounded in depth, without aliases.

yaml.SafeLoader makes no objects, but a small text can still make it work without end: aliases of
aliases grow without bound when they are looked at, deep nesting ends in a RecursionError, and
impossible dates or endless numbers in a ValueError.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent

MAX_DEPTH = 60


class _BoundedLoader(yaml.SafeLoader):
    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self._depth >= MAX_DEPTH:
            raise ComposerError(None, None, "it is nested too deeply", self._mark())
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _mark(self) -> Any:
        return self.peek_event().start_mark  # type: ignore[no-untyped-call]


class _PlainLoader(_BoundedLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(AliasEvent):
            raise ComposerError(None, None, "aliases (*name) are not supported", self._mark())
        return super().compose_node(parent, index)


class _OnceLoader(_BoundedLoader):
    """A key given twice would silently drop what stands under the first one."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        # Looked at here, because later merge keys (<<) bring in keys that may be given again.
        node = super().compose_mapping_node(anchor)
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # no mapping takes such a key; the constructor says so
            name = key.value if key.tag in _SIGNS else self.construct_object(key)
            line = key.start_mark.line + 1
            if name in lines:
                where = f"in line {lines[name]} and again in line {line}"
                raise ComposerError(None, None, f"'{key.value[:40]}' is given twice: {where}")
            lines[name] = line
        return node


class _NamesLoader(_OnceLoader):
    """Knows whole numbers, true and false, and nothing; `yes`, `010` and `2024-05-01` are text."""


_NamesLoader.yaml_implicit_resolvers = {}
_SIGNS = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")
for _tag, _pattern, _first in (
    # Only numbers as they are counted: whoever makes text of them again gets the same text.
    ("int", r"(?:0|-?[1-9][0-9]*)\Z", "-0123456789"),
    ("bool", r"(?:true|false)\Z", "tf"),
    ("null", r"~?\Z", ["~", ""]),
    ("merge", r"<<\Z", "<"),
):
    _NamesLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(_pattern, re.ASCII), list(_first)
    )


def compose(text: str | bytes) -> yaml.Node | None:
    """The tree of nodes, aliases shared. Raises yaml.YAMLError and nothing else."""
    node: yaml.Node | None = _guarded(text, yaml.compose, _BoundedLoader)
    return node


def load(text: str | bytes) -> Any:
    """Lists, mappings, texts, numbers, dates. Raises yaml.YAMLError and nothing else."""
    return _guarded(text, yaml.load, _PlainLoader)


def load_once(text: str | bytes) -> Any:
    """As yaml.safe_load, but a key that is given twice is an error that names it and its lines.

    For files of one's own: aliases and merge keys are allowed. Raises yaml.YAMLError and nothing
    else.
    """
    return _guarded(text, yaml.load, _OnceLoader)


def load_names(text: str | bytes) -> Any:
    """As `load_once`, for names of people and classes: only whole decimal numbers (10, not 010)
    become numbers, only `true` and `false` booleans; ~ and an empty value are None, everything
    else (`yes`, `no`, `1.5`, `null`) is text. Raises yaml.YAMLError and nothing else."""
    return _guarded(text, yaml.load, _NamesLoader)


def _guarded(text: str | bytes, how: Any, loader: type[yaml.SafeLoader]) -> Any:
    try:
        return how(text, Loader=loader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # the constructors let through whatever odd values and tags cause
        reason = f"{type(error).__name__}: {str(error)[:100]}"
        raise yaml.YAMLError(f"a value cannot be read ({reason})") from None
