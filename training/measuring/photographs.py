"""Photographs of real people through the whole way: estimator, held window, experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.measuring.direction import fine_label
from training.measuring.extraction import SHOWN_FRAMES, Stills
from training.measuring.figures import overall, per_class, share_right, wilson
from training.measuring.judging import NOTHING, OTHER_ACTION, SLOTS, Judge
from training.measuring.reporting import Result, class_table, number, percent, table
from training.measuring.shapes import ShapeTable, plain, shape_table

THREES = {"three": "three or three2", "three2": "three or three2"}
_SAME_LABEL = {"mute": "mute", "palm": "palm", "stop_sign": "stop"}

_TEXT = f"""\
Every photograph is shown for {SHOWN_FRAMES} frames to an estimator that has seen nothing yet. What
its last frame gave is held for a whole window and judged: of everybody found, each hand by itself
(with the body it belongs to), and the hand with the strongest evidence answers. "Both hands" asks
as the robot does, about the person with both hands at once. Right for `no_gesture` is idle,
unknown, or an action too unlikely to be reported. "Shapes" are 13 (inverted labels are one with
the upright ones, `stop` is `palm`, `mute` is `one`) and no_gesture; "threes as one" takes `three`
for `three2` and the other way round. Shares are of the photographs in which a hand was found.
"""
_TEXT_19 = """\
## The 19 labels apart

A shape is split into its labels by the judged hand's own keypoints, with rules that were fitted to
nothing: the back of the hand shown is `inverted`, spread fingers are `palm` and fingers side by
side `stop`, a fingertip on the mouth is `mute` (see `training/measuring/direction.py`). Classes of
a bundle that name one of those labels keep it. "Of all" counts photographs without a hand found as
wrong, unless they show no_gesture: that is how the vision-language model was counted.
"""


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found in every picture, by one judge.

    probabilities: (N, C), zeros without a hand; person: (N,) row of the person judged, or -1;
    slot: which hand.
    """

    probabilities: FloatArray
    person: npt.NDArray[np.int64]
    slot: list[str]


def measure(found: Stills, judges: Mapping[str, Judge]) -> Result:
    """Shares right, per class, for every judge."""
    has_hand = with_hand(found)
    figures: dict[str, Any] = {
        "photographs": len(found.label),
        "person_found": float(np.isin(np.arange(len(found.label)), found.picture).mean()),
        "hand_found": float(has_hand.mean()),
        "hand_found_by_label": {
            label: float(has_hand[found.label == label].mean())
            for label in dict.fromkeys(map(str, found.label))
        },
        "beside": dict(shape_table().beside),
        "judges": {name: _figures(found, has_hand, judge) for name, judge in judges.items()},
    }
    shown = [
        label for label in figures["hand_found_by_label"] if label not in shape_table().nothing
    ]
    gestures = has_hand[np.isin(found.label, shown)]
    figures["hand_found_in_gestures"] = share_right(gestures.tolist())
    return Result("photographs", "190 photographs, the whole way", figures, _body(figures))


def with_hand(found: Stills) -> npt.NDArray[np.bool_]:
    """(N,) whether a hand was found in each picture."""
    people = np.unique(found.picture[found.hand_found().any(axis=1)])
    return np.isin(np.arange(len(found.label)), people)


def judge_strongest(found: Stills, judge: Judge) -> Judged:
    """Every hand of everybody by itself; the one with the strongest evidence counts."""
    hands = found.hand_found()
    pieces = []
    for side, slot in enumerate(SLOTS):
        people = np.flatnonzero(hands[:, side])
        scores = found.scores[people].copy()
        scores[:, _indices(found.layout, SLOTS[1 - side])] = 0.0
        pieces.append((slot, people, _held(found, people, scores, judge)))
    return _pick(found, judge, pieces)


