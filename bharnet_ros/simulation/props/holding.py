"""Who holds what when: what the gestures say, a while before and after them, and idly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bharnet_ros.gestures import GestureDescription, Performance, Segment, Vocabulary
from bharnet_ros.gestures.description import HeldObject
from bharnet_ros.simulation.props.grip import knuckles
from bharnet_ros.simulation.props.prop import Prop
from bharnet_ros.simulation.props.shapes import make_prop

CARRY_RATE = 0.5
"""Share of the times between gestures in which people hold something for nothing, by default."""
_OVER_S = 2.0
_OVER_RATE = 0.6
# Nobody takes something up for less than this.
_SHORTEST_S = 0.8


@dataclass(frozen=True, eq=False)
class Holding:
    """A thing in somebody's hands. hands: 0 left, 1 right; seconds of the scene."""

    prop: Prop
    hands: tuple[int, ...]
    start_s: float
    end_s: float


def plan_holdings(
    vocabulary: Vocabulary, performance: Performance, handedness: str, duration_s: float,
    rng: np.random.Generator, carry_rate: float = CARRY_RATE,
) -> tuple[Holding, ...]:  # fmt: skip
    """What a person ("left" or "right" handed) holds during a performance, by start; nothing if
    no gesture of the vocabulary says that something is held.

    What a gesture needs is in the hand from its first to its last movement, often a while before
    and after, too, and gestures that say nothing are made with empty hands. carry_rate: share of
    the times between gestures in which any of the vocabulary's things is in a hand for nothing.
    """
    kinds = sorted({k for g in vocabulary if g.holds is not None for k in g.holds.objects})
    if not kinds:
        return ()
    strong = 1 if handedness == "right" else 0
    found: list[Holding] = []
    free_from = 0.0
    segments = performance.segments
    for k, segment in enumerate(segments):
        gesture = vocabulary[segment.class_name]
        over = np.where(rng.random(2) < _OVER_RATE, rng.uniform(0.0, _OVER_S, 2), 0.0)
        start, end = segment.start_s, segment.end_s
        if gesture.holds is not None:
            last = segments[k + 1].start_s if k + 1 < len(segments) else duration_s
            start, end = max(start - float(over[0]), free_from), min(end + float(over[1]), last)
        found += _carried(kinds, free_from, start, strong, rng, carry_rate)
        if gesture.holds is not None:
            prop, hands = _taken(gesture, gesture.holds, segment, performance, strong, rng)
            found.append(Holding(prop, hands, start, end))
        free_from = end
    found += _carried(kinds, free_from, duration_s, strong, rng, carry_rate)
    return tuple(found)


def _taken(
    gesture: GestureDescription, holds: HeldObject, segment: Segment, performance: Performance,
    strong: int, rng: np.random.Generator,
) -> tuple[Prop, tuple[int, ...]]:  # fmt: skip
    """What a gesture needs, and the hands it is in."""
    kind = holds.objects[int(rng.integers(len(holds.objects)))]
    if holds.hand != "both":
        return make_prop(kind, rng), gesture.sides("right" if strong else "left")
    body = performance.pose((segment.arrived_s + segment.released_s) / 2)
    span = float(np.linalg.norm(knuckles(body[91:112]) - knuckles(body[112:133])))
    return make_prop(kind, rng, span), (1 - strong, strong)


def _carried(
    kinds: Sequence[str], start_s: float, end_s: float, strong: int, rng: np.random.Generator,
    rate: float,
) -> list[Holding]:  # fmt: skip
    """Something, or nothing, in one hand for the whole or a part of an idle time."""
    wanted, part = rng.random() < rate, np.sort(rng.uniform(start_s, max(end_s, start_s), 2))
    kind = kinds[int(rng.integers(len(kinds)))]
    whole, side = rng.random() < 0.6, strong if rng.random() < 0.7 else 1 - strong
    prop = make_prop(kind, rng)
    first, last = (start_s, end_s) if whole else (float(part[0]), float(part[1]))
    if not wanted or last - first < _SHORTEST_S:
        return []
    return [Holding(prop, (side,), first, last)]
