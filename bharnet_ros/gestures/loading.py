"""vocabulary.yaml -> Vocabulary. Every error names file, line, place and remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bharnet_ros.gestures.description import (
    GestureDescription,
    HandDescription,
    IdleDescription,
    MotionDescription,
    PostureDescription,
    Range,
    Vector,
    Vocabulary,
)
from bharnet_ros.gestures.fingers import FINGER_STATES, THUMB_STATES
from bharnet_ros.gestures.hand import FINGERS
from bharnet_ros.gestures.motion import PRIMITIVES
from bharnet_ros.gestures.wrist import strain
from bharnet_ros.gestures.yaml_reader import Node, read

SHIPPED = Path(__file__).with_name("vocabulary.yaml")
_AXES: Mapping[str, Vector] = {
    "forward": (1, 0, 0), "backward": (-1, 0, 0), "inward": (0, 1, 0),
    "outward": (0, -1, 0), "up": (0, 0, 1), "down": (0, 0, -1),
}  # fmt: skip
_RANGE_LIMITS: Mapping[str, Range] = {
    "degrees": (1, 120), "rate_hz": (0.2, 4.0), "length": (0.02, 1.2), "count": (1, 50),
}  # fmt: skip


def load_vocabulary(path: str | Path | None = None) -> Vocabulary:
    """Read and check a gesture file; without a path, the shipped vocabulary.

    Raises GestureError for anything malformed, unknown, out of a joint's reach, contradictory
    (a pair that differs in more than the fingers) or ambiguous (two gestures that are the same).
    """
    root = read(Path(path) if path is not None else SHIPPED)
    top = root.fields(["format", "background", "hands", "postures", "gestures"], ["pairs", "idle"])
    if top["format"].text() != "1":
        raise top["format"].error("this format is not known", "write `format: 1`")
    hands = {name: _hand(name, node) for name, node in top["hands"].items()}
    postures = {name: _posture(name, node) for name, node in top["postures"].items()}
    background = top["background"].text()
    gestures: dict[str, GestureDescription] = {}
    for name, node in top["gestures"].items():
        gesture = _gesture(name, node, hands, postures)
        if name == background:
            raise node.error(f"'{name}' is the background class", "give the gesture another name")
        for other in gestures.values():
            if (gesture.hand, gesture.arm_signature()) == (other.hand, other.arm_signature()):
                raise node.error(
                    f"'{name}' and '{other.name}' are the same gesture",
                    "let them differ in hand, posture or motion",
                )
        gestures[name] = gesture
    if not gestures:
        raise top["gestures"].error("there is no gesture", "describe at least one")
    pairs = _pairs(top["pairs"], gestures) if "pairs" in top else ()
    rests, habits = _idle(top.get("idle", root), hands, postures)
    return Vocabulary((background, *gestures), gestures, hands, postures, pairs, rests, habits)


def _hand(name: str, node: Node) -> HandDescription:
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
    spread = fields["spread"].range(-5, 22) if "spread" in fields else (0.0, 3.0)
    touch: tuple[str, ...] = ()
    if "touch" in fields:
        tips = fields["touch"].elements()
        touch = tuple(tip.choice(["thumb", *FINGERS]) for tip in tips)
        if len(touch) != 2 or touch[0] != "thumb" or touch[1] == "thumb":
            raise fields["touch"].error(
                f"tips {list(touch)} cannot be made to touch", "write [thumb, <finger>]"
            )
        if chosen[FINGERS.index(touch[1])] in ("extended", "curled"):
            raise fields["touch"].error(
                f"the {touch[1]} cannot touch the thumb while {chosen[FINGERS.index(touch[1])]}",
                f"let the {touch[1]} be half",
            )
    first, second, third, fourth = chosen
    return HandDescription(
        name, (first, second, third, fourth), fields["thumb"].choice(list(THUMB_STATES)),
        spread, touch,
    )  # fmt: skip


def _posture(name: str, node: Node) -> PostureDescription:
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
    position, turn = 0.0, (0.0, 0.0, 0.0)
    if "vary" in fields:
        vary = fields["vary"].fields([], ["position", "turn"])
        if "position" in vary:
            position = vary["position"].number(0, 0.3)
        if "turn" in vary:
            parts = vary["turn"].elements()
            if len(parts) != 3:
                raise vary["turn"].error(
                    f"a turn has three tolerances, not {len(parts)}", "write [yaw, pitch, roll]"
                )
            turn = (parts[0].number(0, 180), parts[1].number(0, 90), parts[2].number(0, 90))
    posture = PostureDescription(
        name, wrist, palm, fingers, _direction(fields["elbow"]), position, turn
    )
    excess, sentence = strain(posture)
    if excess > 0:
        raise node.error(sentence, "turn `palm` or `fingers`, or move `wrist` or `elbow`")
    return posture


def _direction(node: Node) -> Vector:
    if node.is_mapping():
        weights = {k: v.number(0, 10) for k, v in node.fields([], list(_AXES)).items()}
    else:
        weights = {node.choice(list(_AXES)): 1.0}
    total = [sum(w * _AXES[k][i] for k, w in weights.items()) for i in range(3)]
    norm = math.hypot(*total)
    if norm < 1e-3:
        raise node.error("the directions cancel out", "leave one of them away")
    return (total[0] / norm, total[1] / norm, total[2] / norm)


def _gesture(
    name: str,
    node: Node,
    hands: Mapping[str, HandDescription],
    postures: Mapping[str, PostureDescription],
) -> GestureDescription:
    fields = node.fields(["meaning", "hand", "posture"], ["which", "motion", "duration_s", "vary"])
    both = "which" in fields and fields["which"].choice(["one", "both"]) == "both"
    return GestureDescription(
        name=name,
        meaning=fields["meaning"].text(),
        hand=hands[fields["hand"].choice(list(hands))],
        posture=postures[fields["posture"].choice(list(postures))],
        both=both,
        motion=_motion(fields["motion"], both) if "motion" in fields else (),
        duration_s=fields["duration_s"].range(0.8, 30) if "duration_s" in fields else (1.6, 3.0),
        vary=fields["vary"].text() if "vary" in fields else "",
    )


def _motion(node: Node, both: bool) -> tuple[MotionDescription, ...]:
    result = []
    for kind, child in node.items():
        if kind not in PRIMITIVES:
            raise child.error(f"'{kind}' is no motion", f"use one of {', '.join(PRIMITIVES)}")
        primitive = PRIMITIVES[kind]
        directed = ["toward"] if primitive.toward else []
        fields = child.fields([*primitive.ranges, *directed], primitive.optional)
        if primitive.both_hands and not both:
            raise child.error(f"'{kind}' takes both hands", "add `which: both`")
        toward = fields["toward"].choice(primitive.toward) if directed else ""
        ranges = {k: v.range(*_RANGE_LIMITS[k]) for k, v in fields.items() if k != "toward"}
        result.append(MotionDescription(kind, ranges, toward))
    return tuple(result)


def _pairs(node: Node, gestures: Mapping[str, GestureDescription]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for entry in node.elements():
        names = [part.choice(list(gestures)) for part in entry.elements()]
        if len(names) != 2 or names[0] == names[1]:
            raise entry.error("a pair has two different gestures", "write [one, other]")
        first, second = (gestures[n] for n in names)
        if first.arm_signature() != second.arm_signature():
            raise entry.error(
                f"'{first.name}' and '{second.name}' differ in more than the fingers",
                "give both the same posture, motion, which and duration_s",
            )
        pairs.append((names[0], names[1]))
    return tuple(pairs)


def _idle(
    node: Node,
    hands: Mapping[str, HandDescription],
    postures: Mapping[str, PostureDescription],
) -> tuple[tuple[IdleDescription, ...], tuple[IdleDescription, ...]]:
    found = dict(node.items())
    result: dict[str, tuple[IdleDescription, ...]] = {"rests": (), "habits": ()}
    for part in result:
        if part not in found:
            continue
        entries = []
        for name, child in found[part].items():
            fields = child.fields(["hand", "posture", "weight"], ["which", "motion"])
            both = "which" in fields and fields["which"].choice(["one", "both"]) == "both"
            gesture = GestureDescription(
                name, "", hands[fields["hand"].choice(list(hands))],
                postures[fields["posture"].choice(list(postures))], both,
                _motion(fields["motion"], both) if "motion" in fields else (),
            )  # fmt: skip
            entries.append(IdleDescription(gesture, fields["weight"].number(0.001, 1000)))
        result[part] = tuple(entries)
    if not result["rests"]:
        raise node.error(
            "there is nowhere for idle hands to rest", "add `idle:` with at least one of `rests:`"
        )
    return result["rests"], result["habits"]
