"""From trained weights to a bundle: temperatures, thresholds, the graph, and what it confuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bharnet_ros.bundle import GESTURES_FILE, Bundle, rewrite_bundle
from bharnet_ros.gestures import Vocabulary, dump_vocabulary
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Thresholds
from training.describing.classes import UNKNOWN, class_names
from training.describing.people import FEATURES
from training.evaluate import event_figures, rounded
from training.export import export_bundle
from training.finish import temperatures
from training.models import BHaRNet
from training.openness import auroc, gesture_odds
from training.predict import predict
from training.sequences import KeypointSequence
from training.starting import WEIGHTS_FILE, pack_weights
from training.thresholds import choose_thresholds
from training.windowing import ExpertInputs

WINDOW_S, NUM_STEPS, MAX_GAP_S = 1.6, 32, 0.25
CONFIRM_S, SMOOTHING_S = 0.1, 0.1
PARITY_WINDOWS = 64
Report = Callable[[str], None]


def write(
    network: BHaRNet,
    vocabulary: Vocabulary,
    name: str,
    windows: ExpertInputs,
    sequences: Sequence[KeypointSequence],
    idle: Sequence[KeypointSequence],
    urgent: Sequence[str],
    folder: Path,
    training: Mapping[str, Any],
    description: str,
    license_text: str,
    report: Report,
) -> tuple[Bundle, dict[str, Any]]:
    """Calibrate on validation windows, choose thresholds on validation sequences, export.

    idle: people who do nothing, on whom false alarms are counted; urgent: gestures that must not
    be late (both see `choose_thresholds`).
    The bundle holds the descriptions (`gestures.yaml`) and the weights to go on from
    (`weights.npz`), too. Returns it and the figures on the validation data.
    """
    names = class_names(vocabulary)
    logits = predict(network, windows)
    manifest = Manifest(
        name=name,
        layout="coco_wholebody_133",
        class_names=names,
        background_class=vocabulary.background,
        unknown_class=UNKNOWN,
        window_s=WINDOW_S,
        num_steps=NUM_STEPS,
        max_gap_s=MAX_GAP_S,
        features=FEATURES,
        fusion=temperatures(logits, windows.label),
        thresholds=Thresholds(confirm_s=CONFIRM_S, smoothing_s=SMOOTHING_S),
        description=description,
        license=license_text,
        training=training,
    )
    some = np.linspace(0, len(windows.label) - 1, PARITY_WINDOWS).astype(int)
    extra = {
        GESTURES_FILE: dump_vocabulary(vocabulary).encode(),
        WEIGHTS_FILE: pack_weights(network),
    }
    bundle, difference = export_bundle(
        network, manifest, ExpertInputs(*(part[some] for part in windows)), folder, extra
    )
    report(f"Largest difference between torch and ONNX Runtime: {difference:.1e}")
    engine = create_engine(bundle)
    chosen, score = choose_thresholds(sequences, bundle, engine, idle=idle, urgent=urgent)
    thresholds = replace(chosen, confirm_s=CONFIRM_S, smoothing_s=SMOOTHING_S)
    figures = {
        "validation_windows": {
            **window_figures(logits.fused, windows.label, names),
            "known_against_other": known_against_other(
                logits.fused, windows.label, vocabulary.class_id(vocabulary.background)
            ),
        },
        "validation_events": event_figures(score, vocabulary.pairs),
    }
    metrics = rounded(figures)
    bundle = rewrite_bundle(
        bundle, replace(bundle.manifest, thresholds=thresholds, metrics=metrics)
    )
    report(
        f"Thresholds: start {thresholds.start}, end {thresholds.end}, unknown "
        f"{thresholds.unknown} ({score.right} of {score.total} acted gestures recognised, "
        f"{score.wrong} wrong, {len(score.false_alarms)} false alarms)"
        + "".join(f", {name} {start}" for name, start in thresholds.class_start.items())
        + "".join(f", {name} at once from {p}" for name, p in thresholds.urgent.items())
    )
    return bundle, metrics


def known_against_other(
    logits: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], background: int
) -> float:
    """AUROC: how often a window of a gesture is more likely any gesture (`gesture_odds`) than one
    of UNKNOWN, the last class. Windows of the background and of transitions are left out.

    logits: (N, C); labels: (N,). NaN if one of the two groups is empty.
    """
    unknown = logits.shape[1] - 1
    gestures = np.setdiff1d(np.arange(unknown), [background])
    probabilities = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    odds = gesture_odds(probabilities, np.isin(np.arange(unknown + 1), gestures))
    return auroc(odds[np.isin(labels, gestures)], odds[labels == unknown])


def window_figures(
    logits: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], names: Sequence[str]
) -> dict[str, Any]:
    """Accuracy, and for each class the share that is right and what it is taken for."""
    best = logits.argmax(axis=1)
    classes = {}
    for number, name in enumerate(names):
        rows = labels == number
        if not rows.any():
            continue
        taken, counts = np.unique(best[rows], return_counts=True)
        order = np.argsort(-counts)
        classes[name] = {
            "windows": int(rows.sum()),
            "right": float((best[rows] == number).mean()),
            "taken_for": {
                names[int(taken[i])]: float(counts[i] / rows.sum())
                for i in order
                if taken[i] != number and counts[i] / rows.sum() >= 0.01
            },
        }
    return {"accuracy": float((best == labels).mean()), "classes": classes}
