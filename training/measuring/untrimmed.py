"""Long untrimmed scripts: when actions start and end, what each rule of the events adds, and
whether probabilities can be believed.

Scripts are far longer than any training performance and mostly empty, as a robot's day is: a
gesture now and then, rests and fidgeting between. Nobody in them was trained on or chosen by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation import Episode, score_episodes
from bharnet_ros.evaluation.metrics import calibration
from bharnet_ros.evaluation.metrics.counting import Counts
from bharnet_ros.evaluation.metrics.segmental import OVERLAPS, percent, segment_counts
from bharnet_ros.gestures import Vocabulary
from bharnet_ros.rules import RecognizerConfig, Rules, rules_for
from training.describing.films import true_labels
from training.labels import IGNORE
from training.measuring.films import DRAWN
from training.measuring.following import judgements
from training.measuring.judging import Judge
from training.measuring.reporting import Result, number, table
from training.measuring.reporting import percent as share
from training.plan import LEAD_S, FilmPlan
from training.projecting import project_film
from training.replay import Judgement, replay, true_episodes
from training.sequences import KeypointSequence

PEOPLE = 3
SCRIPT_S = 600.0
FPS = 15.0
FIRST_ACTOR = 750_000
GAP_S = (1.5, 14.0)
"""Between two gestures, seconds; most of a script is idle."""
DOUBTS = (0.2, 0.1, 0.05, 0.02)
"""Limits of doubt that are tried beside the shipped rules, which have none."""
Tape = Sequence[Judgement]

_TEXT = """\
Scripts of ten minutes, one person each: gestures of all classes with 1.5 to 14 s of rest and
fidgeting between them, seen by cameras and made as unsure as the estimator
(`training/projecting.py`). F1@k: a reported segment is right if it overlaps a true one of its class
by k % of their joint time (MS-TCN's measure; the true segment runs from the first movement to the
end of the release). The delay runs from the first movement to STARTED. False starts an hour are
those on the films of people who do nothing (through the real estimator); "in scripts" are the
reports in the scripts that answer no gesture.
"""
_ABLATION = """\
Each row takes one rule away from the shipped ones, with everything else as shipped; "max_doubt"
adds one, the parameter of this name; "above one half" takes all of them away: an action lasts while
its probability is at least 0.5.
"""


@dataclass(frozen=True)
class Material:
    """scripts: of people who gesture now and then; quiet: of people who do nothing."""

    scripts: Sequence[KeypointSequence]
    quiet: Sequence[KeypointSequence]


def plan_scripts(
    vocabulary: Vocabulary, seed: int, people: int = PEOPLE, script_s: float = SCRIPT_S
) -> list[FilmPlan]:
    """One long script each; gestures are dealt like cards, so that all come equally often."""
    deck = np.random.default_rng([seed, FIRST_ACTOR])
    cards: list[str] = []
    plans = []
    for person in range(people):
        rng = np.random.default_rng([seed, FIRST_ACTOR, person])
        speed = float(rng.uniform(0.85, 1.2))
        clock, schedule = LEAD_S, []
        while True:
            cards = cards or [str(name) for name in deck.permutation(vocabulary.actions)]
            low, high = vocabulary[cards[-1]].duration_s
            length = max(float(rng.uniform(low, high)) / speed, 1.0)
            if clock + length > script_s - 0.5:
                break
            schedule.append((cards.pop(), round(clock, 3), round(length, 3)))
            clock += length + float(rng.uniform(*GAP_S))
        plans.append(
            FilmPlan(
                "untrimmed", person, int(rng.integers(2**31)), FIRST_ACTOR + person,
                float(rng.uniform(-30.0, 30.0)), float(rng.uniform(1.0, 1.5)),
                float(rng.uniform(1.75, 2.9)), speed, FPS, tuple(schedule), script_s,
            )
        )  # fmt: skip
    return plans


def project_scripts(
    vocabulary: Vocabulary, seed: int, people: int = PEOPLE, script_s: float = SCRIPT_S
) -> list[KeypointSequence]:
    """The scripts' keypoints, as unsure as the estimator's."""
    data = replace(DRAWN, fps=FPS, scene_s=script_s).data()
    plans = plan_scripts(vocabulary, seed, people, script_s)
    return [project_film(plan, data, vocabulary, at_once=True) for plan in plans]


def measure(material: Material, vocabulary: Vocabulary, judges: Mapping[str, Judge]) -> Result:
    """Every judge on every script."""
    figures = {name: _figures(material, vocabulary, judge) for name, judge in judges.items()}
    return Result("untrimmed", "Events on long untrimmed scripts", figures, _body(figures))


def variants(rules: Rules) -> dict[str, Rules]:
    """The shipped rules, those with one part taken away, and some with a limit of doubt. A
    threshold by class counts as one threshold; without hysteresis an action ends where it
    starts."""
    events = rules.events
    lowest = min([events.start, *events.class_start.values()])
    return {
        "as shipped": rules,
        "no smoothing": replace(rules, smoothing_s=0.0),
        "no confirmation": Rules(replace(events, confirm_s=0.0), rules.smoothing_s),
        "no hysteresis": Rules(replace(events, end=lowest), rules.smoothing_s),
        "no hold at the end": Rules(replace(events, end_hold_s=0.0), rules.smoothing_s),
        "no least duration": Rules(replace(events, min_duration_s=0.0), rules.smoothing_s),
        "one start for all": Rules(replace(events, class_start={}), rules.smoothing_s),
        "nothing urgent": Rules(replace(events, urgent={}), rules.smoothing_s),
        **{
            f"max_doubt {limit:g}": Rules(replace(events, max_doubt=limit), rules.smoothing_s)
            for limit in DOUBTS
        },
        "above one half": Rules(
            replace(events, start=0.5, end=0.5, unknown=0.5, confirm_s=0.0, end_hold_s=0.0,
                    min_duration_s=0.0, class_start={}, urgent={}), 0.0,
        ),
    }  # fmt: skip


def segment_f1(
    truth: Sequence[Sequence[Episode]], found: Sequence[Sequence[Episode]]
) -> dict[str, float]:
    """F1 at each overlap, by its name, over all people and classes."""
    sums = {
        overlap: sum(
            (segment_counts(a, b, overlap) for a, b in zip(truth, found, strict=True)), Counts()
        )
        for overlap in OVERLAPS
    }
    return {percent(overlap): counts.f1 for overlap, counts in sums.items()}


def events_of(
    tapes: Sequence[Tape], quiet: Sequence[Tape], scripts: Sequence[KeypointSequence],
    quiet_hours: float, rules: Rules, names: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """What these rules make of what was judged."""
    truth = [true_episodes(script, i) for i, script in enumerate(scripts)]
    found = [
        replay(tape, rules.events, rules.smoothing_s, names, i) for i, tape in enumerate(tapes)
    ]
    score = score_episodes([e for t in truth for e in t], [e for f in found for e in f])
    hours = sum(script.duration_s for script in scripts) / 3600.0
    alarms = sum(
        len(replay(tape, rules.events, rules.smoothing_s, names, 0)) for tape in quiet
    )
    delay = score.delay_from_start_s
    lasted = [(o.answer.end_ns - o.truth.end_ns) / 1e9 for o in score.outcomes
              if o.right and o.answer is not None]  # fmt: skip
    reported = [*((o.answer.score, o.right) for o in score.outcomes if o.answer is not None),
                *((e.score, False) for e in score.false_alarms)]  # fmt: skip
    return {
        "gestures": score.total, "right": score.right, "wrong": score.wrong,
        "missed": score.missed, "f1": segment_f1(truth, found),
        "reports": sum(map(len, found)), "false_in_scripts_per_hour":
            len(score.false_alarms) / hours if hours else float("nan"),
        "false_idle": alarms, "false_idle_per_hour":
            alarms / quiet_hours if quiet_hours else float("nan"),
        "delay_p50_s": delay.p50, "delay_p95_s": delay.p95,
        "end_after_end_p50_s": float(np.median(lasted)) if lasted else float("nan"),
        "calibration": _without_bins(calibration(*_columns(reported))),
    }  # fmt: skip


def calibrations(
    tapes: Sequence[Tape], scripts: Sequence[KeypointSequence], vocabulary: Vocabulary,
    judge: Judge,
) -> dict[str, Any]:  # fmt: skip
    """Whether the leading class is right as often as its probability says, with the temperature
    that was fitted when the bundle was made, and without (1).

    Only moments whose truth is clear count: a gesture shown long enough, or none at all.
    """
    manifest, classes = judge.bundle.manifest, vocabulary.class_names
    rows, labels = [], []
    for tape, script in zip(tapes, scripts, strict=True):
        stamps = np.array([each.stamp_ns for each in tape], np.int64)
        truth = true_labels(stamps, script, vocabulary)
        for each, label in zip(tape, truth, strict=True):
            if each.probabilities is None or label == IGNORE or label >= len(classes):
                continue  # nothing judged, or a transition
            rows.append(each.probabilities)
            labels.append(manifest.class_names.index(classes[int(label)]))
    if not rows:
        return {}
    fitted = np.stack(rows).astype(np.float64)
    right: npt.NDArray[np.int64] = np.array(labels, np.int64)
    found: dict[str, Any] = {}
    temperature = manifest.fusion.temperature
    for title, exponent in (("fitted", 1.0), ("none", temperature)):
        # p = softmax(z / T), so softmax(z) is p to the power of T, normalised.
        powered = np.maximum(fitted, 1e-30) ** exponent
        powered /= powered.sum(axis=1, keepdims=True)
        best = powered.argmax(axis=1)
        nll = -np.log(np.maximum(powered[np.arange(len(right)), right], 1e-30))
        found[title] = {
            "temperature": temperature if title == "fitted" else 1.0,
            "nll": float(nll.mean()),
            **calibration(powered.max(axis=1), best == right),
        }
    return found


def _figures(material: Material, vocabulary: Vocabulary, judge: Judge) -> dict[str, Any]:
    names = judge.bundle.manifest.class_names
    rules = rules_for(judge.bundle.manifest, RecognizerConfig())
    tapes = [judgements(script, judge) for script in material.scripts]
    quiet = [judgements(film, judge) for film in material.quiet]
    hours = sum(film.duration_s for film in material.quiet) / 3600.0
    return {
        "script_minutes": sum(s.duration_s for s in material.scripts) / 60.0,
        "idle_minutes": 60.0 * hours,
        "rules": {
            name: events_of(tapes, quiet, material.scripts, hours, each, names)
            for name, each in variants(rules).items()
        },
        "calibration": calibrations(tapes, material.scripts, vocabulary, judge),
    }


def _columns(pairs: Sequence[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [p for p, _ in pairs], [r for _, r in pairs]


def _without_bins(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in figures.items() if key != "bins"}


def _body(figures: Mapping[str, Any]) -> str:
    parts = [_TEXT]
    for name, found in figures.items():
        parts.append(
            f"## {name}\n\n{found['script_minutes']:.0f} minutes of scripts, "
            f"{found['idle_minutes']:.0f} minutes of idle films.\n\n{_ABLATION}"
        )
        rows = [_row(title, each) for title, each in found["rules"].items()]
        parts.append(table(
            ["rules", "gestures", "right", "wrong", "missed", "F1@10", "F1@25", "F1@50",
             "delay p50 s", "p95 s", "false starts an hour, idle", "in scripts", "reports' ECE"],
            rows,
        ))  # fmt: skip
        if found["calibration"]:
            rows = [
                [title, f"{each['temperature']:g}", str(each["count"]), share(each["accuracy"]),
                 share(each["mean_confidence"]), share(each["ece"]), number(each["nll"])]
                for title, each in found["calibration"].items()
            ]  # fmt: skip
            parts.append("Judgements (before smoothing) at moments whose truth is clear:\n")
            parts.append(table(
                ["temperature", "", "judgements", "accuracy", "mean confidence", "ECE",
                 "log loss"], rows,
            ))  # fmt: skip
    return "\n".join(parts)


def _row(title: str, each: Mapping[str, Any]) -> list[str]:
    return [
        title, str(each["gestures"]), str(each["right"]), str(each["wrong"]), str(each["missed"]),
        *(share(each["f1"][key]) for key in ("10", "25", "50")),
        number(each["delay_p50_s"], 2), number(each["delay_p95_s"], 2),
        number(each["false_idle_per_hour"], 1), number(each["false_in_scripts_per_hour"], 1),
        share(each["calibration"]["ece"]),
    ]  # fmt: skip
