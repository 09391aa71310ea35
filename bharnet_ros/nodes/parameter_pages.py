"""Writes config/bharnet_ros.yaml and docs/parameters.md from what the nodes declare.

python -m bharnet_ros.nodes.parameter_pages
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml

from bharnet_ros.nodes.base import COMMON
from bharnet_ros.nodes.graph import NODES
from bharnet_ros.nodes.parameters import Param

YAML_FILE = "config/bharnet_ros.yaml"
PAGE_FILE = "docs/parameters.md"
_COLUMN, _WIDTH = 34, 100

_YAML_HEAD = """\
# Every parameter of every node, with its default. Written by
#   python -m bharnet_ros.nodes.parameter_pages
# Copy what you change into a file of your own:
#   ros2 launch bharnet_ros recognize.launch.py params_file:=my.yaml
# (dynamic): may change at any time, as with `ros2 param set`; (start): read at the start only.
# All others may change while the node is unconfigured and are read when it is configured.
# Topics take QoS overrides too, for example a reliable image subscription:
#   qos_overrides./image_raw.subscription.reliability: reliable
"""

_PAGE_HEAD = """\
# Parameters

Written by `python -m bharnet_ros.nodes.parameter_pages`; a test compares it with running nodes.
The same as a parameter file: [config/bharnet_ros.yaml](../config/bharnet_ros.yaml).

When a parameter may change:

- *any time*: `ros2 param set /action_recognizer rate_hz 10.0`. What contradicts itself or the
  loaded bundle is refused with the reason; people, windows and actions in progress are kept.
- *while unconfigured*: it is read when the node is configured. On a running node: `ros2 lifecycle
  set /action_recognizer deactivate`, `cleanup`, then `ros2 param set`, `configure`, `activate`.
- *at the start*: only in a parameter file or on the command line.

Values that contradict each other one by one (a higher end *and* a higher start) go through
`/action_recognizer/set_parameters_atomically`, or in the right order.
"""


def declared(node: str) -> tuple[Param, ...]:
    """The parameters of a node, those that all nodes have first."""
    params: tuple[Param, ...] = importlib.import_module(f"bharnet_ros.nodes.{node}").PARAMS
    return (*COMMON, *params)


def yaml_text() -> str:
    """The parameter file."""
    parts = [_YAML_HEAD]
    for node in NODES:
        parts.append(f"\n/**/{node}:\n  ros__parameters:\n")
        parts.extend(line + "\n" for param in declared(node) for line in _yaml_lines(param))
    return "".join(parts)


def _yaml_lines(param: Param) -> Iterator[str]:
    mark = "(dynamic) " if param.dynamic else "(start) " if param.fixed else ""
    text = mark + param.description
    if param.choices:
        text += " One of " + ", ".join(param.choices) + "."
    entry = f"    {param.name}: {value_text(param.default)}"
    lines = textwrap.wrap(text, _WIDTH - _COLUMN - 2)
    yield (
        f"{entry.ljust(_COLUMN)}  # {lines[0]}"
        if len(entry) <= _COLUMN
        else f"{entry}  # {lines[0]}"
    )
    for line in lines[1:]:
        yield f"{'':{_COLUMN}}  # {line}"


def page_text() -> str:
    """The documentation page."""
    parts = [_PAGE_HEAD]
    for node in NODES:
        parts.append(f"\n## {node}\n\n")
        parts.append(
            "| parameter | default | may be | may change | what |\n|---|---|---|---|---|\n"
        )
        for param in declared(node):
            default = f"`{value_text(param.default)}`"
            parts.append(
                f"| `{param.name}` | {default} | {range_text(param)} | {param.when} "
                f"| {param.description} |\n"
            )
    return "".join(parts)


def range_text(param: Param) -> str:
    """What the value may be."""
    if param.choices:
        return ", ".join(param.choices)
    if param.low is not None and param.high is not None:
        return f"{param.low:g} to {param.high:g}"
    return {bool: "true, false", list: "texts"}.get(type(param.default), "text")


def value_text(value: bool | int | float | str | list[str]) -> str:
    """A value as YAML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, str):
        plain = value.replace("_", "a").isalpha() and yaml.safe_load(value) == value
        return value if plain else json.dumps(value)
    return repr(value)


def main() -> int:
    """Write both files into the source tree this module lies in."""
    argparse.ArgumentParser(
        prog="python -m bharnet_ros.nodes.parameter_pages", description=__doc__.split("\n")[0]
    ).parse_args()
    root = Path(__file__).resolve().parents[2]
    for name, text in ((YAML_FILE, yaml_text()), (PAGE_FILE, page_text())):
        (root / name).write_text(text, encoding="utf-8")
        print(f"wrote {root / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
