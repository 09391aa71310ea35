"""From a run to the bundle that the robot loads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.bundle import Bundle, rewrite_bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Fusion
from training.calibration import fit_temperature
from training.describing.bystanders import bystanders
from training.engine.classes import check_background
from training.engine.config import BundleConfig
from training.engine.data import EvaluationBatches, StoreDataModule
from training.engine.evaluating import open_run
from training.engine.figures import judged_figures
from training.engine.layouts import into_layout
from training.engine.scores import Scores, predict_part
from training.engine.streams import composed_streams
from training.engine.tables import rounded
from training.evaluate import event_figures
from training.export import RgbGraph, export_bundle
from training.export_continual import add_step_graph, is_causal
from training.labels import OUTSIDER
from training.models import BHaRNet
from training.sequences import KeypointSequence
from training.starting import WEIGHTS_FILE as WEIGHTS_IN_BUNDLE
from training.starting import pack_weights
from training.thresholds import choose_thresholds
from training.windowing import ExpertInputs

Report = Callable[[str], None]
BYSTANDER_SEED = 780_000
"""Added to the configuration's: these people are in no training and in no measurement."""


def export_run(
    run: Path,
    folder: Path,
    wanted: BundleConfig,
    command: str,
    store: str = "",
    report: Report = print,
    rgb: RgbGraph | None = None,
    extra: Mapping[str, bytes] | None = None,
    undecided: Collection[str] = (),
) -> Bundle:
    """Calibrate on the validation part and write the bundle.

    wanted: what it is called, and what the robot needs to know. Temperatures are fitted on
    validation clips; thresholds on streams made of them, each action between two idle clips, and
    on the people of `wanted.bystanders`, replayed through the robot's own recogniser (see
    `training.thresholds.choose_thresholds`).
    rgb: a graph that looks at pixels. extra: further files of the bundle. undecided: classes that
    thresholds are not chosen by, because skeletons alone cannot tell them apart.
    Raises ConfigurationError for a run whose inputs are not the robot's, or if `wanted` lacks
    what a bundle needs.
    """
    network, data, description = open_run(run, store)
    config = data.config
    names = data.split.class_names
    if not isinstance(network, BHaRNet):
        raise ConfigurationError(
            f"{run} holds one expert alone (streams {list(config.streams)}, inputs "
            f"'{config.inputs}'); a bundle takes body and hand experts on the robot's features."
        )
    check_background(wanted.background, names)
    if not data.has_validation:
        raise ConfigurationError(
            f"Protocol '{config.data.protocol}' has no validation part to fit temperatures and "
            "thresholds on; use one that has."
        )
    check_layouts(data, wanted.layout)
    validation = predict_part(network, data, "validation")
    figures = judged_figures(validation, names, config.streams)
    manifest = Manifest(
        name=wanted.name or config.name,
        layout=wanted.layout,
        class_names=names,
        background_class=wanted.background,
        window_s=wanted.window_s,
        num_steps=config.clips.num_steps,
        max_gap_s=wanted.max_gap_s,
        features=config.features,
        fusion=temperatures(validation),
        description=wanted.description,
        license=wanted.license or data.store.sheet.license,
        training=provenance(description, command),
        metrics={
            "validation_accuracy": rounded(
                {name: judge["accuracy"] for name, judge in figures["judges"].items()}
            )
        },
    )
    files = {WEIGHTS_IN_BUNDLE: pack_weights(network), **(extra or {})}
    bundle, difference = export_bundle(network, manifest, some_windows(data), folder, files, rgb)
    report(f"Largest difference between torch and ONNX Runtime: {difference:.1e}")
    parities = {"parity": float(f"{difference:.2g}")}
    if is_causal(network) and config.features.per_frame:
        bundle, apart = add_step_graph(network, bundle)
        parities["continual_parity"] = float(f"{apart:.2g}")
        report(f"It runs frame by frame, too; largest difference to windows: {apart:.1e}")
    streams = composed_streams(data, wanted.layout, wanted.background, without=undecided)
    others = bystander_streams(wanted, names, config.seed)
    thresholds, score = choose_thresholds(streams, bundle, create_engine(bundle), others)
    report(
        f"Thresholds: start {thresholds.start}, end {thresholds.end}, unknown "
        f"{thresholds.unknown} ({score.right} of {score.total} validation actions recognised in "
        f"streams, {score.wrong} wrong, {len(score.false_alarms)} false alarms)"
    )
    metrics = {
        **bundle.manifest.metrics,
        "validation_streams": rounded(event_figures(score, ())),
        **parities,
    }
    manifest = replace(bundle.manifest, thresholds=thresholds, metrics=metrics)
    bundle = rewrite_bundle(bundle, manifest)
    report(f"Bundle written to {folder}")
    return bundle


