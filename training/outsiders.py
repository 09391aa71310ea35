"""Outsiders: what people do with their hands that no gesture of the vocabulary is.

A network that has only ever seen its classes and people doing nothing takes any lifted hand for
one of them. Outlier exposure (Hendrycks, Mazeika and Dietterich, ICLR 2019) shows it hands that
mean nothing and asks for no opinion. An outsider is built from the same parts as a gesture,
drawn at random: fingers, place and turn of the arm, motion, one hand or both. Hands of the
vocabulary in another place are left out unless arm and turn are far from the gesture: whether a
fist at the belly means anything is for nobody to say, so the network is not told either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import Vocabulary
from bharnet_ros.gestures.description import (
    GestureDescription,
    HandDescription,
    IdleDescription,
    MotionDescription,
    PostureDescription,
    Vector,
)
from bharnet_ros.gestures.fingers import THUMB_STATES
from bharnet_ros.gestures.hand import FINGERS
from bharnet_ros.gestures.motion import PRIMITIVES
from bharnet_ros.gestures.wrist import strain
from training.labels import OUTSIDER
from training.sequences import GestureSpan

Script = tuple[tuple[str, float, float], ...]

LENGTH_S = (0.8, 3.0)
SIGNING = 0.5
"""Share of films in which hands never rest, one sign following the other as in a language."""
EVERYDAY = 0.2
"""Share of outsiders that are the vocabulary's everyday doings, if it has any."""
_TRIES = 5000
"""Movements that are drawn until one resembles no gesture; the shipped vocabularies need 3 to 30
on average and 223 at most."""
_PAUSE_S = (0.3, 1.5)
_TOUCHING_S = 1e-3

# How far a finger in each state is from straight: sums of differences compare hands.
_BENT = {
    "extended": 0.0,
    "slight": 0.25,
    "relaxed": 0.45,
    "half": 0.5,
    "hooked": 0.7,
    "bent": 0.85,
    "curled": 1.0,
}
_STATES = ("extended", "curled", "half", "hooked")
_STATE_SHARES = (0.42, 0.34, 0.11, 0.13)
_BORROWED = 0.25  # hands that are the vocabulary's; few remain, far from their gestures
ALIKE = 1.0
"""Hands that differ by less than one finger between straight and curled are alike; thumbs do
not count, a camera often cannot tell them."""
ELSEWHERE = 0.35  # arm lengths
TURNED_DEG = 80.0

_FORWARD, _INWARD, _UP = (0.15, 0.68), (-0.38, 0.45), (-0.62, 0.36)
_REACH = (0.36, 0.95)
_DEGREES, _RATE_HZ = (10.0, 60.0), (0.8, 2.4)
_LENGTHS = {
    "swipe": (0.2, 0.8), "circle": (0.04, 0.16), "push": (0.08, 0.25), "bounce": (0.06, 0.28),
    "clap": (0.1, 0.5), "stir": (0.04, 0.16), "roll": (0.04, 0.16), "raise": (0.1, 0.4),
}  # fmt: skip
_COMMON_THUMBS = ("out", "up", "alongside", "folded", "relaxed")
_COMMON = ("wave", "wag", "twist", "beckon", "shoo", "swipe", "circle", "push", "bounce", "clap")


def outsider_script(scene_s: float, lead_s: float, rng: np.random.Generator) -> Script:
    """(name, start, duration) of a film's outsiders, in seconds.

    A film of signing is full of them from its first to its last moment; in the others hands
    rest at first, and in between more often than not.
    """
    signing = bool(rng.random() < SIGNING)
    clock = 0.0 if signing else lead_s
    script: list[tuple[str, float, float]] = []
    while True:
        length = round(float(rng.uniform(*LENGTH_S)), 3)
        if clock + length > scene_s:
            break
        script.append((f"outsider_{len(script)}", round(clock, 3), length))
        clock = script[-1][1] + length
        if not signing and rng.random() < 0.6:
            clock += float(rng.uniform(*_PAUSE_S))
    if signing and script:
        name, start, _ = script[-1]
        script[-1] = (name, start, round(scene_s - start, 3))
    return tuple(script)


