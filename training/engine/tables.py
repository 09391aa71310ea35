"""Reports: the same figures as Markdown for people and as JSON for programs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.files import writing


def write_figures(folder: Path, name: str, figures: Mapping[str, Any], text: str) -> None:
    """`<name>.json` and `<name>.md`, each whole or not at all."""
    write_json(folder / f"{name}.json", figures)
    replace_text(folder / f"{name}.md", text)


def write_json(path: Path, figures: Mapping[str, Any]) -> None:
    """Figures, rounded; whole or not at all."""
    content = json.dumps(rounded(figures), indent=2, ensure_ascii=False, allow_nan=False)
    replace_text(path, content + "\n")


def replace_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all; ConfigurationError if that is not possible."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, "utf-8")
        part.replace(path)


def rounded(value: Any, digits: int = 4) -> Any:
    """Figures for JSON: rounded, and None where there is no number."""
    if isinstance(value, Mapping):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item, digits) for item in value]
    if isinstance(value, float):
        return round(value, digits) if math.isfinite(value) else None
    return value


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def number(value: float | None, digits: int = 3) -> str:
    """A figure; "-" where there is none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def mean_and_deviation(values: Sequence[float], digits: int = 3) -> str:
    """ "0.912 ± 0.004" over seeds (sample deviation); one value alone as it is."""
    if not values:
        return "-"
    mean = float(np.mean(values))
    if len(values) == 1:
        return number(mean, digits)
    return f"{number(mean, digits)} ± {number(float(np.std(values, ddof=1)), digits)}"


def run_report(figures: Mapping[str, Any]) -> str:
    """The report of one run."""
    cost = figures["cost"]
    parts = [
        f"# {figures['name']}: {figures['part']} part of {figures['protocol']}\n",
        f"Measured with `{figures['command']}`; seed {figures['seed']}, trained on "
        f"{figures['train_on']} ({figures['train_clips']} clips, {figures['train_s']:.0f} s, "
        f"{figures['train_cpu_s']:.0f} s of processor time), "
        f"{figures['clips']} clips judged, hands usable in {figures['hands_usable']:.1%}.\n",
        f"{cost['parameters']} parameters, {cost['gflops']:.3f} GFLOPs a window (a multiplication "
        f"and an addition are two), {cost['ms']:.2f} ms a window in ONNX Runtime on one CPU "
        f"thread, folded.\n",
        table(
            ["judge", "accuracy", "macro-F1"],
            [[name, number(j["accuracy"]), number(j["macro_f1"])]
             for name, j in figures["judges"].items()],
        ),
    ]  # fmt: skip
    if figures.get("robustness"):
        parts += ["## Worse recordings\n", _ROBUSTNESS, _robustness(figures["robustness"])]
    classes = list(figures["judges"]["fused"]["recall"])
    parts += [
        "## Classes\n",
        table(
            ["class", *(f"recall, {name}" for name in figures["judges"]), "taken for"],
            [
                [name, *(number(j["recall"][name]) for j in figures["judges"].values()), wrong]
                for name, wrong in zip(
                    classes, _mistakes(figures["confusion"], classes), strict=True
                )
            ],
        ),
        "## Confusion\n",
        "Rows are what was shown, columns what the fused network said.\n",
        table(["", *classes], [[name, *map(str, row)] for name, row in
                               zip(classes, figures["confusion"], strict=True)]),
    ]  # fmt: skip
    return "\n".join(parts)


_ROBUSTNESS = (
    "Noise is Gaussian, on every keypoint of every frame, in torso lengths for the body and in "
    "palm lengths for hands. Hands are lost for one stretch of that share of the clip. Frames are "
    "lost one by one. Frame rates are sampled from the recordings, so a higher one has no news. "
    "The last column is how far the fusion stands above the better expert.\n"
)


def _robustness(rows: Mapping[str, Mapping[str, float]]) -> str:
    judges = list(next(iter(rows.values())))
    lines = []
    for name, row in rows.items():
        line = [name, *(number(row[j]) for j in judges)]
        if len(judges) > 1:
            best = max(value for j, value in row.items() if j != "fused")
            line.append(f"{row['fused'] - best:+.3f}")
        lines.append(line)
    extra = ["above better expert"] if len(judges) > 1 else []
    return table(["recording", *judges, *extra], lines)


def _mistakes(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> list[str]:
    """For each class what it was taken for most often."""
    found = []
    for truth, row in enumerate(confusion):
        others = [(count, classes[n]) for n, count in enumerate(row) if n != truth and count]
        found.append(", ".join(f"{name} {n}" for n, name in sorted(others, reverse=True)[:3]))
    return found
