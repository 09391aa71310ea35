"""YAML that a stranger may have written: as data only, bounded in depth, without aliases.

yaml.SafeLoader makes no objects, but a small text can still make it work without end: aliases of
aliases grow without bound when they are looked at, deep nesting ends in a RecursionError, and
impossible dates or endless numbers in a ValueError.
"""

from __future__ import annotations

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


def compose(text: str | bytes) -> yaml.Node | None:
    """The tree of nodes, aliases shared. Raises yaml.YAMLError and nothing else."""
    node: yaml.Node | None = _guarded(text, yaml.compose, _BoundedLoader)
    return node


def load(text: str | bytes) -> Any:
    """Lists, mappings, texts, numbers, dates. Raises yaml.YAMLError and nothing else."""
    return _guarded(text, yaml.load, _PlainLoader)


def _guarded(text: str | bytes, how: Any, loader: type[yaml.SafeLoader]) -> Any:
    try:
        return how(text, Loader=loader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # the constructors let through whatever odd values and tags cause
        reason = f"{type(error).__name__}: {str(error)[:100]}"
        raise yaml.YAMLError(f"a value cannot be read ({reason})") from None
