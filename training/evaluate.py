"""Held-out figures: windows and events, for each expert, for every kind of holding out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.evaluation import Score
from bharnet_ros.inference import Engine
from bharnet_ros.rules import RecognizerConfig
from training.calibration import expected_calibration_error
from training.config import WindowConfig
from training.dataset import DatasetCard
from training.metrics import pair_accuracy, summary
from training.predict import ExpertLogits
from training.replay import event_config, score_tapes, smoothing_s, tape
from training.sequences import KeypointSequence
from training.thresholds import f1
from training.windowing import expert_inputs, index_windows

EXPERTS = ("body", "hand", "fused")


def evaluate_split(
    sequences: Sequence[KeypointSequence],
    card: DatasetCard,
    windows: WindowConfig,
    bundle: Bundle,
    engine: Engine,
) -> dict[str, Any]:
    """All figures of one split, measured on the bundle itself as the robot runs it."""
    index = index_windows(sequences, windows, card.class_ids, card.background_id)
    inputs = expert_inputs(sequences, index, windows, bundle.manifest.features)
    logits, fused = _run(engine, inputs.body, inputs.hand, bundle)
    result: dict[str, Any] = {
        "films": len(sequences),
        "seconds": round(sum(s.duration_s for s in sequences), 1),
        "hands_usable": float(logits.usable.mean()),
        "keypoints": keypoint_quality(sequences),
        "calibration_error": expected_calibration_error(np.log(fused + 1e-9), index.label, 1.0),
        "windows": {},
        "pairs": {},
        "events": _events(sequences, card, bundle, engine),
    }
    for name in EXPERTS:
        values = getattr(logits, name)
        result["windows"][name] = summary(index.label, values, card.class_names, card.background_id)
        for first, second in card.pairs:
            pair = (card.class_ids[first], card.class_ids[second])
            share, count = pair_accuracy(index.label, values, pair)
            entry = result["pairs"].setdefault(f"{first} / {second}", {"windows": count})
            entry[name] = share
    return result


def keypoint_quality(sequences: Sequence[KeypointSequence]) -> dict[str, float]:
    """How the estimator did: share of frames with the person, and of hands found where they
    were visible, and the median hand error in palm lengths."""
    from bharnet_ros.skeleton import get_layout

    spec = get_layout(sequences[0].layout)
    person, visible, found, errors = [], 0, 0, []
    for sequence in sequences:
        person.append((sequence.scores > 0.0).any(axis=1))
        if not len(sequence.truth):
            continue
        for indices in (spec.left_hand_indices, spec.right_hand_indices):
            truth = sequence.truth[:, indices]
            shown = np.isfinite(truth[..., 0]).mean(axis=1) > 0.75
            seen = (sequence.scores[:, indices] > 0.0).any(axis=1)
            visible += int(shown.sum())
            found += int((shown & seen).sum())
            rows = shown & seen & np.isfinite(truth[:, [0, 9], 0]).all(axis=1)
            palm = np.linalg.norm(truth[rows, 9] - truth[rows, 0], axis=-1)
            distance = np.linalg.norm(sequence.keypoints[rows][:, indices] - truth[rows], axis=-1)
            # A palm pointed at the camera is short in the image: no unit to measure with.
            wide = palm > 0.6 * np.median(palm) if len(palm) else np.zeros(0, bool)
            errors.append(np.nanmean(distance[wide], axis=1) / palm[wide])
    joined = np.concatenate(errors) if errors else np.zeros(0)
    return {
        "person_found": float(np.concatenate(person).mean()),
        "hands_found": found / visible if visible else float("nan"),
        "hand_error_palms": float(np.median(joined)) if len(joined) else float("nan"),
    }


def _run(
    engine: Engine, body: np.ndarray[Any, Any], hand: np.ndarray[Any, Any], bundle: Bundle
) -> tuple[ExpertLogits, np.ndarray[Any, Any]]:
    """Logits of every window through the engine, and the calibrated fused probabilities."""
    parts = [
        engine.run({"body": body[i : i + 256], "hand": hand[i : i + 256]})
        for i in range(0, len(body), 256)
    ]
    body_logits = np.concatenate([p["body_logits"] for p in parts])
    hand_logits = np.concatenate([p["hand_logits"] for p in parts])
    usable = (hand_logits != 0.0).any(axis=1).astype(np.float32)
    fused = body_logits + hand_logits
    if bundle.manifest.fusion.method != "logit_sum":
        # Other fusions are no sum; the logarithm of their probabilities ranks and scores alike.
        fused = np.log(np.concatenate([p["probabilities"] for p in parts]).clip(min=1e-12))
    logits = ExpertLogits(body_logits, hand_logits, fused, usable)
    return logits, np.concatenate([p["probabilities"] for p in parts])


def _events(
    sequences: Sequence[KeypointSequence], card: DatasetCard, bundle: Bundle, engine: Engine
) -> dict[str, Any]:
    """Event figures by expert."""
    options = RecognizerConfig()
    events = event_config(bundle, options)
    tapes = [tape(sequence, bundle, engine, options) for sequence in sequences]
    figures = {}
    for name in EXPERTS:
        judged = [each[name] for each in tapes]
        score = score_tapes(
            judged, sequences, events, smoothing_s(bundle, options), card.class_names
        )
        figures[name] = event_figures(score, card.pairs)
    return figures


def event_figures(score: Score, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A score as plain numbers."""
    told_apart, answered = 0, 0
    for first, second in pairs:
        right, of = score.pair_accuracy(first, second)
        told_apart, answered = told_apart + right, answered + of
    delay = score.delay_from_start_s
    return {
        "gestures": score.total,
        "right": score.right,
        "wrong": score.wrong,
        "missed": score.missed,
        "false_alarms": len(score.false_alarms),
        "recognised": score.recall,
        "f1": f1(score),
        "delay_p50_s": delay.p50,
        "delay_p95_s": delay.p95,
        "pairs_told_apart": told_apart / answered if answered else float("nan"),
        "pairs_answered": answered,
        "confusions": {
            f"{truth} -> {answer or 'missed'}": count
            for (truth, answer), count in score.confusion().most_common()
            if truth != answer
        },
    }


def rounded(value: Any, digits: int = 4) -> Any:
    """Figures for JSON: rounded, and None where there is no number."""
    if isinstance(value, Mapping):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item, digits) for item in value]
    if isinstance(value, float):
        return round(value, digits) if math.isfinite(value) else None
    return value
