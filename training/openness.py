"""How honestly a bundle says "unknown" of what no gesture is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle
from bharnet_ros.events import EventMachine
from bharnet_ros.inference import Engine
from bharnet_ros.rules import RecognizerConfig
from bharnet_ros.types import ActionState, FloatArray
from training.config import WindowConfig
from training.dataset import DatasetCard
from training.labels import OTHER, label_times
from training.replay import Judgement, event_config, follow, smoothing_s, tape
from training.sequences import KeypointSequence

BoolArray = npt.NDArray[np.bool_]
_LEAST = 1e-30


def open_figures(
    known: Sequence[KeypointSequence],
    outsiders: Sequence[KeypointSequence],
    card: DatasetCard,
    windows: WindowConfig,
    bundle: Bundle,
    engine: Engine,
) -> dict[str, Any]:
    """Figures of films of gestures (`known`) against films of outsiders.

    auroc: chance that a moment of a gesture has a higher largest action probability than a
    moment of an outsider; moments are the recogniser's ticks that the label rule names.
    false_starts_per_minute: actions started in the outsiders' films. unknown, background,
    action: shares of the outsiders' moments that are reported as such. What there was nothing to
    count for is NaN.
    """
    options = RecognizerConfig()
    scores: dict[bool, list[float]] = {True: [], False: []}
    reported: Counter[str] = Counter()
    starts = 0
    for is_outsider, films in ((False, known), (True, outsiders)):
        for film in films:
            judgements = tape(film, bundle, engine, options)["fused"]
            labels = _labels(judgements, film, card, windows)
            wanted = labels == OTHER if is_outsider else labels >= 0
            wanted &= labels != card.background_id
            actions = [
                float(np.delete(probabilities, card.background_id).max())
                for (_, probabilities), chosen in zip(judgements, wanted, strict=True)
                if chosen and probabilities is not None
            ]
            scores[is_outsider] += actions
            if not is_outsider:
                continue
            machine = EventMachine(event_config(bundle, options))
            ticks = follow(judgements, machine, smoothing_s(bundle, options))
            for (_, happened), chosen in zip(ticks, wanted, strict=True):
                starts += sum(event.state == ActionState.STARTED for event in happened)
                if chosen:
                    last = happened[-1]
                    idle = "unknown" if last.class_id is None else "background"
                    reported[idle if last.state == ActionState.NONE else "action"] += 1
    minutes = sum(film.duration_s for film in outsiders) / 60.0
    count = reported.total()
    return {
        "minutes": minutes,
        "moments": count,
        "auroc": auroc(np.array(scores[False]), np.array(scores[True])),
        "false_starts": starts,
        "false_starts_per_minute": starts / minutes if minutes else float("nan"),
        **{
            name: reported[name] / count if count else float("nan")
            for name in ("unknown", "background", "action")
        },
    }


def gesture_odds(probabilities: FloatArray, actions: BoolArray) -> FloatArray:
    """How much more likely than nothing it is that any action is meant, (N,), natural logarithm.

    probabilities: (N, C); actions: (C,) which classes are actions, neither the background nor
    "something else". Unlike the largest probability of an action it does not fall where two
    actions are alike, which says nothing about whether one is meant (a trained class of unknowns:
    Outlier exposure, Hendrycks, Mazeika and Dietterich, ICLR 2019). Without a class that is no
    action, the most probable action against all others. Rows of zeros, of which nothing is known,
    give the least there is.
    """
    rows = np.asarray(probabilities, np.float64)
    if actions.all():
        meant = rows.max(axis=-1)
        rest = rows.sum(axis=-1) - meant
    else:
        meant, rest = rows[..., actions].sum(axis=-1), rows[..., ~actions].sum(axis=-1)
    odds: FloatArray = np.log(np.maximum(meant, _LEAST)) - np.log(np.maximum(rest, _LEAST))
    odds[meant <= 0.0] = np.log(_LEAST)
    return odds


def auroc(higher: FloatArray, lower: FloatArray) -> float:
    """Chance that one of `higher` (N,) lies above one of `lower` (M,); a tie counts half."""
    if not len(higher) or not len(lower):
        return float("nan")
    ordered = np.sort(lower)
    below = np.searchsorted(ordered, higher, "left")
    not_above = np.searchsorted(ordered, higher, "right")
    return float((below + not_above).mean() / (2.0 * len(ordered)))


def _labels(
    judgements: Sequence[Judgement],
    film: KeypointSequence,
    card: DatasetCard,
    windows: WindowConfig,
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return label_times(
        np.array([stamp_ns for stamp_ns, _ in judgements], np.int64),
        film.spans, card.class_ids, card.background_id,
        windows.min_visible_s, windows.ignore_after_s,
    )  # fmt: skip