def outsider_vocabulary(script: Script, seed: int, vocabulary: Vocabulary) -> Vocabulary:
    """The outsiders that a script names. Who signs holds the hands up between signs, too."""
    rng = np.random.default_rng([seed, 29])
    gestures = {name: draw_outsider(name, vocabulary, rng) for name, _, _ in script}
    rests, habits = vocabulary.rests, vocabulary.habits
    if script and script[0][1] == 0.0:
        place = draw_outsider("between", vocabulary, rng, both=True, moving=False)
        rests, habits = (IdleDescription(place, 1.0),), ()
    names = (vocabulary.background, *gestures)
    return Vocabulary(names, gestures, {}, {}, (), rests, habits)


def draw_outsider(
    name: str,
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    both: bool | None = None,
    moving: bool = True,
) -> GestureDescription:
    """Something an arm can do that resembles no gesture and no idle hand of the vocabulary, nor
    any gesture it knows beside its classes; or one of its everyday doings. GestureError if the
    vocabulary leaves nothing over."""
    idle = (i.gesture for i in (*vocabulary.rests, *vocabulary.habits))
    known = [*vocabulary, *vocabulary.others.values(), *idle]
    kinds = _kinds(vocabulary)
    two = bool(rng.random() < 0.5) if both is None else both
    if vocabulary.everyday and moving and rng.random() < EVERYDAY:
        doing = str(rng.choice(list(vocabulary.everyday)))
        return replace(vocabulary.everyday[doing], name=name)
    for _ in range(_TRIES):
        drawn = GestureDescription(
            name, "", (_draw_hand(vocabulary, rng),), (_draw_posture(rng),),
            "both" if two else "one", _draw_motion(two, rng, kinds) if moving else (),
        )  # fmt: skip
        if not any(resembles(drawn, gesture) for gesture in known):
            return drawn
    arms = "both arms" if two else "an arm"
    raise GestureError(
        f"The vocabulary's {len(known)} gestures and idle hands leave nothing that {arms} could do "
        f"and that resembles none of them ({_TRIES} movements were drawn), so nothing can be shown "
        "as 'something else'; describe fewer gestures, or fewer postures of each."
    )


def resembles(drawn: GestureDescription, gesture: GestureDescription) -> bool:
    """Whether somebody could take `drawn` for `gesture`, in any of the ways to make either."""
    if drawn.body_only or gesture.body_only:
        return drawn.body_only and gesture.body_only and drawn.motion == gesture.motion
    return any(
        _alike(mine, other, drawn.both and gesture.both)
        for mine in _ways(drawn)
        for other in _ways(gesture)
    )


def _ways(gesture: GestureDescription) -> Iterator[tuple[HandDescription, PostureDescription]]:
    """Every hand in every place, the weaker hand's own included."""
    for part in (gesture, gesture.second):
        if part is not None:
            yield from product(part.hands, part.postures)


def _alike(
    first: tuple[HandDescription, PostureDescription],
    second: tuple[HandDescription, PostureDescription],
    both: bool,
) -> bool:
    mine, other = first[1], second[1]
    near = float(np.linalg.norm(np.subtract(mine.wrist, other.wrist))) < ELSEWHERE
    if both and near:
        return True  # both arms together say enough, whatever the fingers do
    if bend_difference(first[0], second[0]) >= ALIKE:
        return False
    turned = max(_angle_deg(mine.palm, other.palm), _angle_deg(mine.fingers, other.fingers))
    return near or turned < TURNED_DEG


def bend_difference(first: HandDescription, second: HandDescription) -> float:
    """How differently the four fingers are bent: 1 for each that is straight in one, curled in
    the other."""
    return sum(abs(_BENT[a] - _BENT[b]) for a, b in zip(first.fingers, second.fingers, strict=True))


