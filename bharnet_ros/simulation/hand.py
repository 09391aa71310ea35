"""A hand as rounded cones: phalanges, metacarpals, the ball of the thumb and the web beside it.

Proportions are in palm lengths (wrist to middle knuckle), after common hand breadth and depth
tables: an index finger is about 0.2 palm lengths wide, a palm 0.3 deep.
"""

from __future__ import annotations

import math

import numpy as np

from bharnet_ros.simulation.materials import NAIL, PALM, SKIN
from bharnet_ros.simulation.solids import Cone
from bharnet_ros.types import AnyFloat

PALM_GROUP = 3
# Radii at MCP, PIP, DIP and tip of index, middle, ring and little finger.
_FINGER_RADII = (
    (0.112, 0.099, 0.088, 0.070),
    (0.114, 0.102, 0.090, 0.072),
    (0.108, 0.096, 0.085, 0.068),
    (0.094, 0.083, 0.074, 0.060),
)
_THUMB_RADII = (0.165, 0.128, 0.112, 0.078)
_KNUCKLES = (5, 9, 13, 17)
_CREASE = 0.30
_HEEL = 0.07
# The tip keypoint lies in the pad: the flesh's end is this share of the radius beyond it.
_TIP_REACH = 0.85


def unit(vector: AnyFloat) -> AnyFloat:
    """(..., 3) -> unit vectors; a zero vector stays zero."""
    if vector.ndim == 1:  # by far the most frequent, and much faster this way
        x, y, z = vector.tolist()
        return vector * (1.0 / max(math.sqrt(x * x + y * y + z * z), 1e-9))
    length = np.sqrt((vector * vector).sum(axis=-1, keepdims=True))
    scaled: AnyFloat = vector / np.maximum(length, 1e-9)
    return scaled


def cross(first: AnyFloat, second: AnyFloat) -> AnyFloat:
    """Cross product of two (3,) vectors; numpy's own takes ten times as long for one pair."""
    a, b, c = first.tolist()
    d, e, f = second.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


def palm_length(points: AnyFloat) -> float:
    """Wrist to middle knuckle of a (21, D) hand, in its unit."""
    return float(np.linalg.norm(points[9] - points[0]))


def palm_frame(points: AnyFloat, right: bool) -> tuple[AnyFloat, AnyFloat, AnyFloat]:
    """(21, 3) hand -> unit vectors: out of the palm, to the thumb's side, to the fingers."""
    along = unit(points[9] - points[0])
    side = points[5] - points[17]
    side = unit(side - along * (side @ along))
    out = cross(side, along)
    return (out if right else -out), side, along


def hand_cones(points: AnyFloat, right: bool, girth: float) -> list[Cone]:
    """(21, 3) hand in camera coordinates -> its cones. girth: thickness, 1 = average."""
    size = palm_length(points) * girth
    if size < 1e-4:
        return []
    out, side, along = palm_frame(points, right)
    cones = _palm(points, out, side, along, size)
    hinge = side if right else -side
    for finger, radii in enumerate(_FINGER_RADII):
        chain = points[5 + 4 * finger : 9 + 4 * finger]
        cones += _digit(chain, radii, size, [
            -unit(cross(hinge, unit(chain[k + 1] - chain[k]))) for k in range(3)
        ])  # fmt: skip
    bones = unit(points[2:5] - points[1:4])
    bend = bones[2] - bones[1]
    # A bent thumb shows where its back is; a straight one is taken half turned to the palm.
    away = -bend if np.linalg.norm(bend) > 0.25 else 0.55 * side - 0.75 * out
    backs = [unit(away - bone * (away @ bone)) for bone in bones]
    cones += _digit(points[1:5], _THUMB_RADII, size, backs)
    return cones


def _digit(
    chain: AnyFloat, radii: tuple[float, ...], size: float, backs: list[AnyFloat]
) -> list[Cone]:
    tip = chain[3] - unit(chain[3] - chain[2]) * (radii[3] * (1 - _TIP_REACH) * size)
    nodes = [chain[0], chain[1], chain[2], tip]
    return [
        Cone(
            nodes[k], nodes[k + 1], radii[k] * size, radii[k + 1] * size, PALM,
            PALM_GROUP if k == 0 else 0, backs[k], SKIN, _CREASE if k else 0.0,
            NAIL if k == 2 else 0,
        )
        for k in range(3)
    ]  # fmt: skip


def _palm(
    points: AnyFloat, out: AnyFloat, side: AnyFloat, along: AnyFloat, size: float
) -> list[Cone]:
    # Measured with a hand network: it takes the wrist to lie a little before the heel's end.
    wrist = points[0] + along * (_HEEL * size)
    base = points[1] + (along * 0.05 - side * 0.04) * size
    back = -out

    def cone(start: AnyFloat, end: AnyFloat, first: float, last: float) -> Cone:
        return Cone(start, end, first * size, last * size, PALM, PALM_GROUP, back, SKIN)

    palm_seen = out[2] < 0.15
    back_seen = out[2] > -0.15
    cones = []
    for place, knuckle in zip((0.14, 0.05, -0.05, -0.14), _KNUCKLES, strict=True):
        root = wrist + side * (place * size) + along * (0.06 * size)
        cones.append(cone(root, points[knuckle], 0.150, 0.126))
        if back_seen:  # the knuckle stands out on the back
            bump = points[knuckle] - out * (0.045 * size)
            cones.append(cone(bump - along * (0.10 * size), bump, 0.080, 0.098))
    for first, second in ((5, 9), (9, 13), (13, 17)):
        web = _web(points, first, second)
        if web is not None:
            shift = out * (0.020 * size)
            cones.append(cone(web[0] + shift, web[1] + shift, 0.092, 0.092))
    heel = wrist - side * (0.15 * size) + along * (0.14 * size) + out * (0.05 * size)
    edge = points[0] * 0.35 + points[17] * 0.65 + out * (0.03 * size)
    cones.append(cone(heel, edge, 0.165, 0.140))
    cones.append(cone(wrist + side * (0.10 * size), base, 0.140, 0.160))
    if palm_seen:
        ball = out * (0.05 * size)
        cones.append(cone(base + ball, points[1] * 0.25 + points[2] * 0.75 + ball, 0.175, 0.135))
    cones.append(cone(base, points[2], 0.155, 0.128))
    fold = points[5] * 0.62 + points[0] * 0.38
    cones.append(cone(fold, points[1] * 0.40 + points[2] * 0.60, 0.110, 0.085))
    cones.append(cone(points[5] * 0.75 + points[0] * 0.25, points[1] * 0.75 + points[2] * 0.25,
                      0.115, 0.130))  # fmt: skip
    return cones


def _web(points: AnyFloat, first: int, second: int) -> tuple[AnyFloat, AnyFloat] | None:
    """Ends of the skin fold between two fingers' first phalanges; None if one is bent away."""
    bones = points[[first + 1, second + 1]] - points[[first, second]]
    likeness = float(np.sum(unit(bones[0]) * unit(bones[1])))
    if likeness < 0.55:
        return None
    reach = 0.20 * (likeness - 0.55) / 0.45
    return points[first] + bones[0] * reach, points[second] + bones[1] * reach
