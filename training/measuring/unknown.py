"""Hands that mean nothing to a bundle, against hands it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bharnet_ros.rules import RecognizerConfig
from bharnet_ros.types import FloatArray
from training.measuring.data import Hands
from training.measuring.extraction import Stills
from training.measuring.figures import auroc, share_right
from training.measuring.following import judgements
from training.measuring.judging import NOTHING, Judge
from training.measuring.photographs import judge_strongest, with_hand
from training.measuring.reporting import Result, number, percent, table
from training.measuring.shapes import shape_table
from training.sequences import KeypointSequence

_TEXT = """\
Known: the 1,200 landmarks, and the digits 1 to 5 shown by the later half of the pupils (the first
half is for training). Unknown: the digits 0 and 7 to 9, the no_gesture
photographs, and every judgement the recogniser would make while people sign. The digit 9 of this
set is made exactly like OK (thumb and index meet, three fingers up), so nobody could call it
unknown by its shape; the figures with it are followed by those without it. AUROC is how often a
known hand is ranked above an unknown one: by the odds that any action is meant against idle and
"something else" (the recogniser's `max_doubt` cuts there), or by the largest probability of an
action (its start thresholds cut there). Which comes first was chosen by acted windows that nobody
trained on, gestures against what is none (the second table). Which side of the body a hand belongs
to is chosen by the same, but in the row "side by largest". "Together" takes every unknown row,
"mean" the three kinds as equals. A shape that a bundle has no class for is no known shape to it:
"of shapes it has" leaves those out. "Unknown" is the share that is not reported at the bundle's
threshold. Photographs in which no hand was found are left out. A digit is shown for 4 frames, with
a border, since the hand fills the photograph.
"""
LIMITS = (1.0, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
"""Of `max_doubt`."""
DIGIT_FRAMES = 4
_DIGITS = "digits 0, 7 to 9"


@dataclass(frozen=True, eq=False)
class Material:
    """What known and unknown hands are taken from; clips through the estimator. acted: by bundle,
    how well each way ranks acted windows (`acted_hands.rankings`), where they were asked."""

    landmarks: Hands
    digits: Stills
    photographs: Stills
    clips: Sequence[KeypointSequence]
    acted: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def measure(material: Material, judges: Mapping[str, Judge]) -> Result:
    """AUROC and shares of every judge."""
    figures = {name: _figures(material, judge) for name, judge in judges.items()}
    for name, ways in material.acted.items():
        figures[name]["auroc_acted"] = dict(ways)
    rows, shares, digits, apart, strict = [], [], [], [], []
    for name, found in figures.items():
        kinds = found["unknown"]
        for by, label, key in (
            ("odds", "all known", "auroc"), ("odds", "of shapes it has", "auroc_covered"),
            ("odds", "all known; without digit 9", "auroc_unlike"),
            ("odds; side by largest", "all known", "auroc_side_largest"),
            ("largest", "all known", "auroc_largest"),
            ("largest", "all known; without digit 9", "auroc_unlike_largest"),
        ):  # fmt: skip
            rows.append([
                name, by, label, number(found[key]["together"]), number(found[key]["mean"]),
                *(number(found[key].get(kind)) for kind in kinds),
            ])  # fmt: skip
        strict += [
            [name, f"{limit:g}", *(percent(share) for share in entry.values())]
            for limit, entry in found["reported"].items()
        ]
        for group in ("known", "unknown"):
            for kind, entry in found[group].items():
                shares.append([
                    name, group, kind, str(entry["count"]), percent(entry["not_reported"]),
                    number(entry["median_doubt"]),
                    ", ".join(f"{a} {n}" for a, n in entry["reported_as"].items()),
                ])  # fmt: skip
        apart += [
            [name, what, str(entry["count"]), number(entry["auroc"]),
             number(entry["auroc_largest"])]
            for what, entry in found["apart"].items()
        ]  # fmt: skip
        for digit, entry in found["digits"].items():
            digits.append([
                name, digit, str(entry["count"]), percent(entry["hand_found"]),
                percent(entry["right"]), percent(entry["right_most_probable"]),
                ", ".join(f"{a} {n}" for a, n in entry["answers"].items()),
            ])  # fmt: skip
    kinds = list(next(iter(figures.values()))["unknown"]) if figures else []
    reported = next(iter(figures.values()))["reported"] if figures else {}
    body = "\n".join([
        _TEXT,
        table(["bundle", "by", "known", "together", "mean", *kinds], rows),
        "## Acted windows: gestures against what is none\n",
        table(["bundle", "AUROC, odds", "AUROC, largest"], [
            [name, number(found["odds"]), number(found["largest"])]
            for name, found in material.acted.items()
        ]),
        "## Each unknown digit and each clip against all known hands\n",
        table(["bundle", "", "hands", "AUROC, odds", "AUROC, largest"], apart),
        "## What `max_doubt` is worth\n",
        "Shares that are reported at the bundle's thresholds; 1 is no limit, as shipped.\n",
        table(["bundle", "max_doubt", *next(iter(reported.values()), {})], strict),
        "## What is reported at the threshold\n",
        table(["bundle", "", "", "hands", "unknown", "median doubt", "reported as"], shares),
        "## Digits\n",
        "Right for a known digit is its shape, for an unknown one that nothing is reported.\n",
        table(["bundle", "digit", "photographs", "hand found", "right at threshold",
               "most probable right", "most probable"], digits),
    ])  # fmt: skip
    return Result("unknown", "Known and unknown hands", figures, body)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Probabilities (N, C), a kind each; the side of a hand by the judge's evidence.

    unlike: as unknown, without digits made like a known shape. covered: as known, of shapes the
    bundle has. each: of single digits and clips. digits: of all their photographs.
    """

    known: Mapping[str, FloatArray]
    unknown: Mapping[str, FloatArray]
    unlike: Mapping[str, FloatArray]
    covered: Mapping[str, FloatArray]
    each: Mapping[str, FloatArray]
    digits: FloatArray


def _rows(material: Material, judge: Judge) -> _Rows:
    shapes = shape_table()
    judged = judge_strongest(material.digits, judge).probabilities
    has_hand = with_hand(material.digits)
    digit = np.array([str(label) for label in material.digits.label])
    landmarks = judge.either(material.landmarks.points)
    true_shape = [shapes.of_label[str(label)] for label in material.landmarks.label]
    quiet = np.isin(material.photographs.label, shapes.nothing)
    photographs = judge_strongest(material.photographs, judge).probabilities
    signing = {str(clip.info.get("clip", n)): _signing(clip, judge)
               for n, clip in enumerate(material.clips)}  # fmt: skip
    known_digit = has_hand & np.isin(digit, list(shapes.digits))
    unknown = {
        _DIGITS: judged[has_hand & np.isin(digit, shapes.unknown_digits)],
        "no_gesture": photographs[with_hand(material.photographs) & quiet],
        "signing": np.concatenate([judged[:0], *signing.values()]),
    }
    unlike_digits = [d for d in shapes.unknown_digits if d not in shapes.alike]
    covered = {
        "landmarks": landmarks[[shape in judge.shapes for shape in true_shape]],
        "digits 1 to 5": judged[known_digit][
            [bool(set(shapes.digits[d]) & set(judge.shapes)) for d in digit[known_digit]]
        ],
    }
    return _Rows(
        {"landmarks": landmarks, "digits 1 to 5": judged[known_digit]},
        unknown,
        {**unknown, _DIGITS: judged[has_hand & np.isin(digit, unlike_digits)]},
        covered,
        {f"digit {d}": judged[has_hand & (digit == d)] for d in shapes.unknown_digits} | signing,
        judged,
    )


def _figures(material: Material, judge: Judge) -> dict[str, Any]:
    largest = replace(judge, by_odds=False)
    rows, plain = _rows(material, judge), _rows(material, largest)
    digit = np.array([str(label) for label in material.digits.label])
    has_hand = with_hand(material.digits)
    parted = {**rows.known, **{kind: r for kind, r in rows.unknown.items() if kind != _DIGITS},
              "digits 0, 7, 8": rows.unlike[_DIGITS], "digit 9": rows.each["digit 9"]}  # fmt: skip
    return {
        "threshold": judge.threshold,
        "auroc": separation(rows.known, rows.unknown, judge),
        "auroc_covered": separation(rows.covered, rows.unknown, judge),
        "auroc_unlike": separation(rows.known, rows.unlike, judge),
        "auroc_side_largest": separation(plain.known, plain.unknown, judge),
        "auroc_largest": separation(plain.known, plain.unknown, largest),
        "auroc_unlike_largest": separation(plain.known, plain.unlike, largest),
        "apart": {
            what: {
                "count": len(some),
                "auroc": separation(rows.known, {what: some}, judge)["together"],
                "auroc_largest": separation(plain.known, {what: plain.each[what]}, largest)[
                    "together"
                ],
            }
            for what, some in rows.each.items()
        },
        "reported": {
            limit: {
                kind: share_right([a != NOTHING for a in judge.answers(some, True, limit)])
                for kind, some in parted.items()
            }
            for limit in LIMITS
        },
        "known": {kind: _group(some, judge) for kind, some in rows.known.items()},
        "unknown": {kind: _group(some, judge) for kind, some in rows.unknown.items()},
        "digits": {
            d: _digit(rows.digits[digit == d], has_hand[digit == d], d, judge)
            for d in sorted(set(digit))
        },
    }


def separation(
    known: Mapping[str, FloatArray], unknown: Mapping[str, FloatArray], judge: Judge
) -> dict[str, float]:
    """AUROC of the evidence: all unknown rows together, the mean of the kinds, and each kind."""
    evidence = judge.evidence(np.concatenate(list(known.values())))
    each = {
        kind: auroc(evidence, judge.evidence(rows)) if len(rows) else float("nan")
        for kind, rows in unknown.items()
    }
    together = auroc(evidence, judge.evidence(np.concatenate(list(unknown.values()))))
    present = [value for value in each.values() if value == value]
    mean = float(np.mean(present)) if present else float("nan")
    return {"together": together, "mean": mean, **each}


def _signing(clip: KeypointSequence, judge: Judge) -> FloatArray:
    """(N, C) of every tick at which something could be judged."""
    rows = [
        tick.probabilities
        for tick in judgements(clip, judge, RecognizerConfig())
        if tick.probabilities is not None
    ]
    return np.array(rows, np.float32).reshape(-1, len(judge.known))


def _group(rows: FloatArray, judge: Judge) -> dict[str, Any]:
    answers = judge.answers(rows, at_threshold=True)
    doubt = rows[:, ~judge.known].sum(axis=1)
    return {
        "count": len(rows),
        "not_reported": share_right([a == NOTHING for a in answers]),
        "median_doubt": float(np.median(doubt)) if len(rows) else float("nan"),
        "reported_as": _counted([a for a in answers if a != NOTHING]),
    }


def _digit(
    rows: FloatArray, has_hand: np.ndarray[Any, np.dtype[np.bool_]], digit: str, judge: Judge
) -> dict[str, Any]:
    shapes = shape_table()
    seen = rows[has_hand]
    wanted = shapes.digits.get(digit, (NOTHING,) if digit in shapes.unknown_digits else ())
    at, most = judge.answers(seen, at_threshold=True), judge.answers(seen)
    return {
        "count": len(rows),
        "hand_found": float(has_hand.mean()),
        "right": share_right([a in wanted for a in at]) if wanted else float("nan"),
        "right_most_probable": share_right([a in wanted for a in most]) if wanted else float("nan"),
        "answers": _counted(most),
    }


def _counted(answers: Sequence[str]) -> dict[str, int]:
    counts = {answer: answers.count(answer) for answer in dict.fromkeys(answers)}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