def judge_together(found: Stills, judge: Judge) -> Judged:
    """Everybody as the robot would; the person with the strongest evidence counts."""
    hands = found.hand_found()
    people = np.flatnonzero(hands.any(axis=1))
    probabilities = _held(found, people, found.scores[people], judge)
    slots = [(SLOTS[0] if hands[p, 0] else SLOTS[1]) for p in people]
    pieces = [
        (slot, people[rows], probabilities[rows])
        for slot in SLOTS
        if (rows := np.flatnonzero([s == slot for s in slots])).size
    ]
    return _pick(found, judge, pieces)


def _held(
    found: Stills, people: npt.NDArray[np.int64], scores: FloatArray, judge: Judge
) -> FloatArray:
    sizes = [(int(h), int(w)) for h, w in found.sizes[found.picture[people]]]
    return judge.held(found.keypoints[people], scores, sizes, found.layout)


def _pick(
    found: Stills, judge: Judge,
    pieces: Sequence[tuple[str, npt.NDArray[np.int64], FloatArray]],
) -> Judged:  # fmt: skip
    """Of everything judged in a picture, what has the strongest evidence."""
    count = len(found.label)
    best = Judged(
        np.zeros((count, len(judge.known)), np.float32), np.full(count, -1), [SLOTS[0]] * count
    )
    strongest = np.full(count, -np.inf)
    for slot, people, probabilities in pieces:
        evidence = judge.evidence(probabilities)
        for person, row, strength in zip(people, probabilities, evidence, strict=True):
            picture = int(found.picture[person])
            if strength > strongest[picture]:
                strongest[picture] = strength
                best.probabilities[picture] = row
                best.person[picture] = person
                best.slot[picture] = slot
    return best


def _figures(found: Stills, has_hand: npt.NDArray[np.bool_], judge: Judge) -> dict[str, Any]:
    shapes = shape_table()
    rows = np.flatnonzero(has_hand)
    labels = [str(found.label[i]) for i in rows]
    truth = [_truth(label, shapes) for label in labels]
    strongest, together = judge_strongest(found, judge), judge_together(found, judge)
    needed = [judge.needed(int(number)) for number in np.flatnonzero(judge.known)]
    result: dict[str, Any] = {"thresholds": [min(needed), max(needed)]}
    for name, judged in (("strongest_hand", strongest), ("both_hands", together)):
        for way in ("at_threshold", "most_probable"):
            answers = judge.answers(judged.probabilities[rows], way == "at_threshold")
            classes = per_class(truth, answers, [{t} for t in truth])
            merged = per_class(
                [THREES.get(t, t) for t in truth],
                [THREES.get(a, a) for a in answers],
                [{THREES.get(t, t)} for t in truth],
            )
            result[f"{name}_{way}"] = {
                **overall(classes), "classes": classes,
                "threes_as_one": overall(merged)["accuracy"],
                "gestures_only": _gestures_only(classes),
            }  # fmt: skip
    for way in ("at_threshold", "most_probable"):
        answers = _fine_answers(found, strongest, judge, way == "at_threshold")
        right = [a == _nothing(str(t), shapes) for a, t in zip(answers, found.label, strict=True)]
        named = [a for a, hand in zip(answers, has_hand, strict=True) if hand]
        result[f"labels_19_{way}"] = {
            **overall(per_class(labels, named, [{_nothing(t, shapes)} for t in labels])),
            "of_all": float(np.mean(right)),
            "of_all_interval_95": list(wilson(sum(right), len(right))),
            "classes": per_class(labels, named, [{_nothing(t, shapes)} for t in labels]),
        }
    return result


def _gestures_only(classes: Mapping[str, Mapping[str, Any]]) -> float:
    kept = {label: dict(entry) for label, entry in classes.items() if label != NOTHING}
    return float(overall(kept)["accuracy"])


def _truth(label: str, shapes: ShapeTable) -> str:
    return NOTHING if label in shapes.nothing else shapes.of_label[label]


def _nothing(label: str, shapes: ShapeTable) -> str:
    return NOTHING if label in shapes.nothing else label


