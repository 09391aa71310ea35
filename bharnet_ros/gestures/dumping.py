"""Vocabulary -> a gesture file that stands on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import yaml

from bharnet_ros.gestures.description import (
    GestureDescription,
    HandDescription,
    IdleDescription,
    MotionDescription,
    OtherHand,
    PostureDescription,
    Range,
    Vector,
    Vocabulary,
)
from bharnet_ros.gestures.hand import FINGERS

_AXES = (("forward", "backward"), ("inward", "outward"), ("up", "down"))
_Part = TypeVar("_Part", HandDescription, PostureDescription)


class _Names(Generic[_Part]):
    """One name for each different part: parts that share a name but not their content get
    numbers."""

    def __init__(self, parts: Mapping[str, _Part]) -> None:
        self.parts: dict[str, _Part] = dict(parts)

    def of(self, parts: tuple[_Part, ...]) -> str | list[str]:
        """The name of the only part, or the names of several."""
        names = [self._name(part) for part in parts]
        return names[0] if len(names) == 1 else names

    def _name(self, part: _Part) -> str:
        name, count = part.name, 1
        while self.parts.setdefault(name, part) != part:
            count += 1
            name = f"{part.name}_{count}"
        return name


def dump_vocabulary(vocabulary: Vocabulary) -> str:
    """The text of a gesture file (format 2) that loads as this vocabulary and extends nothing.

    Numbers keep their full precision: what is loaded again plays the same performances.
    """
    hands, postures = _Names(vocabulary.hands), _Names(vocabulary.postures)

    def arm(part: GestureDescription | OtherHand) -> dict[str, Any]:
        return {"hand": hands.of(part.hands), "posture": postures.of(part.postures)}

    def gesture(described: GestureDescription) -> dict[str, Any]:
        out: dict[str, Any] = {"meaning": described.meaning or described.name}
        out |= {"vary": described.vary} if described.vary else {}
        if not described.body_only:
            out |= arm(described)
        if described.which != "one":
            out["which"] = described.which
        if described.second is not None:
            out["second"] = arm(described.second)
        if described.motion:
            out["motion"] = _motion(described.motion)
        out["duration_s"] = _range(described.duration_s)
        if described.holds is not None:
            held = described.holds
            names = list(held.objects)
            out["holds"] = {"object": names[0] if len(names) == 1 else names, "hand": held.hand}
        return out

    def idle(entries: Iterable[IdleDescription]) -> dict[str, Any]:
        found = {}
        for entry in entries:
            described = gesture(entry.gesture)
            keys = ("hand", "posture", "which", "motion")
            kept = {key: described[key] for key in keys if key in described}
            found[entry.gesture.name] = kept | {"weight": entry.weight}
        return found

    sections = {
        name: {n: gesture(g) for n, g in found.items()}
        for name, found in (
            ("gestures", vocabulary.gestures),
            ("others", vocabulary.others),
            ("everyday", vocabulary.everyday),
        )
    }
    resting = {"rests": idle(vocabulary.rests), "habits": idle(vocabulary.habits)}
    document: dict[str, Any] = {"format": 2, "background": vocabulary.background}
    document["hands"] = {name: _hand(part) for name, part in hands.parts.items()}
    document["postures"] = {name: _posture(part) for name, part in postures.parts.items()}
    document |= {name: found for name, found in sections.items() if found or name == "gestures"}
    document["idle"] = {name: found for name, found in resting.items() if found}
    if vocabulary.pairs:
        document["pairs"] = [list(pair) for pair in vocabulary.pairs]
    if vocabulary.object_pairs:
        document["object_pairs"] = [list(pair) for pair in vocabulary.object_pairs]
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _hand(hand: HandDescription) -> dict[str, Any]:
    fingers: str | dict[str, str] = hand.fingers[0]
    if len(set(hand.fingers)) > 1:
        fingers = dict(zip(FINGERS, hand.fingers, strict=True))
    out = {"fingers": fingers, "thumb": hand.thumb, "spread": _range(hand.spread_deg)}
    return out | ({"touch": list(hand.touch)} if hand.touch else {})


def _posture(posture: PostureDescription) -> dict[str, Any]:
    out: dict[str, Any] = {
        "wrist": dict(zip(("forward", "inward", "up"), posture.wrist, strict=True)),
        "palm": _direction(posture.palm),
        "fingers": _direction(posture.fingers),
        "elbow": _direction(posture.elbow),
    }
    vary: dict[str, Any] = {}
    if posture.vary_position:
        vary["position"] = posture.vary_position
    if any(posture.vary_turn_deg):
        vary["turn"] = list(posture.vary_turn_deg)
    if posture.vary_elbow_deg:
        vary["elbow"] = posture.vary_elbow_deg
    return out | ({"vary": vary} if vary else {})


def _direction(vector: Vector) -> str | dict[str, float]:
    """A unit vector as weights of the axes it goes along."""
    weights = {
        names[0 if part > 0 else 1]: abs(part)
        for names, part in zip(_AXES, vector, strict=True)
        if part
    }
    return next(iter(weights)) if len(weights) == 1 else weights


def _motion(motion: Iterable[MotionDescription]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for primitive in motion:
        entry: dict[str, Any] = {"toward": primitive.toward} if primitive.toward else {}
        out[primitive.kind] = entry | {k: _range(v) for k, v in primitive.ranges.items()}
    return out


def _range(values: Range) -> list[float] | float:
    low, high = values
    return low if low == high else [low, high]
