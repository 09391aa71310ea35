"""From trained weights to a calibrated, exported and measured bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle, load_bundle, rewrite_bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import FeatureConfig
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Fusion
from training.calibration import fit_temperature
from training.checkpoint import load_weights, read_description
from training.config import OUTSIDERS, TrainingConfig
from training.dataset import DatasetCard, check_card, read_card
from training.evaluate import evaluate_split, event_figures, rounded
from training.export import export_bundle, provenance
from training.fit import WEIGHTS_FILE
from training.models import BHaRNet
from training.openness import open_figures
from training.predict import ExpertLogits, predict
from training.report import write_report
from training.sequences import KeypointSequence, load_split
from training.starting import WEIGHTS_FILE as WEIGHTS_IN_BUNDLE
from training.starting import pack_weights
from training.thresholds import choose_thresholds
from training.windowing import ExpertInputs, expert_inputs, index_windows

Report = Callable[[str], None]
TOGETHER = "tests_together"
"""All films of all test splits as one group."""


def calibrate_and_export(
    config: TrainingConfig,
    data: Path,
    run: Path,
    folder: Path,
    command: str,
    report: Report = print,
) -> None:
    """Choose temperatures and thresholds on validation films, with and without outsiders, and
    write the bundle.

    The bundle is written twice: once so that the robot's own recogniser can run on it while
    the thresholds are sought, and once with those thresholds in it.
    """
    card = read_card(data)
    check_card(card, config, data)
    description = read_description(run / WEIGHTS_FILE)
    network = BHaRNet(config.model, len(card.class_names), config.windows.num_steps)
    load_weights(run / WEIGHTS_FILE, network)
    val = load_split(data, "val", config.data.splits["val"].scenes)
    outsiders = load_outsiders(config, data, OUTSIDERS[1])
    both = [*val, *outsiders]
    index = index_windows(both, config.windows, card.class_ids, card.background_id)
    windows = expert_inputs(both, index, config.windows, FeatureConfig())
    some = np.linspace(0, len(index.label) - 1, 64).astype(int)
    history = description["history"]
    manifest = Manifest(
        name=config.name,
        layout=card.layout,
        class_names=card.class_names,
        background_class=card.background,
        window_s=config.windows.window_s,
        num_steps=config.windows.num_steps,
        max_gap_s=config.windows.max_gap_s,
        features=FeatureConfig(),
        fusion=temperatures(predict(network, windows), index.label),
        description=(
            "BHaRNet, body and hand expert, trained on a drawn actor seen through the "
            f"{card.estimator} pose estimator."
        ),
        license="Apache-2.0; the data are drawn by this package.",
        training=provenance(config, description, command),
        metrics={"validation_macro_f1": rounded(history[-1] if history else {})},
    )
    bundle, difference = export_bundle(
        network, manifest, ExpertInputs(*(part[some] for part in windows)), folder,
        {WEIGHTS_IN_BUNDLE: pack_weights(network)},
    )  # fmt: skip
    report(f"Largest difference between torch and ONNX Runtime: {difference:.1e}")
    thresholds, score = choose_thresholds(val, bundle, create_engine(bundle), outsiders)
    figures = {**bundle.manifest.metrics, "validation_events": event_figures(score, card.pairs)}
    manifest = replace(bundle.manifest, thresholds=thresholds, metrics=rounded(figures))
    rewrite_bundle(bundle, manifest)
    size = sum(path.stat().st_size for path in folder.iterdir())
    report(
        f"Thresholds: start {thresholds.start}, end {thresholds.end}, unknown "
        f"{thresholds.unknown} ({score.right} of {score.total} validation gestures recognised, "
        f"{score.wrong} wrong, {len(score.false_alarms)} false alarms)"
    )
    report(f"Bundle written to {folder} ({size / 1e6:.1f} MB)")


def temperatures(logits: ExpertLogits, labels: npt.NDArray[np.int64]) -> Fusion:
    """The temperatures that make validation probabilities honest: fused, body and hand."""
    seen = logits.usable > 0.0
    return Fusion(
        "logit_sum",
        fit_temperature(logits.fused[seen], labels[seen]),
        fit_temperature(logits.body, labels),
        fit_temperature(logits.hand[seen], labels[seen]),
    )


def load_outsiders(config: TrainingConfig, data: Path, split: str) -> list[KeypointSequence]:
    """The films of outsiders of one of `OUTSIDERS`; none if the configuration has none."""
    settings = config.data.all_splits().get(split)
    return load_split(data, split, settings.scenes) if settings else []


def evaluate_bundle(
    config: TrainingConfig,
    data: Path,
    folder: Path,
    results: Path,
    command: str,
    stamp: bool = False,
    report: Report = print,
    beside: Sequence[Path] = (),
) -> dict[str, Any]:
    """Measure a bundle on every split but the training one; returns and writes the figures.

    beside: other bundles of the same classes, whose answers to outsiders are set beside its own.
    """
    card = read_card(data)
    check_card(card, config, data)
    bundle, *others = (_bundle_for(card, path, data) for path in (folder, *beside))
    engine = create_engine(bundle)
    engine.warm_up()
    figures: dict[str, Any] = {
        "bundle": bundle.manifest.name,
        "model_sha256": bundle.digest,
        "command": command,
        "thresholds": asdict(bundle.manifest.thresholds),
        "splits": {},
    }
    groups = {
        name: load_split(data, name, settings.scenes)
        for name, settings in config.data.splits.items()
        if name != "train"
    }
    tests = [film for name, films in groups.items() if name != "val" for film in films]
    if tests:
        groups[TOGETHER] = tests
    for name, films in groups.items():
        split = evaluate_split(films, card, config.windows, bundle, engine)
        figures["splits"][name] = rounded(split)
        fused, events = split["windows"]["fused"], split["events"]["fused"]
        report(
            f"{name}: windows {fused['accuracy']:.3f} (macro-F1 {fused['macro_f1']:.3f}), "
            f"events {events['right']} of {events['gestures']} right, {events['wrong']} wrong, "
            f"{events['missed']} missed, {events['false_alarms']} false alarms"
        )
    outsiders = load_outsiders(config, data, OUTSIDERS[2])
    if tests and outsiders:
        figures["outsiders"] = [
            {
                "model_sha256": each.digest,
                "start": each.manifest.thresholds.start,
                **rounded(
                    open_figures(tests, outsiders, card, config.windows, each, create_engine(each))
                ),
            }
            for each in (*others, bundle)
        ]
    write_report(results, config.name, figures, config)
    report(f"Report written to {results / (config.name + '.md')}")
    if stamp:
        metrics = {
            **bundle.manifest.metrics,
            "command": command,
            "held_out": {name: headline(split) for name, split in figures["splits"].items()},
            "outsiders": figures["outsiders"][-1] if "outsiders" in figures else {},
        }
        rewrite_bundle(bundle, replace(bundle.manifest, metrics=metrics))
    return figures


def _bundle_for(card: DatasetCard, folder: Path, data: Path) -> Bundle:
    """The bundle in `folder`, if it knows the classes that the films show."""
    bundle = load_bundle(folder)
    if bundle.manifest.class_names != card.class_names:
        raise ConfigurationError(
            f"Bundle {folder} knows the classes {', '.join(bundle.manifest.class_names)}; the "
            f"films in {data} show {', '.join(card.class_names)}. Use films of its vocabulary."
        )
    return bundle


def headline(split: dict[str, Any]) -> dict[str, Any]:
    """The few figures of a split that belong into a manifest."""
    return {
        "window_accuracy": {k: v["accuracy"] for k, v in split["windows"].items()},
        "window_macro_f1": {k: v["macro_f1"] for k, v in split["windows"].items()},
        "events_recognised": {k: v["recognised"] for k, v in split["events"].items()},
        "gestures": split["events"]["fused"]["gestures"],
        "false_alarms": split["events"]["fused"]["false_alarms"],
        "pairs": split["pairs"],
    }
