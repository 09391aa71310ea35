"""Parts of a gesture file -> their descriptions: hands, postures, motions, gestures.

Every error names file, line, place and remedy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from bharnet_ros.gestures.body_motion import BODY_PRIMITIVES, BodyPrimitive
from bharnet_ros.gestures.checks import refuse_out_of_reach
from bharnet_ros.gestures.description import (
    WHICH,
    GestureDescription,
    HandDescription,
    IdleDescription,
    MotionDescription,
    OtherHand,
    PostureDescription,
    Range,
    Vector,
)
from bharnet_ros.gestures.fingers import FINGER_STATES, THUMB_STATES
from bharnet_ros.gestures.hand import FINGERS
from bharnet_ros.gestures.motion import PRIMITIVES, Primitive
from bharnet_ros.gestures.objects import read_holds
from bharnet_ros.gestures.wrist import strain
from bharnet_ros.gestures.yaml_reader import Node

AXES: Mapping[str, Vector] = {
    "forward": (1, 0, 0), "backward": (-1, 0, 0), "inward": (0, 1, 0),
    "outward": (0, -1, 0), "up": (0, 0, 1), "down": (0, 0, -1),
}  # fmt: skip
RANGE_LIMITS: Mapping[str, Range] = {
    "degrees": (1, 120), "rate_hz": (0.2, 4.0), "length": (0.02, 1.2), "count": (1, 50),
}  # fmt: skip
BODY_DEGREES = 45.0
"""No head nods, shakes or tilts, and no trunk leans, further than this either way."""
SHRUG_LENGTH = 0.2
_AWAY = ("up", "slanting", "beside")  # thumbs that no finger can meet
_JOINT_DEGREES = {"wag": 38.0, "twist": 105.0, "wave": 75.0, "shoo": 110.0}
"""What elbows and wrists allow either way, where it is less than `RANGE_LIMITS`."""
_UNIT = 1e-12
_ALONG = 0.97  # nearer than 14 degrees to a line, unsteadiness decides on which side of it one is
_Part = TypeVar("_Part")


@dataclass
class Known:
    """Hands and postures that a gesture can name."""

    hands: dict[str, HandDescription] = field(default_factory=dict)
    postures: dict[str, PostureDescription] = field(default_factory=dict)


def read_hand(name: str, node: Node) -> HandDescription:
    """One hand: finger and thumb states, spread and touching tips."""
    fields = node.fields(["fingers", "thumb"], ["spread", "touch"])
    states = list(FINGER_STATES)
    fingers = fields["fingers"]
    if fingers.is_mapping():
        given = fingers.fields([], [*FINGERS, "others"])
        if "others" not in given and len(given) < len(FINGERS):
            raise fingers.error("not every finger is described", "add `others: curled`")
        chosen = [given[f if f in given else "others"].choice(states) for f in FINGERS]
    else:
        chosen = [fingers.choice(states)] * 4
    spread = fields["spread"].range(-12, 28) if "spread" in fields else (0.0, 3.0)
    first, second, third, fourth = chosen
    hand = HandDescription(
        name, (first, second, third, fourth), fields["thumb"].choice(list(THUMB_STATES)), spread
    )
    if "touch" in fields:
        hand = _touching(hand, fields["touch"])
    return hand


def _touching(hand: HandDescription, node: Node) -> HandDescription:
    touch = tuple(tip.choice(["thumb", *FINGERS]) for tip in node.elements())
    fingers = touch[1:]
    if touch[:1] != ("thumb",) or not fingers or len(set(touch)) < len(touch):
        raise node.error(
            f"tips {list(touch)} cannot be made to touch", "write [thumb, <finger>, ...]"
        )
    for finger in fingers:
        state = hand.fingers[FINGERS.index(finger)]
        if state in ("extended", "curled"):
            raise node.error(
                f"the {finger} cannot touch the thumb while {state}", f"let the {finger} be half"
            )
    if hand.thumb in _AWAY:
        raise node.error(
            f"the thumb cannot touch the {' and the '.join(fingers)} while it is {hand.thumb}",
            "let the thumb be folded, relaxed or out",
        )
    return HandDescription(hand.name, hand.fingers, hand.thumb, hand.spread_deg, touch)


def read_posture(name: str, node: Node) -> PostureDescription:
    """One place of an arm, checked against what joints allow."""
    fields = node.fields(["wrist", "palm", "fingers", "elbow"], ["vary"])
    place = fields["wrist"].fields(["forward", "inward", "up"])
    wrist = (
        place["forward"].number(-1, 1), place["inward"].number(-1, 1), place["up"].number(-1, 1)
    )  # fmt: skip
    reach = math.hypot(*wrist)
    if not 0.32 <= reach <= 0.99:
        raise fields["wrist"].error(
            f"the wrist is {reach:.2f} arm lengths from the shoulder, out of an arm's reach",
            "keep it within 0.32 to 0.99",
        )
    palm, fingers = _direction(fields["palm"]), _direction(fields["fingers"])
    if abs(float(np.dot(palm, fingers))) > 0.9:
        raise fields["palm"].error(
            "palm and fingers point along the same line",
            "let the palm face across the fingers' direction",
        )
    position, turn, elbow = 0.0, (0.0, 0.0, 0.0), 0.0
    if "vary" in fields:
        vary = fields["vary"].fields([], ["position", "turn", "elbow"])
        if "position" in vary:
            position = vary["position"].number(0, 0.3)
        if "turn" in vary:
            parts = vary["turn"].elements()
            if len(parts) != 3:
                raise vary["turn"].error(
                    f"a turn has three tolerances, not {len(parts)}", "write [yaw, pitch, roll]"
                )
            turn = (parts[0].number(0, 180), parts[1].number(0, 90), parts[2].number(0, 120))
        if "elbow" in vary:
            elbow = vary["elbow"].number(0, 90)
    pole = _direction(fields["elbow"])
    if abs(float(np.dot(wrist, pole))) > _ALONG * reach:
        raise fields["elbow"].error(
            "the elbow points along the line from shoulder to wrist, which does not say to which "
            "side of it the arm bends",
            "name a side of that line, such as `{down: 1, outward: 0.5}`",
        )
    posture = PostureDescription(name, wrist, palm, fingers, pole, position, turn, elbow)
    excess, sentence = strain(posture)
    if excess > 0:
        raise node.error(sentence, "turn `palm` or `fingers`, or move `wrist` or `elbow`")
    return posture


def _direction(node: Node) -> Vector:
    if node.is_mapping():
        weights = {k: v.number(0, 10) for k, v in node.fields([], list(AXES)).items()}
    else:
        weights = {node.choice(list(AXES)): 1.0}
    total = [sum(w * AXES[k][i] for k, w in weights.items()) for i in range(3)]
    norm = math.hypot(*total)
    if norm < 1e-3:
        raise node.error("the directions cancel out", "leave one of them away")
    if abs(norm - 1) < _UNIT:
        norm = 1.0
    return (total[0] / norm, total[1] / norm, total[2] / norm)


def read_gesture(name: str, node: Node, known: Known) -> GestureDescription:
    """One gesture: its hands and postures by name, as lists of alternatives, or written out."""
    fields = node.fields(
        ["meaning"],
        ["hand", "posture", "which", "second", "motion", "duration_s", "vary", "holds"],
    )
    which = fields["which"].choice(WHICH) if "which" in fields else "one"
    hands: tuple[HandDescription, ...] = ()
    postures: tuple[PostureDescription, ...] = ()
    if which == "none":
        for part in ("hand", "posture", "second"):
            if part in fields:
                raise fields[part].error(
                    f"'{name}' is made without hands, so it has no {part}",
                    f"leave `{part}` away, or write `which: one`",
                )
    else:
        for part in ("hand", "posture"):
            if part not in fields:
                raise node.error(
                    f"'{part}' is missing", f"add `{part}:`, or `which: none` for the body alone"
                )
        hands, postures = _arm(name, fields, known)
    second = None
    if "second" in fields:
        if which != "both":
            raise fields["second"].error(
                "a second hand takes part, but the gesture is not made with both",
                "add `which: both`",
            )
        second = OtherHand(
            *_arm(f"{name}_second", fields["second"].fields(["hand", "posture"]), known)
        )
    motion = read_motion(fields["motion"], which) if "motion" in fields else ()
    if which == "none" and not motion:
        raise node.error(
            f"'{name}' is made without hands and without motion: there is nothing to see",
            f"add `motion:` with one of {', '.join(BODY_PRIMITIVES)}",
        )
    if "motion" in fields:
        refuse_out_of_reach(postures, motion, fields["motion"])
    return GestureDescription(
        name=name,
        meaning=fields["meaning"].text(),
        hands=hands,
        postures=postures,
        which=which,
        motion=motion,
        duration_s=fields["duration_s"].range(0.8, 30) if "duration_s" in fields else (1.6, 3.0),
        vary=fields["vary"].text() if "vary" in fields else "",
        second=second,
        holds=read_holds(fields["holds"], which) if "holds" in fields else None,
    )


def _arm(
    name: str, fields: Mapping[str, Node], known: Known
) -> tuple[tuple[HandDescription, ...], tuple[PostureDescription, ...]]:
    return (
        _alternatives(f"{name}_hand", fields["hand"], known.hands, read_hand),
        _alternatives(f"{name}_posture", fields["posture"], known.postures, read_posture),
    )


def _alternatives(
    name: str, node: Node, named: Mapping[str, _Part], read: Callable[[str, Node], _Part]
) -> tuple[_Part, ...]:
    """One part, or a list of them: names of known ones, or mappings that write them out."""
    entries = node.elements() if node.is_list() else [node]
    if not entries:
        raise node.error("there is nothing to choose from", "name at least one")
    found: list[_Part] = []
    for i, entry in enumerate(entries):
        own = f"{name}_{i + 1}" if len(entries) > 1 else name
        part = read(own, entry) if entry.is_mapping() else named[entry.choice(list(named))]
        if part in found:
            raise entry.error("the same alternative is given twice", "keep one of the two")
        found.append(part)
    return tuple(found)


def read_motion(node: Node, which: str) -> tuple[MotionDescription, ...]:
    """Primitives that play together: of the arms, and of head, shoulders and trunk."""
    result = []
    known: dict[str, Primitive | BodyPrimitive] = {**PRIMITIVES, **BODY_PRIMITIVES}
    for kind, child in node.items():
        if kind not in known:
            raise child.error(f"'{kind}' is no motion", f"use one of {', '.join(known)}")
        primitive = known[kind]
        if kind in PRIMITIVES and which == "none":
            raise child.error(
                f"'{kind}' moves a hand, and the gesture is made without",
                f"use one of {', '.join(BODY_PRIMITIVES)}, or `which: one`",
            )
        directed = ["toward"] if primitive.toward else []
        fields = child.fields([*primitive.ranges, *directed], primitive.optional)
        if primitive.both_hands and which != "both":
            raise child.error(f"'{kind}' takes both hands", "add `which: both`")
        toward = fields["toward"].choice(primitive.toward) if directed else ""
        ranges = {k: v.range(*_limits(kind, k)) for k, v in fields.items() if k != "toward"}
        result.append(MotionDescription(kind, ranges, toward))
    return tuple(result)


def _limits(kind: str, key: str) -> Range:
    low, high = RANGE_LIMITS[key]
    if kind in BODY_PRIMITIVES and key in ("degrees", "length"):
        return low, BODY_DEGREES if key == "degrees" else SHRUG_LENGTH
    if key == "degrees":
        return low, _JOINT_DEGREES.get(kind, high)
    return low, high


def read_idle(name: str, node: Node, known: Known) -> IdleDescription:
    """One place of idle hands."""
    fields = node.fields(["hand", "posture", "weight"], ["which", "motion"])
    which = fields["which"].choice(["one", "both"]) if "which" in fields else "one"
    hands, postures = _arm(name, fields, known)
    motion = read_motion(fields["motion"], which) if "motion" in fields else ()
    for primitive in motion:
        if primitive.kind in BODY_PRIMITIVES:
            raise fields["motion"].error(
                f"idle hands cannot {primitive.kind}", f"use one of {', '.join(PRIMITIVES)}"
            )
    if "motion" in fields:
        refuse_out_of_reach(postures, motion, fields["motion"])
    gesture = GestureDescription(name, "", hands, postures, which, motion)
    return IdleDescription(gesture, fields["weight"].number(0.001, 1000))
