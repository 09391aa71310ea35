"""Measuring a run: how often it is right, how well it bears worse recordings, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import ConfigurationError
from training.engine.cost import count_parameters, gflops, milliseconds
from training.engine.data import EvaluationBatches, StoreDataModule
from training.engine.degrading import DEGRADATIONS, degraded_batches
from training.engine.figures import judged_figures
from training.engine.networks import Network
from training.engine.runs import SCORES_FILE, load_network
from training.engine.scores import PARTS, clip_names, predict, predict_part, save_scores
from training.engine.tables import run_report, write_figures
from training.metrics import accuracy

Report = Callable[[str], None]


def evaluate_run(
    run: Path,
    results: Path | None,
    command: str,
    part: str = "test",
    store: str = "",
    most_degraded: int = 0,
    report: Report = print,
) -> dict[str, Any]:
    """Measure a run on a part of its data; writes its scores beside the weights.

    results: folder of `<name>_<part>.md` and `.json`; None writes none. store: where the data
    lies now, if it moved. most_degraded: worse recordings are made of so many of the clips at most,
    evenly chosen; 0 = of all. Raises ConfigurationError for an unknown part, or if the store is
    another one than that of the training.
    """
    if part not in PARTS:
        raise ConfigurationError(f"part is '{part}'; it must be one of {', '.join(PARTS)}.")
    network, data, description = open_run(run, store)
    config = data.config
    scores = predict_part(network, data, part)
    save_scores(run / SCORES_FILE.format(part=part), scores)
    figures: dict[str, Any] = {
        "name": config.name,
        "command": command,
        "part": part,
        "protocol": config.data.protocol,
        "seed": config.seed,
        "train_on": config.data.train_on,
        "train_clips": sum(
            description["clips"][p] for p in ("train", "validation")
            if p in config.data.train_on.split("_and_")
        ),
        "train_s": description["seconds"],
        "train_cpu_s": description["cpu_seconds"],
        "config_sha256": description["config_sha256"],
        "store_sha256": description["store"]["content_sha256"],
        **judged_figures(scores, data.split.class_names, config.streams),
        "cost": cost_figures(network, data),
    }  # fmt: skip
    if config.inputs == "features":
        figures["robustness"] = robustness_figures(network, data, part, most_degraded)
    judges = "  ".join(f"{n} {j['accuracy']:.4f}" for n, j in figures["judges"].items())
    report(f"{config.name}, {part}: accuracy {judges}")
    if results is not None:
        name = f"{config.name}_{part}"
        write_figures(results, name, figures, run_report(figures))
        report(f"Report written to {results / (name + '.md')}")
    return figures


def open_run(run: Path, store: str = "") -> tuple[Network, StoreDataModule, dict[str, Any]]:
    """A trained network and the data it was trained on."""
    network, config, description = load_network(run)
    if store:
        config = replace(config, data=replace(config.data, store=store))
    data = StoreDataModule(config)
    if data.store.content_hash() != description["store"]["content_sha256"]:
        raise ConfigurationError(
            f"The store {config.data.store} is not the one that {run} was trained on; give the "
            "right one with --data, or train again."
        )
    return network, data, description


def cost_figures(network: Network, data: StoreDataModule) -> dict[str, Any]:
    """Parameters, GFLOPs, milliseconds; for one window of the data."""
    batch = EvaluationBatches(data.loader("train"), data.preparation, 1)[0]
    return {
        "parameters": count_parameters(network),
        "gflops": gflops(network, batch.body, batch.hand),
        "ms": milliseconds(network, batch.body, batch.hand),
    }


def robustness_figures(
    network: Network, data: StoreDataModule, part: str, most: int = 0
) -> dict[str, dict[str, float]]:
    """Accuracy of each judge for each of `DEGRADATIONS`; most: see `evaluate_run`."""
    judges = ("fused",) if len(data.config.streams) == 1 else ("body", "hand", "fused")
    clips, rows = data.clips(part), {}
    chosen = np.arange(len(clips))
    if 0 < most < len(clips):
        chosen = np.linspace(0, len(clips) - 1, most).astype(np.int64)
    names = clip_names(data, part)[chosen]
    for name, how in DEGRADATIONS.items():
        scores = predict(network, degraded_batches(data, clips[chosen], how), names)
        rows[name] = {
            j: accuracy(scores.label, np.asarray(getattr(scores, j)).argmax(axis=1)) for j in judges
        }
    return rows