def temperatures(scores: Scores) -> Fusion:
    """Those that make validation probabilities honest."""
    seen = scores.usable > 0.0
    return Fusion(
        "logit_sum",
        fit_temperature(scores.fused[seen], scores.label[seen]),
        fit_temperature(scores.body, scores.label),
        fit_temperature(scores.hand[seen], scores.label[seen]),
    )


def some_windows(data: StoreDataModule, count: int = 64) -> ExpertInputs:
    """Real inputs for the parity check."""
    batch = EvaluationBatches(data.loader("validation"), data.preparation, count)[0]
    return ExpertInputs(batch.body.numpy(), batch.hand.numpy(), batch.label.numpy())


def bystander_streams(
    wanted: BundleConfig, names: Collection[str], seed: int
) -> list[KeypointSequence]:
    """People of `bundle.bystanders` in the robot's layout; whatever they do is none of `names`."""
    options = wanted.bystanders
    if not options.vocabulary:
        return []
    vocabulary = load_vocabulary(options.vocabulary)
    unknown = sorted(set(options.leave_out) - set(vocabulary.class_names))
    if unknown:
        raise ConfigurationError(
            f"bundle.bystanders.leave_out names {', '.join(unknown)}, which vocabulary "
            f"'{options.vocabulary}' does not have; it has {', '.join(vocabulary.actions)}."
        )
    left_out = {*names, *options.leave_out}
    found = []
    for each in bystanders(vocabulary, left_out, BYSTANDER_SEED + seed, options.people):
        keypoints, scores = into_layout(each.keypoints, each.scores, each.layout, wanted.layout)
        spans = tuple(span._replace(class_name=OUTSIDER) for span in each.spans)
        found.append(
            replace(
                each, layout=wanted.layout, keypoints=keypoints, scores=scores, spans=spans,
                truth=np.zeros((0, keypoints.shape[1], 2), np.float32),
            )
        )  # fmt: skip
    return found


def check_layouts(data: StoreDataModule, layout: str) -> None:
    """The robot's layout must give the experts the inputs they were trained on."""
    own = data.store.sheet.layout
    sample = data.store.sample(int(data.clips("train").sample[0])).people[0]
    features = data.config.features
    moved = into_layout(sample.keypoints, sample.scores, own, layout)
    for make in (body_features, hand_features):
        trained = make(sample.keypoints, sample.scores, own, features)
        if not np.array_equal(trained, make(*moved, layout, features)):
            raise ConfigurationError(
                f"Layout '{layout}' gives the experts other inputs than the store's '{own}'; set "
                "bundle.layout to one with the same body and hand keypoints."
            )


def provenance(description: dict[str, Any], command: str) -> dict[str, Any]:
    """What the manifest tells about how the bundle came to be; no path of this machine."""
    config = dict(description["config"])
    config["data"] = {**config["data"], "store": "", "background": []}
    more: dict[str, Any] = {
        name: description[name] for name in ("init", "background") if name in description
    }
    if "init" in more:  # the bundle may have been given as a folder
        config["init"] = {**config["init"], "bundle": more["init"]["bundle"]}
    return {
        "command": command,
        "seed": config["seed"],
        "config_sha256": description["config_sha256"],
        "config": config,
        "data": description["store"],
        "clips": description["clips"],
        "epochs": description["epochs"],
        "packages": description["packages"],
        **more,
    }
