"""The report of an evaluation: the same figures for people (Markdown) and programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from training.config import SplitConfig, TrainingConfig
from training.files import writing


def write_report(
    folder: Path, name: str, figures: Mapping[str, Any], config: TrainingConfig
) -> None:
    """Write `<name>.md` and `<name>.json`; `ConfigurationError` if they cannot be written."""
    text = json.dumps(figures, indent=2, ensure_ascii=False, allow_nan=False)
    page = markdown(figures, config)
    with writing(folder / f"{name}.json"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(text + "\n", "utf-8")
        (folder / f"{name}.md").write_text(page, "utf-8")


def markdown(figures: Mapping[str, Any], config: TrainingConfig) -> str:
    """The report as Markdown."""
    splits: Mapping[str, Any] = figures["splits"]
    parts = [
        f"# {figures['bundle']}: held-out figures\n",
        f"Measured with `{figures['command']}` on bundle {figures['model_sha256'][:12]} "
        f"(thresholds start {figures['thresholds']['start']}, end {figures['thresholds']['end']}, "
        f"unknown {figures['thresholds']['unknown']}; seed {config.seed}).\n",
        "Every film shows a drawn person; every keypoint comes from the pose estimator that the "
        "robot runs. `val` chose temperatures and thresholds, so it is not held out; the `test_*` "
        "splits chose nothing; `tests_together` is all of them as one.\n",
        "## What was held out\n",
        _table(
            ["split", "films", "minutes", "actors", "turned away", "speed", "distance",
             "hands found", "hand error"],
            [_split_row(name, splits.get(name), split) for name, split in
             config.data.splits.items()],
        ),
        "Turned away: angle between person and camera, either side. Hands found: of the hands "
        "visible in a frame. Hand error: median over hands, in palm lengths.\n",
        "## Windows\n",
        "Accuracy over all windows that the label rule names, macro-F1 over classes. The "
        "temperatures also had to keep outsiders unsure, so among gestures alone the "
        "probabilities are lower than the share that is right: the calibration error.\n",
        _table(
            ["split", "windows", "body", "hand", "fused", "F1 body", "F1 hand", "F1 fused",
             "calibration error"],
            [_window_row(name, split) for name, split in splits.items()],
        ),
        "## Finger pairs\n",
        "Gestures that differ in nothing but the fingers: how often the right one of the two is "
        "preferred (chance 0.5).\n",
        _pair_table(splits),
        "## Events\n",
        "What the recogniser reports while it follows each film: a gesture is right if its label "
        "is reported before 1.0 s after its end.\n",
        _table(
            ["split", "expert", "gestures", "right", "wrong", "missed", "false alarms",
             "recognised", "pairs told apart", "delay p50 s", "p95 s"],
            [row for name, split in splits.items() for row in _event_rows(name, split)],
        ),
        *_open_part(figures.get("outsiders", ())),
        "## Classes\n",
        "Share of each class's windows recognised by the fused network.\n",
        _class_table(splits),
    ]  # fmt: skip
    return "\n".join(parts)


def _split_row(name: str, figures: Mapping[str, Any] | None, split: SplitConfig) -> list[str]:
    row = [
        name,
        str(split.scenes),
        _number(figures["seconds"] / 60 if figures else None, 1),
        f"{split.actors[0]}-{split.actors[1]}",
        _bands(split.yaw_deg, "°"),
        _bands(split.speed, "x"),
        _bands((split.distance_m,), " m"),
    ]
    keypoints = figures["keypoints"] if figures else {}
    return [
        *row,
        _number(keypoints.get("hands_found")),
        _number(keypoints.get("hand_error_palms")),
    ]


def _window_row(name: str, split: Mapping[str, Any]) -> list[str]:
    windows = split["windows"]
    return [
        name,
        str(windows["fused"]["windows"]),
        *(_number(windows[expert]["accuracy"]) for expert in ("body", "hand", "fused")),
        *(_number(windows[expert]["macro_f1"]) for expert in ("body", "hand", "fused")),
        _number(split["calibration_error"]),
    ]


def _event_rows(name: str, split: Mapping[str, Any]) -> Iterable[list[str]]:
    for expert in ("fused", "body", "hand"):
        e = split["events"][expert]
        counts = ("gestures", "right", "wrong", "missed", "false_alarms")
        yield [
            name,
            expert,
            *(str(e[key]) for key in counts),
            _number(e["recognised"]),
            _number(e["pairs_told_apart"]),
            _number(e["delay_p50_s"], 2),
            _number(e["delay_p95_s"], 2),
        ]


def _open_part(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    table = [
        [
            row["model_sha256"][:12],
            f"{row['start']:g}",
            str(row["moments"]),
            _number(row["auroc"]),
            str(row["false_starts"]),
            _number(row["false_starts_per_minute"], 1),
            *(_number(row[key]) for key in ("unknown", "background", "action")),
        ]
        for row in rows
    ]
    if not table:
        return []
    return [
        "## What no gesture is\n",
        "Films of people whose hands do what no gesture of the vocabulary is, one hand or both, "
        "still or moving, half of them without a pause, drawn and estimated like the others; "
        "nothing was trained or chosen on them. AUROC: how often a moment of a gesture (all test "
        "splits) has a higher largest action probability than a moment of such a film. The "
        "shares are those of the moments reported as unknown, as idle and as an action. The last "
        "row is this bundle.\n",
        _table(
            ["bundle", "start", "moments", "AUROC", "false STARTED", "per minute", "unknown",
             "idle", "action"],
            table,
        ),
    ]  # fmt: skip


def _pair_table(splits: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            pair,
            str(values["windows"]),
            *(_number(values[expert]) for expert in ("body", "hand", "fused")),
        ]
        for name, split in splits.items()
        for pair, values in split["pairs"].items()
    ]
    return _table(["split", "pair", "windows", "body", "hand", "fused"], rows)


def _class_table(splits: Mapping[str, Any]) -> str:
    recalls = {name: split["windows"]["fused"]["recall"] for name, split in splits.items()}
    classes: Iterable[str] = next(iter(recalls.values()), {})
    return _table(
        ["class", *recalls],
        [[c, *(_number(recall[c]) for recall in recalls.values())] for c in classes],
    )


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _bands(bands: tuple[tuple[float, float], ...], unit: str) -> str:
    return ", ".join(f"{low:g}-{high:g}{unit}" for low, high in bands)
