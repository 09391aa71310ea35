"""How many recordings a description is worth: curves over the recordings of a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.measuring.data import Hands
from training.measuring.hand_shapes import framed, sound
from training.measuring.judging import Judge
from training.measuring.reporting import Result, percent, table
from training.measuring.shapes import shape_table
from training.measuring.training_hook import Trainer

COUNTS = (0, 1, 2, 5, 10, 20)
WAYS = ("description only", "recordings only", "both")

_TEXT = """\
Recordings are hands of `hand_shapes`, the same number of each class, taken from as many recorders
as possible; groups that show another shape than their label says are left out. The test are the
HaGRID landmarks of the same shapes, other people altogether, as they are. Right is the most
probable of the shapes in question, for every way alike. Several draws of the recordings: the mean,
and in brackets the least and the largest.
"""


def measure(
    recordings: Hands, test: Hands, trainer: Trainer, seed: int = 7, draws: int = 3,
    counts: Sequence[int] = COUNTS,
) -> Result:  # fmt: skip
    """Accuracy by number of recordings a class, for the three ways."""
    shapes = shape_table()
    common = sorted(
        {shapes.of_label[str(x)] for x in recordings.label}
        & {shapes.of_label[str(x)] for x in test.label}
    )
    test = _only(test, common)
    recordings = sound(_only(recordings, common))
    curve: dict[str, dict[str, list[float]]] = {way: {} for way in WAYS}
    described = _accuracy(test, trainer(None, True, seed), common)
    for count in counts:
        curve[WAYS[0]][str(count)] = [described]
        for draw in range(draws if count else 0):
            chosen = draw_recordings(recordings, count, seed + draw)
            for way in WAYS[1:]:
                judge = trainer(chosen, way == "both", seed + draw)
                curve[way].setdefault(str(count), []).append(_accuracy(test, judge, common))
    curve["both"].setdefault("0", [described])
    figures = {"shapes": common, "test_hands": len(test), "draws": draws, "curve": curve}
    rows = [[way, *(_cell(curve[way].get(str(c))) for c in counts)] for way in WAYS]
    body = _TEXT + "\n" + table(["recordings a class", *map(str, counts)], rows)
    return Result("fewshot", "Descriptions and recordings", figures, body)


def draw_recordings(hands: Hands, count: int, seed: int) -> Hands:
    """`count` hands of each shape, from the recorders in turn, so that few are near copies."""
    rng = np.random.default_rng([seed, count])
    shapes = shape_table()
    names = np.array([shapes.of_label[str(label)] for label in hands.label])
    rows: list[int] = []
    for shape in sorted(set(names)):
        by_source = [
            [int(i) for i in rng.permutation(np.flatnonzero((names == shape) & of_source))]
            for source in rng.permutation(sorted(set(hands.source[names == shape])))
            if (of_source := hands.source == source).any()
        ]
        taken: list[int] = []
        while len(taken) < count and any(by_source):
            for left in by_source:
                if left and len(taken) < count:
                    taken.append(left.pop())
        rows += taken
    return hands.take(np.array(rows, np.int64))


def _only(hands: Hands, names: Sequence[str]) -> Hands:
    of_label: Mapping[str, str] = shape_table().of_label
    return hands.take(np.array([of_label[str(x)] in names for x in hands.label]))


def _accuracy(test: Hands, judge: Judge, shapes: Sequence[str]) -> float:
    points = test.points if test.points.min() >= 0.0 else framed(test)
    answers = judge.closed_answers(judge.either(points), shapes)
    truth = [shape_table().of_label[str(label)] for label in test.label]
    return float(np.mean([a == t for a, t in zip(answers, truth, strict=True)]))


def _cell(values: Any) -> str:
    if not values:
        return "-"
    text = percent(float(np.mean(values)))
    return text if len(values) == 1 else f"{text} ({percent(min(values))}, {percent(max(values))})"
