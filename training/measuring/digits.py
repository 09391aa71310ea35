"""Photographs of digits, for bundles that have gestures named after them (`zero` to `nine`).

A gesture that somebody described is asked about photographs that no training ever saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from training.measuring.extraction import Stills
from training.measuring.figures import wilson
from training.measuring.judging import NOTHING, Judge
from training.measuring.photographs import judge_strongest, with_hand
from training.measuring.reporting import Result, percent, table

NAMES = {
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six",
    "7": "seven", "8": "eight", "9": "nine",
}  # fmt: skip

_TEXT = """\
Each photograph shows one hand, with a border, for 4 frames to an estimator that has seen nothing
yet; what its last frame gave is held for a whole window. Right is the class of the digit's name,
or, for a digit the bundle has no class for, that nothing is reported. Shares are of the photographs
in which a hand was found; "most probable" asks for no threshold.
"""


def measure(found: Stills, judges: Mapping[str, Judge]) -> Result:
    """By digit, what each bundle says."""
    has_hand = with_hand(found)
    figures = {name: _figures(found, has_hand, judge) for name, judge in judges.items()}
    rows = []
    for name, digits in figures.items():
        for digit, entry in digits.items():
            low, high = entry["interval_95"]
            rows.append([
                name, digit, entry["wanted"], str(entry["count"]), percent(entry["hand_found"]),
                percent(entry["right"]), f"{100 * low:.1f} to {100 * high:.1f}",
                percent(entry["right_most_probable"]),
                ", ".join(f"{a} {n}" for a, n in entry["reported"].items()),
            ])  # fmt: skip
    header = [
        "bundle", "digit", "right is", "photographs", "hand found", "right", "95 % interval",
        "most probable", "reported",
    ]  # fmt: skip
    return Result("digits", "Photographs of digits", figures, _TEXT + "\n" + table(header, rows))


def _figures(
    found: Stills, has_hand: np.ndarray[Any, np.dtype[np.bool_]], judge: Judge
) -> dict[str, Any]:
    names = judge.bundle.manifest.class_names
    probabilities = judge_strongest(found, judge).probabilities
    digit = np.array([str(label) for label in found.label])
    result = {}
    for each in sorted(set(digit)):
        rows = probabilities[(digit == each) & has_hand]
        wanted = NAMES[each] if NAMES[each] in names else NOTHING
        reported = [_said(row, judge, at_threshold=True) for row in rows]
        likely = [_said(row, judge, at_threshold=False) for row in rows]
        right = sum(answer == wanted for answer in reported)
        result[each] = {
            "wanted": wanted,
            "count": int((digit == each).sum()),
            "hand_found": float(has_hand[digit == each].mean()),
            "right": right / len(rows) if len(rows) else float("nan"),
            "interval_95": list(wilson(right, len(rows))),
            "right_most_probable": float(np.mean([a == wanted for a in likely]))
            if len(rows) else float("nan"),
            "reported": dict(Counter(reported).most_common()),
        }  # fmt: skip
    return result


def _said(row: np.ndarray[Any, Any], judge: Judge, at_threshold: bool) -> str:
    """The class that is reported; NOTHING below its threshold or if it is no action."""
    best = int(row.argmax())
    needed = judge.needed(best) if at_threshold else 0.0
    if not row.any() or not judge.known[best] or row[best] < needed:
        return NOTHING
    return judge.bundle.manifest.class_names[best]