def _fine_answers(
    found: Stills, judged: Judged, judge: Judge, at_threshold: bool
) -> list[str]:
    """(N,) labels of HaGRID, for every picture."""
    names = judge.bundle.manifest.class_names
    several = {plain(name) for name, shape in zip(names, judge.shapes, strict=True) if shape}
    answers = []
    for row, shape in enumerate(judge.answers(judged.probabilities, at_threshold)):
        person = int(judged.person[row])
        if shape in (NOTHING, OTHER_ACTION) or person < 0:
            answers.append(shape)
            continue
        hand = (found.keypoints[person], found.scores[person], judged.slot[row], found.layout)
        label = fine_label(shape, *hand)
        own = plain(names[int(judged.probabilities[row].argmax())])
        if shape == "one" and {"one", "mute"} <= several:
            label = own
        elif shape == "palm" and {"palm", "stop_sign"} <= several and label != "stop_inverted":
            label = _SAME_LABEL[own]
        answers.append(label)
    return answers


def _indices(layout: str, slot: str) -> npt.NDArray[np.intp]:
    spec = get_layout(layout)
    return spec.left_hand_indices if slot == "left" else spec.right_hand_indices


def _body(figures: Mapping[str, Any]) -> str:
    rows = []
    for name, found in figures["judges"].items():
        for key in ("strongest_hand", "both_hands"):
            for way in ("at_threshold", "most_probable"):
                entry = found[f"{key}_{way}"]
                low, high = entry["interval_95"]
                rows.append([
                    name, f"{key.replace('_', ' ')}, {way.replace('_', ' ')}",
                    f"{entry['right']} of {entry['count']}", percent(entry["accuracy"]),
                    f"{100 * low:.1f} to {100 * high:.1f}", percent(entry["threes_as_one"]),
                    percent(entry["gestures_only"]),
                ])  # fmt: skip
    fine = []
    for name, found in figures["judges"].items():
        for way in ("at_threshold", "most_probable"):
            entry = found[f"labels_19_{way}"]
            fine.append([f"{name}, {way.replace('_', ' ')}", percent(entry["accuracy"]),
                         percent(entry["of_all"])])  # fmt: skip
    beside = figures["beside"]
    fine.append([
        f"{beside['name']} ({beside['seconds']} s, {beside['joules']} J an image; its "
        "authors' figure)", "-", percent(beside["exact_19"]),
    ])  # fmt: skip
    judges: Mapping[str, Any] = figures["judges"]
    thresholds = ", ".join(
        f"{n} " + " to ".join(number(t, 2) for t in dict.fromkeys(f["thresholds"]))
        for n, f in judges.items()
    )
    missing = {k: v for k, v in figures["hand_found_by_label"].items() if v < 1.0}
    return "\n".join([
        _TEXT,
        f"A hand was found in {percent(figures['hand_found'])} of {figures['photographs']} "
        f"photographs ({percent(figures['hand_found_in_gestures'])} of those that show a "
        f"gesture), a person or a hand by itself in {percent(figures['person_found'])}; not in all "
        "of " + (", ".join(f"{k} {percent(v, 0)}" for k, v in missing.items()) or "none")
        + f". Thresholds: {thresholds}.\n",
        table(
            ["bundle", "asked", "right", "share", "95 % interval", "threes as one",
             "without no_gesture"],
            rows,
        ),
        "## Shapes, the strongest hand, at threshold\n",
        class_table({n: f["strongest_hand_at_threshold"]["classes"] for n, f in judges.items()}),
        "## Shapes, the strongest hand, most probable\n",
        class_table({n: f["strongest_hand_most_probable"]["classes"] for n, f in judges.items()}),
        _TEXT_19,
        table(["", "of those with a hand", "of all"], fine),
        class_table({n: f["labels_19_most_probable"]["classes"] for n, f in judges.items()}),
    ])  # fmt: skip