def outsider_spans(spans: Sequence[GestureSpan]) -> tuple[GestureSpan, ...]:
    """The spans under the one name of all outsiders; those that touch become one."""
    if not spans:
        return ()
    gaps = [b.start_ns - a.end_ns > _TOUCHING_S * 1e9 for a, b in pairwise(spans)]
    starts = [spans[0], *(b for b, apart in zip(spans[1:], gaps, strict=True) if apart)]
    ends = [*(a for a, apart in zip(spans, gaps, strict=False) if apart), spans[-1]]
    return tuple(
        GestureSpan(OUTSIDER, a.start_ns, b.end_ns) for a, b in zip(starts, ends, strict=True)
    )


def _draw_hand(vocabulary: Vocabulary, rng: np.random.Generator) -> HandDescription:
    if rng.random() < _BORROWED:
        hands = vocabulary[str(rng.choice(vocabulary.actions))].hands
        if len(hands) == 1:
            return hands[0]
        if hands:
            return hands[int(rng.integers(len(hands)))]
    first, second, third, fourth = (str(s) for s in rng.choice(_STATES, 4, p=_STATE_SHARES))
    fan = float(rng.uniform(0.0, 12.0))
    bent = [f for f, s in zip(FINGERS, (first, second, third, fourth), strict=True) if s == "half"]
    touch = ("thumb", str(rng.choice(bent))) if bent and rng.random() < 0.5 else ()
    used = {hand.thumb for gesture in vocabulary for hand in gesture.hands}
    thumbs = [thumb for thumb in THUMB_STATES if thumb in _COMMON_THUMBS or thumb in used]
    thumb = str(rng.choice(thumbs))
    return HandDescription(
        "drawn", (first, second, third, fourth), thumb, (fan, fan + float(rng.uniform(0, 8))), touch
    )


def _draw_posture(rng: np.random.Generator) -> PostureDescription:
    """In front of the person, face to belly, turned any way a wrist can be."""
    while True:
        wrist = (
            float(rng.uniform(*_FORWARD)), float(rng.uniform(*_INWARD)), float(rng.uniform(*_UP))
        )  # fmt: skip
        palm, fingers = _direction(rng.standard_normal(3)), _direction(rng.standard_normal(3))
        elbow = _direction(np.array([-0.3, -0.7, -0.9]) + 0.35 * rng.standard_normal(3))
        posture = PostureDescription("drawn", wrist, palm, fingers, elbow, 0.05, (12.0, 10.0, 10.0))
        square = abs(float(np.dot(palm, fingers))) <= 0.7
        reached = _REACH[0] <= float(np.linalg.norm(wrist)) <= _REACH[1]
        if square and reached and strain(posture)[0] <= 0.0:
            return posture


def _kinds(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Motions of arms that outsiders may make: the common ones, and those of the gestures."""
    used = {motion.kind for gesture in vocabulary for motion in gesture.motion}
    return tuple(kind for kind in PRIMITIVES if kind in _COMMON or kind in used)


def _draw_motion(
    both: bool, rng: np.random.Generator, kinds: Sequence[str]
) -> tuple[MotionDescription, ...]:
    """None, one or two of the primitives."""
    kinds = [kind for kind in kinds if both or not PRIMITIVES[kind].both_hands]
    count = int(rng.choice(3, p=(0.4, 0.4, 0.2)))
    motions = []
    for kind in rng.choice(kinds, count, replace=False):
        primitive = PRIMITIVES[str(kind)]
        ranges = {"degrees": _DEGREES, "rate_hz": _RATE_HZ, "length": _LENGTHS.get(kind, (0, 0))}
        toward = str(rng.choice(primitive.toward)) if primitive.toward else ""
        chosen = {key: ranges[key] for key in primitive.ranges}
        motions.append(MotionDescription(str(kind), chosen, toward))
    return tuple(motions)


def _direction(vector: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Vector:
    x, y, z = vector / np.linalg.norm(vector)
    return (float(x), float(y), float(z))


def _angle_deg(first: Vector, second: Vector) -> float:
    cosine = float(np.dot(first, second)) / float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
