"""Hands of many hundreds of real people, as landmarks, upright and turned in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bharnet_ros.types import FloatArray
from training.measuring.data import Hands
from training.measuring.figures import overall, per_class
from training.measuring.judging import NOTHING, OTHER_ACTION, SLOTS, Judge, stronger
from training.measuring.reporting import Result, class_table, percent, table
from training.measuring.shapes import shape_table

TURNS_DEG = (0.0, 30.0, 45.0, 60.0)
ASPECTS = (("3:4", 0.75), ("4:3", 4.0 / 3.0))

_TEXT = """\
Twelve labels are nine shapes: `palm`, `stop` and `stop_inverted` are one, `mute` is pointing, for
everybody. The landmarks are shares of a photograph's width and height, whose ratio is not
recorded; they are taken as they are, as if every photograph were square, and turned in that
square about the hand's centre. Nothing says which hand it is, so a bundle is asked about it as a
left and as a right hand and the answer with the stronger evidence counts (both are given below).
Right is the most probable of all the bundle's classes, with the idle and "something else" classes
among them; "at threshold" it must also be probable enough to be reported; "among the shapes" only
the nine are asked about.
"""


def measure(hands: Hands, judges: Mapping[str, Judge]) -> Result:
    """Accuracy of each judge at every turn, per class, with confusions."""
    table_of_shapes = shape_table()
    truth = [table_of_shapes.of_label[label] for label in hands.label]
    shapes = list(dict.fromkeys(truth))
    figures = {name: _figures(hands, truth, judge, shapes) for name, judge in judges.items()}
    return Result("landmarks", "1,200 landmarks of real hands", figures, _body(figures, shapes))


def _figures(
    hands: Hands, truth: Sequence[str], judge: Judge, shapes: Sequence[str]
) -> dict[str, Any]:
    slots = {slot: judge.hands(hands.points, slot) for slot in SLOTS}
    upright = stronger(list(slots.values()), judge.evidence)
    by_turn = {
        f"{degrees:g}": _summary(
            {side: judge.either(turned(hands.points, side)) for side in (degrees, -degrees)}
            if degrees
            else {0.0: upright},
            truth, judge, shapes,
        )
        for degrees in TURNS_DEG
    }  # fmt: skip
    labels = [str(label) for label in hands.label]
    return {
        "covers": judge.covers(shapes),
        "turned": by_turn,
        "slots": {slot: _accuracy(judged, truth, judge) for slot, judged in slots.items()},
        "aspects": {
            label: _accuracy(judge.either(in_aspect(hands.points, ratio)), truth, judge)
            for label, ratio in ASPECTS
        },
        "labels": per_class(labels, judge.answers(upright), [{t} for t in truth]),
    }


def turned(points: FloatArray, degrees: float) -> FloatArray:
    """Hands (N, 21, 2) turned clockwise in the picture (y down) about the middle of their box."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = 0.5 * (points.min(axis=1, keepdims=True) + points.max(axis=1, keepdims=True))
    moved: FloatArray = ((points - middle) @ turn + middle).astype(np.float32)
    return moved


def in_aspect(points: FloatArray, ratio: float) -> FloatArray:
    """What the hands would be if the photographs were `ratio` times as wide as high."""
    stretch = np.array([ratio, 1.0]) / max(ratio, 1.0)
    stretched: FloatArray = (points * stretch).astype(np.float32)
    return stretched


def _summary(
    judged: Mapping[float, FloatArray], truth: Sequence[str], judge: Judge, shapes: Sequence[str]
) -> dict[str, Any]:
    """Of one turn in both senses, (N, C) each; the classes are of both together."""
    joined = np.concatenate(list(judged.values()))
    all_truth = list(truth) * len(judged)
    right = [{shape} for shape in all_truth]
    classes = per_class(all_truth, judge.answers(joined), right)
    thresholded = per_class(all_truth, judge.answers(joined, at_threshold=True), right)
    closed = per_class(all_truth, judge.closed_answers(joined, shapes), right)
    covered = {k: v for k, v in classes.items() if k in judge.shapes}
    return {
        **overall(classes),
        "at_threshold": overall(thresholded)["accuracy"],
        "among_the_shapes": overall(closed)["accuracy"],
        "of_those_covered": overall(covered)["accuracy"],
        "each_sense": {f"{side:g}": _accuracy(each, truth, judge) for side, each in judged.items()},
        "classes": classes,
    }


def _accuracy(probabilities: FloatArray, truth: Sequence[str], judge: Judge) -> float:
    answers = judge.answers(probabilities)
    return float(np.mean([a == t for a, t in zip(answers, truth, strict=True)]))


def _body(figures: Mapping[str, Any], shapes: Sequence[str]) -> str:
    rows = []
    for name, found in figures.items():
        for degrees, entry in found["turned"].items():
            low, high = entry["interval_95"]
            rows.append([
                name, "as they are" if degrees == "0" else f"±{degrees}°", str(entry["count"]),
                percent(entry["accuracy"]), f"{100 * low:.1f} to {100 * high:.1f}",
                percent(entry["at_threshold"]), percent(entry["among_the_shapes"]),
                percent(entry["of_those_covered"]),
            ])  # fmt: skip
    parts = [
        _TEXT,
        table(
            ["bundle", "turned", "hands", "right", "95 % interval", "at threshold",
             "among the shapes", "of shapes it has"],
            rows,
        ),
        *(
            f"{name} has {len(found['covers'])} of the {len(shapes)} shapes; as left hands "
            f"{percent(found['slots']['left'])}, as right hands "
            f"{percent(found['slots']['right'])}; "
            + ", ".join(f"as {k} pictures {percent(v)}" for k, v in found["aspects"].items())
            + ".\n"
            for name, found in figures.items()
        ),
    ]  # fmt: skip
    for degrees in TURNS_DEG:
        title = "As they are" if not degrees else f"Turned by ±{degrees:g}°"
        parts += [
            f"## {title}\n",
            class_table({n: f["turned"][f"{degrees:g}"]["classes"] for n, f in figures.items()}),
        ]
    parts += [
        "## By the labels of the data, as they are\n",
        class_table({name: found["labels"] for name, found in figures.items()}),
        f"`{NOTHING}`: idle or something else; `{OTHER_ACTION}`: a class that is none of the "
        "shapes.\n",
    ]
    return "\n".join(parts)
