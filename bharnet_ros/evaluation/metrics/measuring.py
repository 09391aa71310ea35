"""Every metric of an evaluation: overall, by class, by recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bharnet_ros.evaluation.metrics.calibration import calibration_figures
from bharnet_ros.evaluation.metrics.clips import (
    ClipOutcome,
    clip_counts,
    clip_figures,
    clip_outcomes_of,
)
from bharnet_ros.evaluation.metrics.counting import Counts
from bharnet_ros.evaluation.metrics.coverage import (
    coverage_figures,
    image_figures,
    latency_figures,
)
from bharnet_ros.evaluation.metrics.detection import (
    THRESHOLDS,
    average_precision,
    detection_figures,
)
from bharnet_ros.evaluation.metrics.events import class_figures, event_figures, scored
from bharnet_ros.evaluation.metrics.material import Material, material
from bharnet_ros.evaluation.metrics.segmental import counts_by_class, percent, segment_figures
from bharnet_ros.evaluation.records import Evaluation, Recording
from bharnet_ros.evaluation.scoring import Score
from bharnet_ros.evaluation.storage import jsonable


def measure(evaluation: Evaluation) -> dict[str, Any]:
    """Plain data for JSON, null where there is no number; docs/evaluation_metrics.md defines each.

    {"overall": figures, "recordings": {name: figures}}; figures are {"events", "clips",
    "detection", "segments", "calibration", "coverage", "latency_ms", "images", "per_class"}.
    Shares are 0 to 1.
    """
    each = {r.name: jsonable(_figures(evaluation, (r,))) for r in evaluation.recordings}
    alone = len(each) == 1
    together = each.values() if alone else [jsonable(_figures(evaluation, evaluation.recordings))]
    return {
        "mode": evaluation.mode,
        "complete": evaluation.complete,
        "overall": next(iter(together)),
        "recordings": each,
    }


def clip_outcomes(evaluation: Evaluation) -> tuple[ClipOutcome, ...]:
    """What became of every true segment, by recording, person and start."""
    data = material(evaluation)
    return clip_outcomes_of(data, scored(data))


def score_recording(evaluation: Evaluation, recording: Recording) -> Score:
    """How `measure` matches the reported actions of one recording with the true ones."""
    return scored(material(evaluation, (recording,)))


def _figures(evaluation: Evaluation, recordings: Sequence[Recording]) -> dict[str, Any]:
    data = material(evaluation, recordings)
    score = scored(data)
    clips = clip_outcomes_of(data, score)
    precisions = {name: average_precision(data.people, name) for name in data.actions}
    counts = clip_counts(clips, data.names)
    segments = counts_by_class(data)
    events = class_figures(data, score)
    return {
        "events": event_figures(data, score),
        "clips": clip_figures(data, clips),
        "detection": detection_figures(data, precisions),
        "segments": segment_figures(data, segments),
        "calibration": calibration_figures(data, score),
        "coverage": coverage_figures(data),
        "latency_ms": latency_figures(recordings),
        "images": image_figures(recordings),
        "per_class": {
            name: {
                "events": events[name],
                "clips": counts[name].data(),
                "average_precision": dict(
                    zip(map(str, THRESHOLDS), precisions[name].tolist(), strict=True)
                ),
                "segment_f1": {
                    percent(overlap): by_class.get(name, Counts()).f1
                    for overlap, by_class in segments.items()
                },
            }
            for name in _occurring(data)
        },
    }


def _occurring(data: Material) -> tuple[str, ...]:
    """Actions that are true or were answered anywhere."""
    seen = {e.class_name for p in data.people for e in (*p.truth, *p.recognised)}
    judged = {int(i) for p in data.people for i in np.unique(p.ticks.class_ids)}
    seen |= {data.names[i] for i in judged if i >= 0}
    return tuple(name for name in data.actions if name in seen)
