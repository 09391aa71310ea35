"""Hand shapes recorded by nine people, leaving one of them out of the training each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bharnet_ros.types import FloatArray
from training.describing.public import MISLABELLED
from training.measuring.data import Hands
from training.measuring.figures import overall, per_class
from training.measuring.judging import Judge
from training.measuring.reporting import Result, class_table, percent, table
from training.measuring.shapes import shape_table
from training.measuring.training_hook import Trainer

_BAD = {(source, shape_table().of_label[label]) for source, label in MISLABELLED}
REACH = 0.2
"""The largest coordinate of a hand, as a share of the picture it is put into."""

_TEXT = """\
Nine shapes, each source one recorder; the rows of a source are near copies of each other, so the
mean over sources counts, and within a source every label counts the same. Left out: trained on
descriptions and on the recordings of all other sources. Right is the most probable of all classes;
which hand it is is not known, so the slot with the stronger evidence counts. Some groups (one label
of one source) show another shape than their label says, as a look at them tells; nothing is trained
on those. "Sound" figures leave them out, all others do not: {mislabelled}.
"""


def measure(
    hands: Hands, judges: Mapping[str, Judge], trainer: Trainer | None = None, seed: int = 7
) -> Result:
    """Every given bundle as it is; with a trainer also description only and leaving one out."""
    ways = {name: by_source(hands, judge) for name, judge in judges.items()}
    if trainer is not None:
        ways["description only"] = by_source(hands, trainer(None, True, seed))
        ways["left out"] = leave_one_out(hands, trainer, seed)
    mislabelled = ", ".join(f"`{label}` of {source}" for source, label in sorted(MISLABELLED))
    sources = list(dict.fromkeys(map(str, hands.source)))
    rows = [
        [name, percent(found["sound"]["mean_over_sources"]), percent(found["sound"]["accuracy"]),
         percent(found["mean_over_sources"]), percent(found["all"]["accuracy"]),
         *(percent(found["sources"][source]["balanced"]) for source in sources)]
        for name, found in ways.items()
    ]  # fmt: skip
    body = "\n".join([
        _TEXT.format(mislabelled=mislabelled),
        table(["", "mean over sources, sound", "rows, sound", "mean over sources", "all rows",
               *sources], rows),
        class_table({name: found["all"]["classes"] for name, found in ways.items()}),
    ])  # fmt: skip
    return Result("hand_shapes", "Hand shapes of nine recorders", ways, body)


def by_source(hands: Hands, judge: Judge) -> dict[str, Any]:
    """One judge on all sources."""
    return _summary({source: _answers(part, judge) for source, part in _parts(hands).items()})


def leave_one_out(hands: Hands, trainer: Trainer, seed: int) -> dict[str, Any]:
    """For each source a bundle that was trained on all the others, asked about that source."""
    found = {}
    for source, part in _parts(hands).items():
        judge = trainer(sound(hands.take(hands.source != source)), True, seed)
        found[source] = _answers(part, judge)
    return _summary(found)


def sound(hands: Hands) -> Hands:
    """Without the groups whose label is not what they show."""
    pairs = zip(hands.source.tolist(), hands.label.tolist(), strict=True)
    return hands.take(np.array([pair not in MISLABELLED for pair in pairs], bool))


def framed(hands: Hands) -> FloatArray:
    """The hands as shares of a square picture, in its middle."""
    centred = hands.points - hands.points[:, :1]
    largest = np.abs(centred).max(axis=(1, 2), keepdims=True)
    shares: FloatArray = (0.5 + REACH * centred / np.maximum(largest, 1e-6)).astype(np.float32)
    return shares


def _parts(hands: Hands) -> dict[str, Hands]:
    return {str(s): hands.take(hands.source == s) for s in dict.fromkeys(map(str, hands.source))}


def _answers(hands: Hands, judge: Judge) -> tuple[list[str], list[str]]:
    truth = [shape_table().of_label[str(label)] for label in hands.label]
    return truth, judge.answers(judge.either(framed(hands)))


def _summary(found: Mapping[str, tuple[list[str], list[str]]]) -> dict[str, Any]:
    sources = {}
    sound: list[float] = []
    counts = [0, 0]
    for source, (truth, answers) in found.items():
        classes = per_class(truth, answers, [{t} for t in truth])
        sources[source] = {**overall(classes), "balanced": _balanced(classes), "classes": classes}
        kept = {name: entry for name, entry in classes.items() if (source, name) not in _BAD}
        if kept:
            sound.append(_balanced(kept))
            counts[0] += sum(entry["right"] for entry in kept.values())
            counts[1] += sum(entry["count"] for entry in kept.values())
    truth = [t for each, _ in found.values() for t in each]
    answers = [a for _, each in found.values() for a in each]
    everything = per_class(truth, answers, [{t} for t in truth])
    return {
        "mean_over_sources": float(np.mean([entry["balanced"] for entry in sources.values()])),
        "all": {**overall(everything), "classes": everything},
        "sound": {
            "mean_over_sources": float(np.mean(sound)) if sound else float("nan"),
            "accuracy": counts[0] / counts[1] if counts[1] else float("nan"),
            "count": counts[1], "sources": len(sound),
        },
        "sources": sources,
    }  # fmt: skip


def _balanced(classes: Mapping[str, Mapping[str, Any]]) -> float:
    """Every label counts the same."""
    return float(np.mean([entry["accuracy"] for entry in classes.values()]))
