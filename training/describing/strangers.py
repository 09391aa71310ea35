"""Hands that mean nothing: any way of holding the fingers that no known gesture has.

They teach a network where its gestures end. Those that differ from a gesture in one finger teach it
most, and so do hands whose thumb touches another finger than the gesture's does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bharnet_ros.gestures.description import HandDescription
from bharnet_ros.gestures.fingers import FINGER_STATES, THUMB_STATES
from bharnet_ros.types import FloatArray

FINGERS = ("index", "middle", "ring", "pinky")
_STATE_SHARES = {"extended": 0.35, "half": 0.17, "curled": 0.3, "hooked": 0.06, "relaxed": 0.12}
_CLEARLY, _CLEARLY_TOUCHING, _THUMB_CLEARLY = 0.65, 0.35, 0.9
_TRIES = 200


def straightness(hand: HandDescription) -> FloatArray:
    """(5,) how bent the four fingers are and how far out the thumb is, about 0 to 1."""
    straight, curled = (sum(FINGER_STATES[s][0]) for s in ("extended", "curled"))
    fingers = [(sum(FINGER_STATES[s][0]) - straight) / (curled - straight) for s in hand.fingers]
    radial, palmar, _, knuckle, tip = THUMB_STATES[hand.thumb][0]
    thumb = (radial + 0.3 * palmar - 0.6 * (knuckle + tip) + 20.0) / 80.0
    return np.array([*fingers, np.clip(thumb, 0.0, 1.0)], np.float32)


def unlike(hand: HandDescription, known: Sequence[HandDescription]) -> bool:
    """Whether nobody would take `hand` for one of the `known` ones.

    A finger must be clearly bent where the known hand's is straight, or the other way round; less
    so if it is the one the thumb touches in one of both only. A thumb alone makes no other hand,
    unless it is fully out where it should be folded.
    """
    own = straightness(hand)
    for other in known:
        difference = np.abs(own - straightness(other))
        limits = [
            _CLEARLY_TOUCHING if (name in hand.touch) != (name in other.touch) else _CLEARLY
            for name in FINGERS
        ]
        if (difference[:4] < limits).all() and difference[4] < _THUMB_CLEARLY:
            return False
    return True


def draw_hand(
    known: Sequence[HandDescription], rng: np.random.Generator, near: float = 0.2
) -> HandDescription:
    """A way of holding the fingers that is none of the known ones.

    near: share of the tries that start from a known hand and change one finger of it. Fewer of
    those than of the others come out as none of the known ones.
    """
    for _ in range(_TRIES):
        if known and rng.random() < near:
            hand = _neighbour(known[int(rng.integers(len(known)))], rng)
        else:
            hand = _any_hand(rng)
        if unlike(hand, known):
            return hand
    return HandDescription("drawn", ("relaxed",) * 4, "relaxed", (0.0, 8.0))


def _any_hand(rng: np.random.Generator) -> HandDescription:
    states, shares = list(_STATE_SHARES), list(_STATE_SHARES.values())
    fingers = tuple(str(s) for s in rng.choice(states, 4, p=shares))
    if rng.random() < 0.3:
        fingers = (str(rng.choice(states[1:])),) * 4
    fan = float(rng.uniform(0, 12))
    half = [i for i, s in enumerate(fingers) if s == "half"]
    touch: tuple[str, ...] = ()
    if half and rng.random() < 0.4:
        touch = ("thumb", FINGERS[int(rng.choice(half))])
    return HandDescription(
        "drawn", (fingers[0], fingers[1], fingers[2], fingers[3]),
        str(rng.choice(list(THUMB_STATES))), (fan, fan + 5.0), touch,
    )  # fmt: skip


def _neighbour(hand: HandDescription, rng: np.random.Generator) -> HandDescription:
    """The hand with one finger held otherwise; half of the time the thumb touches that finger."""
    finger = int(rng.integers(4))
    fingers = list(hand.fingers)
    if rng.random() < 0.5:
        fingers[finger] = "half"
        touch: tuple[str, ...] = ("thumb", FINGERS[finger])
        thumb = hand.thumb
    else:
        fingers[finger] = str(rng.choice(["extended", "half", "curled", "hooked"]))
        touch = () if FINGERS[finger] in hand.touch else hand.touch
        thumb = hand.thumb if rng.random() < 0.7 else str(rng.choice(list(THUMB_STATES)))
    return replace(
        hand, name="drawn", fingers=(fingers[0], fingers[1], fingers[2], fingers[3]),
        thumb=thumb, touch=touch,
    )  # fmt: skip
