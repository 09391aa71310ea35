"""How a prop lies in a hand, or in both: hand keypoints -> the prop's frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation.hand import cross, palm_frame, palm_length, unit
from bharnet_ros.simulation.props.prop import Prop
from bharnet_ros.simulation.props.tracing import Frame, corners
from bharnet_ros.types import AnyFloat

_HANDS = (91, 112)  # first keypoint of the left and of the right hand
# From the bones to the skin of palm and fingers, palm lengths.
_FLESH = 0.12
# Half the width, palm lengths, of what no fingers reach around.
_BROAD = 0.55
# Two hands further apart than this do not hold one thing; in between they let go of it.
_APART_M = (0.46, 0.60)


@dataclass(frozen=True, eq=False)
class PlacedProp:
    """A prop in somebody's hands. frame: where, camera coordinates. hands: 0 left, 1 right."""

    prop: Prop
    frame: Frame
    hands: tuple[int, ...]

    def corners(self) -> AnyFloat:
        """(N, 3) corners of the boxes around its solids, camera coordinates."""
        return np.concatenate([corners(solid, self.frame) for solid in self.prop.solids])


def place_prop(prop: Prop, local: AnyFloat, hands: tuple[int, ...]) -> PlacedProp:
    """Put a prop into the hands of a person: local (133, 3) metres in camera coordinates.

    hands: 0 left, 1 right; with both, the last one keeps it while they are apart. Raises
    ConfigurationError for hands nobody has.
    """
    if tuple(sorted(hands)) not in ((0,), (1,), (0, 1)):
        raise ConfigurationError(
            f"a {prop.kind} is to be held by hands {hands}; give (0,), (1,) or both"
        )
    frame = one_hand(prop, local[_slice(hands[-1])], hands[-1] == 1)
    if len(hands) == 2:
        first, second = (local[_slice(side)] for side in (0, 1))
        distance = float(np.linalg.norm(knuckles(first) - knuckles(second)))
        share = (_APART_M[1] - distance) / (_APART_M[1] - _APART_M[0])
        share = float(np.clip(share, 0.0, 1.0))
        if share > 0:
            together = two_hands(prop, first, second, local[:5].mean(axis=0))
            frame = _between(frame, together, share)
    return PlacedProp(prop, frame, hands)


def one_hand(prop: Prop, hand: AnyFloat, right: bool) -> Frame:
    """The prop in one hand (21, 3): upright where the thumb's side is up, its front away from
    the palm."""
    out, side, _ = palm_frame(hand, right)
    size = palm_length(hand)
    row = knuckles(hand)
    first = unit(hand[[6, 10, 14]].mean(axis=0) - hand[[5, 9, 13]].mean(axis=0))
    flat = unit(first - side * (side @ first))
    facing = cross(side, flat) if right else -cross(side, flat)
    middle = unit(out + facing)  # halves the angle between palm and fingers
    flesh = _FLESH * size
    if prop.mount == "wrap":
        # A circle that touches both the palm and the first phalanges.
        open_share = max(float(middle @ out), 0.5)
        origin = row + middle * ((prop.half[0] + flesh) / open_share)
        return Frame(origin, _axes(side, middle))
    if prop.mount == "pinch":
        tips = (hand[4] + hand[[6, 7]].mean(axis=0)) / 2
        return Frame(tips + side * (0.15 * size), _axes(side, middle))
    above = middle * (flesh + prop.half[2] + 0.06 * size)
    if prop.half[0] > _BROAD * size:  # held at an edge
        return Frame(row + flat * (0.75 * prop.half[0]) + above, _axes(side, middle))
    edge = row + flat * (0.42 * size)
    return Frame(edge - flat * prop.half[0] + above, _axes(side, middle))


def two_hands(prop: Prop, left: AnyFloat, right: AnyFloat, head: AnyFloat) -> Frame:
    """The prop between two hands (21, 3), its front turned to the head (3,)."""
    outs = palm_frame(left, False)[0] + palm_frame(right, True)[0]
    size = (palm_length(left) + palm_length(right)) / 2
    first, second = knuckles(left), knuckles(right)
    middle = (first + second) / 2
    across = unit(first - second)  # to the holder's left, the right as they look at the front
    normal = unit(unit(outs) + unit(head - middle))
    normal = unit(normal - across * (across @ normal))
    up = cross(normal, -across)
    if up[1] > 0:  # y points down in camera coordinates
        up = -up
    origin = middle + normal * (_FLESH * size + prop.half[2]) + up * prop.lift
    return Frame(origin, _axes(up, normal))


def _slice(side: int) -> slice:
    return slice(_HANDS[side], _HANDS[side] + 21)


def knuckles(hand: AnyFloat) -> AnyFloat:
    """(3,) middle of the knuckles of index, middle and ring finger."""
    mean: AnyFloat = hand[[5, 9, 13]].mean(axis=0)
    return mean


def _axes(up: AnyFloat, front: AnyFloat) -> AnyFloat:
    """(3, 3) right-handed x, y, z from y (3,) and a z (3,) that is made square to it."""
    y = unit(up)
    z = unit(front - y * (y @ front))
    return np.stack([cross(y, z), y, z])


def _between(first: Frame, second: Frame, share: float) -> Frame:
    """share 0: the first; 1: the second."""
    origin = first.origin * (1 - share) + second.origin * share
    mixed = first.axes * (1 - share) + second.axes * share
    if float(np.linalg.norm(cross(mixed[1], mixed[2]))) < 0.1:  # about opposite: no way between
        mixed = second.axes if share > 0.5 else first.axes
    return Frame(origin, _axes(mixed[1], mixed[2]))
