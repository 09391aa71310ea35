"""Contradictions: two gestures that nobody could tell apart, a motion out of an arm's reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.description import (
    GestureDescription,
    HandDescription,
    MotionDescription,
    PostureDescription,
)
from bharnet_ros.gestures.hand import ANGLES_PER_HAND
from bharnet_ros.gestures.motion import PRIMITIVES, ArmTrack, Stroke
from bharnet_ros.gestures.yaml_reader import Node

_STROKE_S, _RATE_HZ, _STEPS = 3.0, 1.0, 121
"""What is played to see where a motion goes: long enough for a whole turn at full strength."""
_REACH = 1.08
"""Arm lengths; a little more than an arm, because its ends are softened."""
_FOLDED = 0.28
"""Arm lengths; a little less than an arm folds to (`arm.MIN_REACH`)."""


def refuse_same(
    gesture: GestureDescription, others: Iterable[GestureDescription], node: Node
) -> None:
    """Raise the error of `node` if the gesture can look exactly like one of the others."""
    for other in others:
        way = same_way(gesture, other)
        if way is not None:
            raise node.error(
                f"'{gesture.name}' and '{other.name}' are the same gesture{way}",
                "let them differ in hand, posture or motion",
            )


def same_way(gesture: GestureDescription, other: GestureDescription) -> str | None:
    """How the two can look exactly alike: " when the hand is ...", or empty if there is no other
    way to make them; None if they cannot."""
    if not _same_motion(gesture.motion, other.motion) or not _hands_agree(gesture, other):
        return None
    if not _may_hold_the_same(gesture, other):
        return None
    if gesture.body_only and other.body_only:
        return ""
    hands = _shared(gesture.hands, other.hands)
    postures = _shared(gesture.postures, other.postures)
    if not (hands and postures) or gesture.second != other.second:
        return None
    if len(gesture.hands) == len(other.hands) == 1 == len(gesture.postures):
        return ""
    return f" when the hand is '{hands}' and the posture '{postures}'"


def _same_motion(first: Sequence[MotionDescription], second: Sequence[MotionDescription]) -> bool:
    """Whether the same motions play, in whatever order they are written."""
    return len(first) == len(second) and all(motion in second for motion in first)


def refuse_out_of_reach(
    postures: Iterable[PostureDescription], motion: Iterable[MotionDescription], node: Node
) -> None:
    """Raise the error of `node` if a motion would take a wrist further than an arm is long, or
    nearer to the shoulder than an arm folds.

    Motions that swing the forearm or the hand stay within reach; only those with a length count.
    """
    for primitive in motion:
        if primitive.kind not in PRIMITIVES or "length" not in primitive.ranges:
            continue
        way = _way(primitive)
        for posture in postures:
            reach = np.linalg.norm(posture.wrist + way, axis=1)
            taken = f"'{primitive.kind}' takes the wrist of posture '{posture.name}' "
            if reach.max() > _REACH:
                raise node.error(
                    f"{taken}{reach.max():.2f} arm lengths from the shoulder, out of an arm's "
                    "reach",
                    "make `length` smaller, or let the posture begin nearer",
                )
            if reach.min() < _FOLDED:
                raise node.error(
                    f"{taken}to {reach.min():.2f} arm lengths from the shoulder, nearer than an "
                    "arm folds",
                    "make `length` smaller, or let the posture begin further away",
                )


def _way(motion: MotionDescription) -> npt.NDArray[np.float64]:
    """(N, 3) how far off its posture the wrist is on the way of a motion of the largest length,
    in arm lengths forward, inward, up."""
    # Played by the motion itself, so that the check cannot differ from what people then do.
    track = ArmTrack(
        np.zeros((_STEPS, 3)), np.zeros((_STEPS, 3)), np.tile([1.0, 0.0, 0.0, 0.0], (_STEPS, 1)),
        np.zeros((_STEPS, ANGLES_PER_HAND)),
    )  # fmt: skip
    values = {"length": motion.ranges["length"][1], "rate_hz": _RATE_HZ}
    times = np.linspace(0.0, _STROKE_S, _STEPS)
    stroke = Stroke(times, _STROKE_S, 1.0, 1.0, values, motion.toward, 1, np.zeros(3))
    PRIMITIVES[motion.kind].play(track, stroke)
    return track.wrist


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
