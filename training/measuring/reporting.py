"""Results as small text files: the same figures for people (Markdown) and programs (JSON)."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.evaluate import rounded


@dataclass(frozen=True)
class Result:
    """What one measurement found.

    name: of the files, without `gestures_`. title: heading. figures: plain data for JSON.
    body: Markdown below the heading.
    """

    name: str
    title: str
    figures: Mapping[str, Any]
    body: str


def machine() -> str:
    """What kind of machine this is; nothing that tells which one."""
    return f"{platform.machine()} CPU, {os.cpu_count()} threads, Python {platform.python_version()}"


def write_result(folder: Path, result: Result, facts: Mapping[str, Any]) -> Path:
    """Write `gestures_<name>.json` and `.md`; returns the latter.

    facts: how it was measured (command, seed, split, bundles, seconds); the machine is added.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = {**facts, "machine": machine()}
    data = rounded({"measurement": result.name, **facts, "figures": dict(result.figures)})
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / f"gestures_{result.name}.json").write_text(text + "\n", "utf-8")
    path = folder / f"gestures_{result.name}.md"
    lines = [f"# {result.title}\n", *(f"- {key}: {_plain(value)}" for key, value in facts.items())]
    path.write_text("\n".join(lines) + "\n\n" + result.body.rstrip() + "\n", "utf-8")
    return path


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(header), ["---"] * len(header), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def percent(value: float | None, digits: int = 1) -> str:
    """0.5 -> 50.0 %; a dash where there is no number."""
    known = value is not None and value == value
    return f"{100.0 * value:.{digits}f} %" if known and value is not None else "-"


def number(value: float | None, digits: int = 3) -> str:
    """A dash where there is no number."""
    known = value is not None and value == value
    return f"{value:.{digits}f}" if known and value is not None else "-"


def class_table(beside: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """`per_class` of several judges side by side."""
    labels = list(dict.fromkeys(label for classes in beside.values() for label in classes))
    header = ["class", "count"]
    for name in beside:
        header += [name, "taken for"]
    rows = []
    for label in labels:
        first = next(classes[label] for classes in beside.values() if label in classes)
        row = [label, str(first["count"])]
        for classes in beside.values():
            entry = classes.get(label)
            taken = entry["taken_for"].items() if entry else ()
            row += [
                percent(entry["accuracy"] if entry else None),
                ", ".join(f"{name} {count}" for name, count in taken),
            ]
        rows.append(row)
    return table(header, rows)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
