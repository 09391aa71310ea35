"""Nods and head shakes of drawn people: many of them, and what the estimator makes of heads.

Films of everything show few of each gesture. These show nothing else, and keep the exact keypoints:
what is missed with exact heads, too, is missed by the bundle, the rest by the estimator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bharnet_ros.evaluation import Episode, score_episodes
from training.measuring.drawn import FRONTAL_DEG, group
from training.measuring.films import FilmSet
from training.measuring.following import starts
from training.measuring.judging import Judge
from training.measuring.reporting import Result, number, percent, table
from training.replay import true_episodes
from training.sequences import KeypointSequence

GESTURES = ("yes", "no")
HEADS = FilmSet("heads", 24, 30.0, 10.0, 780_000, False, speed=(0.8, 1.3), classes=GESTURES)
HEAD = slice(0, 5)
"""Nose, eyes, ears."""
SEEN, EXACT = "as the estimator sees it", "exact"
_TEXT = """\
Strangers who nod and shake their heads and do nothing else, filmed as for `measure drawn` (10
images a second). A gesture is right if its name is the one reported between its first movement and
1 s after its end. "Exact": the same films with the drawn keypoints of nose, eyes and ears, where
they are in view, in place of the estimated ones; everything else is as the estimator sees it.
"""


def with_exact_heads(film: KeypointSequence) -> KeypointSequence:
    """The film with the exact keypoints of its heads, where they are known and a head was seen."""
    keypoints = film.keypoints.copy()
    exact = film.truth[:, HEAD]
    known = np.isfinite(exact).all(axis=-1) & (film.scores[:, HEAD] > 0.0)
    keypoints[:, HEAD][known] = exact[known]
    return replace(film, keypoints=keypoints)


def motion_seen(films: Sequence[KeypointSequence]) -> float:
    """Share of the nose's motion, seen from the middle of the shoulders, that the estimator sees
    during gestures: least squares about each gesture's mean. NaN if none shows it throughout."""
    exact, found = [np.zeros(0)], [np.zeros(0)]
    for film in films:
        for span in film.spans:
            rows = (film.stamps_ns >= span.start_ns) & (film.stamps_ns <= span.end_ns)
            parts = [_nose(points[rows]) for points in (film.truth, film.keypoints)]
            seen = (film.scores[rows][:, [0, 5, 6]] > 0.0).all()
            if seen and rows.any() and all(np.isfinite(part).all() for part in parts):
                exact.append(parts[0])
                found.append(parts[1])
    truth, seen_motion = np.concatenate(exact), np.concatenate(found)
    return float(truth @ seen_motion / (truth @ truth)) if truth.any() else float("nan")


def _nose(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(2 F,) where the nose is about its mean, from the middle of the shoulders."""
    offset = points[:, 0].astype(np.float64) - points[:, [5, 6]].mean(axis=1)
    return np.asarray(offset - offset.mean(axis=0)).ravel()


def measure(films: Sequence[KeypointSequence], judges: Mapping[str, Judge]) -> Result:
    """Nods and shakes of every judge, with heads as they are seen and with exact ones."""
    figures: dict[str, Any] = {
        name: {
            SEEN: _figures(films, judge),
            EXACT: _figures([with_exact_heads(film) for film in films], judge),
        }
        for name, judge in judges.items()
    }
    figures["motion_seen"] = motion_seen(films)
    rows = []
    for name in judges:
        for heads, found in figures[name].items():
            for what, entry in found["groups"].items():
                low, high = entry["interval_95"]
                rows.append([
                    name, heads, what, str(entry["gestures"]), str(entry["right"]),
                    str(entry["wrong"]), str(entry["missed"]), percent(entry["accuracy"]),
                    f"{100 * low:.1f} to {100 * high:.1f}", number(entry["delay_p50_s"], 2),
                ])  # fmt: skip
    alarms = [
        f"{name}, heads {heads}: {found['false_alarms']} false alarms in {found['minutes']:.1f} "
        "minutes."
        for name in judges for heads, found in figures[name].items()
    ]  # fmt: skip
    body = "\n".join([
        _TEXT,
        table(["bundle", "heads", "", "gestures", "right", "wrong", "missed", "accuracy",
               "95 % interval", "delay p50 s"], rows),
        *alarms,
        f"The estimator sees {percent(figures['motion_seen'])} of the nose's motion.\n",
    ])  # fmt: skip
    return Result("heads", "Nods and head shakes", figures, body)


def _figures(films: Sequence[KeypointSequence], judge: Judge) -> dict[str, Any]:
    reported = [
        Episode(number, start.class_name, start.stamp_ns, start.stamp_ns)
        for number, film in enumerate(films)
        for start in starts(film, judge)
    ]
    score = score_episodes([e for i, f in enumerate(films) for e in true_episodes(f, i)], reported)
    turned = {
        number for number, film in enumerate(films)
        if abs(float(film.info.get("yaw_deg", 0.0))) > FRONTAL_DEG
    }  # fmt: skip
    names = dict.fromkeys(outcome.truth.class_name for outcome in score.outcomes)
    return {
        "minutes": sum(film.duration_s for film in films) / 60.0,
        "groups": {
            "all": group(score, lambda e: True),
            **{name: group(score, lambda e, n=name: e.class_name == n) for name in sorted(names)},
            f"turned up to {FRONTAL_DEG:g}°": group(score, lambda e: e.person_id not in turned),
            f"turned beyond {FRONTAL_DEG:g}°": group(score, lambda e: e.person_id in turned),
        },
        "false_alarms": len(score.false_alarms),
    }
