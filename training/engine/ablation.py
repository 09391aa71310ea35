"""The table of variants: which part of the method earns what. Every run is kept, and the table is
written anew after each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bharnet_ros.errors import ConfigurationError
from training.engine.config import StoreConfig
from training.engine.evaluating import evaluate_run
from training.engine.fitting import Machine, fit_store
from training.engine.tables import (
    mean_and_deviation,
    number,
    rounded,
    table,
    write_figures,
    write_json,
)
from training.model_config import check_model

Report = Callable[[str], None]
FIGURES_FILE = "figures.json"
MOST_DEGRADED = 200
"""Clips of each row of the robustness table; a standard error of 3.5 points at most."""


def _alone(stream: str) -> Callable[[StoreConfig], StoreConfig]:
    return lambda c: replace(
        c, streams=(stream,), model=replace(c.model, fusion="logit_sum"),
        fit=replace(c.fit, balance=False),
    )  # fmt: skip


def _model(balance: bool = False, **changes: str) -> Callable[[StoreConfig], StoreConfig]:
    chosen = {"variant": "cooperative", "fusion": "logit_sum", **changes}
    return lambda c: replace(
        c,
        streams=("body", "hand"),
        model=replace(c.model, **chosen),  # type: ignore[arg-type]
        fit=replace(c.fit, balance=balance),
    )


VARIANTS: Mapping[str, Callable[[StoreConfig], StoreConfig]] = MappingProxyType(
    {
        "body_only": _alone("body"),
        "hand_only": _alone("hand"),
        "unified": _model(variant="unified"),
        "dual_stream": _model(variant="independent"),
        "joint_loss": _model(variant="cooperative"),
        "pooling_attention": _model(variant="pooling_attention"),
        "expertized": _model(variant="expertized"),
        "noisy_or": _model(fusion="noisy_or_reliability"),
        "balanced": _model(balance=True),
        "noisy_or_balanced": _model(balance=True, fusion="noisy_or_reliability"),
    }
)
"""Name -> what it makes of a configuration. dual_stream: L_B and L_H alone, logits added.
joint_loss: L_cpl reaches both streams. noisy_or: joint loss through learned reliabilities.
balanced: the joint loss, then both streams weighed on held-out clips, which none of the others
does whatever the configuration says; noisy_or_balanced: the same of noisy_or."""


def ablate(
    config: StoreConfig,
    variants: Sequence[str],
    protocols: Sequence[str],
    seeds: int,
    output: Path,
    results: Path,
    command: str,
    machine: Machine | None = None,
    report: Report = print,
) -> list[dict[str, Any]]:
    """Train and measure every variant with every protocol and seed; returns the rows.

    Runs lie in `output`, one folder each. What is finished there and was made with the same
    configuration is kept, so the same command goes on after an interruption; several commands
    may share `output` if no two of them make the same run. The table is
    `<name>_ablation.md` and `.json` in `results`, over all runs in `output`.
    """
    for name in variants:
        if name not in VARIANTS:
            raise ConfigurationError(
                f"There is no variant '{name}'; use some of {', '.join(VARIANTS)}."
            )
    if seeds < 1:
        raise ConfigurationError(f"--seeds is {seeds}; it must be 1 or more.")
    for seed in range(config.seed, config.seed + seeds):
        for protocol in protocols:
            for name in variants:
                planned = planned_run(config, name, protocol, seed)
                run = output / planned.name
                if finished(run, planned) is None:
                    report(f"--- {planned.name}")
                    fit_store(planned, run, machine, report=report)
                    figures = evaluate_run(
                        run, None, command, most_degraded=MOST_DEGRADED, report=report
                    )
                    about = {"variant": name, "model": config.name}
                    write_json(run / FIGURES_FILE, {**about, **figures})
                rows = collect(output, config.name)
                write_figures(
                    results, f"{config.name}_ablation", {"command": command, "runs": rows},
                    ablation_report(config.name, command, rows),
                )  # fmt: skip
    return collect(output, config.name)


def possible_variants(config: StoreConfig, report: Report = print) -> list[str]:
    """All variants that the configuration's experts can be made into; says why others are not."""
    possible = []
    for name, change in VARIANTS.items():
        try:
            check_model(change(config).model, config.clips.num_steps, name)
        except ConfigurationError as error:
            report(f"left out: {error}")
        else:
            possible.append(name)
    return possible


