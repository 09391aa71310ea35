"""What the networks say of people they never saw: confusions, temperatures, thresholds."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle
from bharnet_ros.evaluation import Score
from bharnet_ros.features import FeatureConfig, body_features, hand_features
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Fusion, Thresholds
from bharnet_ros.rules import RecognizerConfig
from training.config import WindowConfig
from training.describing.classes import UNKNOWN
from training.describing.people import LAYOUT
from training.describing.transitions import FIRST
from training.evaluate import event_figures
from training.export import export_bundle
from training.finish import temperatures
from training.labels import OUTSIDER
from training.models import BHaRNet
from training.predict import ExpertLogits, predict
from training.replay import Judgement, tape
from training.sequences import GestureSpan, KeypointSequence
from training.teaching.batches import joined
from training.teaching.examples import Take
from training.teaching.recorded import RecordedWindows
from training.thresholds import choose_on_tapes
from training.windowing import ExpertInputs, cut_window

STRIDE_S = 0.1
_PARITY_WINDOWS = 64


@dataclass(frozen=True, eq=False)
class Checked:
    """A network, and what it is checked with: the takes that it never saw.

    windows: all windows of those takes that have one right answer.
    """

    network: BHaRNet
    held: tuple[Take, ...]
    windows: ExpertInputs


def plain_windows(recorded: RecordedWindows, features: FeatureConfig) -> ExpertInputs:
    """The indexed windows as they are, in order, without those that pass into one another."""
    points, scores, labels = [], [], []
    for label in recorded.labels:
        if label >= FIRST:
            continue
        for number, end_ns in np.concatenate(list(recorded.ends[label])):
            sequence = recorded.takes[int(number)].sequence
            keypoints, weights = cut_window(sequence, int(end_ns), recorded.windows)
            points.append(keypoints)
            scores.append(weights)
            labels.append(label)
    keypoints, weights = np.stack(points), np.stack(scores)
    return ExpertInputs(
        body_features(keypoints, weights, LAYOUT, features),
        hand_features(keypoints, weights, LAYOUT, features),
        np.array(labels, np.int64),
    )


def pooled(checked: Sequence[Checked], acted: ExpertInputs) -> tuple[ExpertLogits, Any]:
    """Logits and labels of all held-out windows, each by the network that never saw them, and
    of acted ones."""
    found, labels = [], []
    for each in checked:
        both = joined(each.windows, acted)
        found.append(predict(each.network, both))
        labels.append(both.label)
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return ExpertLogits(*columns), np.concatenate(labels)


def fit_fusion(logits: ExpertLogits, labels: Any) -> Fusion:
    """The temperatures that make the probabilities of held-out windows honest."""
    return temperatures(logits, labels)


def others_as_strangers(
    films: Sequence[KeypointSequence], names: Sequence[str], ambiguous: Sequence[str]
) -> list[KeypointSequence]:
    """Sequences in which all but `names` is no gesture.

    Those in which one of the `ambiguous` gestures comes are left out.
    """
    result = []
    for each in films:
        if any(span.class_name in ambiguous for span in each.spans):
            continue
        spans = tuple(s if s.class_name in names else _stranger(s) for s in each.spans)
        result.append(replace(each, spans=spans))
    return result


def scored(take: Take, background: str) -> KeypointSequence:
    """A take as events are counted on it: what was labelled as nothing or as something else must
    not be reported."""
    spans = tuple(
        _stranger(s) if s.class_name == UNKNOWN else s
        for s in take.sequence.spans
        if s.class_name != background
    )
    return replace(take.sequence, spans=spans)


def thresholds_of(
    checked: Sequence[Checked], others: Sequence[KeypointSequence],
    idle: Sequence[KeypointSequence], manifest: Manifest,
) -> tuple[Thresholds, Score]:
    """Thresholds of the best event F1, and that score: on every held-out take, followed by the
    network that never saw it, and on others and idle people, dealt to the networks in turn.

    A class that idle people set off gets a start of its own (see `training.thresholds`).
    """
    films: list[KeypointSequence] = []
    tapes: list[list[Judgement]] = []
    quiet: list[list[Judgement]] = []
    options = RecognizerConfig()
    bundle: Bundle | None = None
    with tempfile.TemporaryDirectory() as scratch:
        for number, each in enumerate(checked):
            some = first_windows(each.windows)
            bundle, _ = export_bundle(
                each.network, manifest, some, Path(scratch) / f"fold{number}"
            )
            engine = create_engine(bundle)
            mine = [scored(take, manifest.background_class) for take in each.held]
            mine += others[number :: len(checked)]
            films += mine
            tapes += [tape(film, bundle, engine, options)["fused"] for film in mine]
            resting = idle[number :: len(checked)]
            quiet += [tape(film, bundle, engine, options)["fused"] for film in resting]
    if bundle is None:
        raise ValueError("There is no network to choose thresholds with.")
    return choose_on_tapes(tapes, films, quiet, bundle)


def first_windows(windows: ExpertInputs) -> ExpertInputs:
    """Some windows of all kinds, for the parity check of an export."""
    some = np.linspace(0, len(windows.label) - 1, _PARITY_WINDOWS).astype(int)
    return only(windows, some)


def only(windows: ExpertInputs, rows: npt.NDArray[Any]) -> ExpertInputs:
    """Some of the windows (N,), by mask or number."""
    return ExpertInputs(windows.body[rows], windows.hand[rows], windows.label[rows])


def gesture_figures(score: Score, minutes: float) -> dict[str, Any]:
    """The events as plain numbers, by gesture, too."""
    classes: dict[str, dict[str, Any]] = {}
    for outcome in score.outcomes:
        entry = classes.setdefault(
            outcome.truth.class_name, {"gestures": 0, "right": 0, "missed": 0, "taken_for": {}}
        )
        entry["gestures"] += 1
        if outcome.answer is None:
            entry["missed"] += 1
        elif outcome.right:
            entry["right"] += 1
        else:
            taken: dict[str, int] = entry["taken_for"]
            taken[outcome.answer.class_name] = taken.get(outcome.answer.class_name, 0) + 1
    alarms: dict[str, int] = {}
    for episode in score.false_alarms:
        alarms[episode.class_name] = alarms.get(episode.class_name, 0) + 1
    figures: dict[str, Any] = {
        **event_figures(score, ()), "minutes": minutes, "false_alarms_of": alarms,
        "classes": classes,
    }  # fmt: skip
    return figures


def summary_lines(figures: Mapping[str, Any], kind: str) -> list[str]:
    """What a user should know before trusting the gestures, worst first."""
    lines = ["", f"Gestures of {kind} that the judging network never saw:"]
    ordered = sorted(
        figures["classes"].items(), key=lambda item: item[1]["right"] / item[1]["gestures"]
    )
    for name, entry in ordered:
        notes = [f"taken for {other} {n}" for other, n in entry["taken_for"].items()]
        notes += [f"missed {entry['missed']}"] if entry["missed"] else []
        lines.append(
            f"  {name:<20} {entry['right']:3d} of {entry['gestures']:3d} right"
            + (f"   {', '.join(notes)}" if notes else "")
        )
    alarms = ", ".join(f"{name} {count}" for name, count in figures["false_alarms_of"].items())
    lines.append(
        f"  false alarms: {figures['false_alarms']} in {figures['minutes']:.0f} minutes, with "
        f"people who make other gestures or none{f' ({alarms})' if alarms else ''}"
    )
    doubtful = [name for name, entry in ordered if entry["right"] < 0.8 * entry["gestures"]]
    if doubtful:
        lines.append(
            f"Doubtful: {', '.join(doubtful)}. Record more people (5 to 20 examples of each "
            "gesture, everybody once or twice), look at the labels, or let the gesture differ more "
            "from what it is taken for."
        )
    return lines


def window_config(manifest: Manifest) -> WindowConfig:
    """The windows of a bundle."""
    return WindowConfig(manifest.window_s, manifest.num_steps, STRIDE_S, manifest.max_gap_s)


def _stranger(span: GestureSpan) -> GestureSpan:
    return span._replace(class_name=OUTSIDER)
