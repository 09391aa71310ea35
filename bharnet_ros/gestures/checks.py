"""Contradictions: two gestures that nobody could tell apart, a motion out of an arm's reach."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bharnet_ros.gestures.description import (
    GestureDescription,
    HandDescription,
    MotionDescription,
    PostureDescription,
)
from bharnet_ros.gestures.yaml_reader import Node

# How far a motion takes the wrist at most, in shares of its length: forward, inward, up.
_WAYS = {
    "push": (1.0, 0.0, 0.0),
    "raise": (0.0, 0.0, 1.0),
    "bounce": (0.0, 0.0, 1.0),
    "circle": (0.0, 0.0, 1.0),
    "roll": (0.0, 0.0, 1.0),
    "stir": (1.0, 0.0, 0.0),
}
_REACH = 1.08
"""Arm lengths; a little more than an arm, because its ends are softened."""


def refuse_same(
    gesture: GestureDescription, others: Iterable[GestureDescription], node: Node
) -> None:
    """Raise the error of `node` if the gesture can look exactly like one of the others."""
    for other in others:
        if gesture.motion != other.motion or not _hands_agree(gesture, other):
            continue
        if not _may_hold_the_same(gesture, other):
            continue
        hands = _shared(gesture.hands, other.hands)
        postures = _shared(gesture.postures, other.postures)
        if gesture.body_only and other.body_only:
            hands = postures = ""
        elif not (hands and postures) or gesture.second != other.second:
            continue
        if len(gesture.hands) == len(other.hands) == 1 == len(gesture.postures):
            way = ""
        else:
            way = f" when the hand is '{hands}' and the posture '{postures}'" if hands else ""
        raise node.error(
            f"'{gesture.name}' and '{other.name}' are the same gesture{way}",
            "let them differ in hand, posture or motion",
        )


def refuse_out_of_reach(
    postures: Iterable[PostureDescription], motion: Iterable[MotionDescription], node: Node
) -> None:
    """Raise the error of `node` if a motion would take a wrist further than an arm is long."""
    for primitive in motion:
        if primitive.kind not in _WAYS:
            continue
        sign = -1.0 if primitive.toward == "down" else 1.0
        way = sign * np.array(_WAYS[primitive.kind]) * primitive.ranges["length"][1]
        for posture in postures:
            reach = float(np.linalg.norm(posture.wrist + way))
            if reach > _REACH:
                raise node.error(
                    f"'{primitive.kind}' takes the wrist of posture '{posture.name}' {reach:.2f} "
                    "arm lengths from the shoulder, out of an arm's reach",
                    "make `length` smaller, or let the posture begin nearer",
                )


def _hands_agree(first: GestureDescription, second: GestureDescription) -> bool:
    """Whether the same arms may take part: one's preferred hand may be the left or the right."""
    if first.which == second.which:
        return True
    return {first.which, second.which} in ({"one", "left"}, {"one", "right"})


def _may_hold_the_same(first: GestureDescription, second: GestureDescription) -> bool:
    """Whether what is held does not tell the two apart."""
    held = [() if g.holds is None else g.holds.objects for g in (first, second)]
    return held[0] == held[1] or bool(set(held[0]) & set(held[1]))


def _shared(
    first: tuple[HandDescription, ...] | tuple[PostureDescription, ...],
    second: tuple[HandDescription, ...] | tuple[PostureDescription, ...],
) -> str:
    """The name of an alternative that both have, or empty."""
    known = {_content(part) for part in second}
    for part in first:
        if _content(part) in known:
            return part.name
    return ""


def _content(part: HandDescription | PostureDescription) -> tuple[object, ...]:
    """What a hand or a posture says, whatever its name."""
    if isinstance(part, HandDescription):
        return (part.fingers, part.thumb, part.touch, part.spread_deg)
    return (part.wrist, part.palm, part.fingers, part.elbow)