def planned_run(config: StoreConfig, variant: str, protocol: str, seed: int) -> StoreConfig:
    """The configuration of one run."""
    changed = VARIANTS[variant](config)
    name = f"{config.name}_{variant}_{Path(protocol).stem}_seed{seed}"
    return replace(changed, name=name, seed=seed, data=replace(config.data, protocol=protocol))


def finished(run: Path, planned: StoreConfig) -> dict[str, Any] | None:
    """The figures of a run, if it is finished and was made with that configuration."""
    figures = _read(run / FIGURES_FILE)
    same = figures is not None and figures.get("config_sha256") == planned.digest()
    return figures if same else None


def collect(output: Path, model: str) -> list[dict[str, Any]]:
    """The figures of all finished runs of one configuration, in the order of the table."""
    order = list(VARIANTS)
    found = [_read(path) for path in sorted(output.glob(f"*/{FIGURES_FILE}"))]
    mine = [f for f in found if f is not None and f.get("model") == model]
    return sorted(mine, key=lambda f: (f["protocol"], order.index(f["variant"]), f["seed"]))


def ablation_report(name: str, command: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The table as Markdown."""
    parts = [
        f"# {name}: what each part earns\n",
        f"Made with `{command}`: mean ± standard deviation over seeds, on the test part. "
        "Milliseconds are of one window in ONNX Runtime on one CPU thread; processor seconds are "
        "of one training.\n",
    ]
    for protocol in sorted({row["protocol"] for row in rows}):
        mine = [row for row in rows if row["protocol"] == protocol]
        parts += [f"## {protocol}\n", _accuracies(mine)]
        parts += ["Worse recordings (accuracy of the fusion; in brackets above the better "
                  "expert):\n", _robustness(mine)]  # fmt: skip
    return "\n".join(parts)


def _groups(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    return {
        v: [r for r in rows if r["variant"] == v] for v in VARIANTS
        if any(r["variant"] == v for r in rows)
    }  # fmt: skip


def _accuracies(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for variant, runs in _groups(rows).items():
        judged = [run["judges"] for run in runs]

        def figure(judge: str, key: str, judged: Any = judged) -> str:
            return mean_and_deviation([j[judge][key] for j in judged if judge in j])

        cost = runs[0]["cost"]
        lines.append(
            [
                variant, str(len(runs)), figure("body", "accuracy"), figure("hand", "accuracy"),
                figure("fused", "accuracy"), figure("fused", "macro_f1"),
                str(cost["parameters"]), number(cost["gflops"], 4),
                mean_and_deviation([run["cost"]["ms"] for run in runs], 2),
                mean_and_deviation([run["train_cpu_s"] for run in runs], 0),
            ]
        )  # fmt: skip
    return table(
        ["variant", "seeds", "body", "hand", "fused", "macro-F1", "parameters", "GFLOPs", "ms",
         "training, processor s"],
        lines,
    )  # fmt: skip


def _robustness(rows: Sequence[Mapping[str, Any]]) -> str:
    groups = {v: runs for v, runs in _groups(rows).items() if runs[0].get("robustness")}
    if not groups:
        return "not measured\n"
    conditions = list(next(iter(groups.values()))[0]["robustness"])
    lines = []
    for condition in conditions:
        line = [condition]
        for runs in groups.values():
            found = [run["robustness"][condition] for run in runs]
            text = mean_and_deviation([f["fused"] for f in found])
            others = [max((v for j, v in f.items() if j != "fused"), default=None) for f in found]
            gaps = [f["fused"] - o for f, o in zip(found, others, strict=True) if o is not None]
            line.append(f"{text} ({sum(gaps) / len(gaps):+.3f})" if gaps else text)
        lines.append(line)
    return table(["recording", *groups], lines)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return rounded(content)  # type: ignore[no-any-return]
