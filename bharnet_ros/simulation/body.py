"""The rest of the person as rounded cones: head, hair, neck, torso, arms, legs, shoes.

Radii in metres are those of an average adult; they follow the person's own bone lengths
(shoulder width, head size), so that tall and small people keep their proportions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.hand import cross, unit
from bharnet_ros.simulation.materials import BEARD, HAIR, SCALP, SHIRT, SHOES, SKIN, TROUSERS
from bharnet_ros.simulation.solids import Cone
from bharnet_ros.types import AnyFloat

TORSO_GROUP = 1
HEAD_GROUP = 2
_L_HAND, _R_HAND = 91, 112


@dataclass(frozen=True)
class HeadFrame:
    """origin: between the ears. forward, left, up: unit (3,). scale: 1 = average head."""

    origin: AnyFloat
    forward: AnyFloat
    left: AnyFloat
    up: AnyFloat
    scale: float

    def place(self, x: float, y: float, z: float) -> AnyFloat:
        """A point given in metres of an average head -> camera coordinates."""
        local: AnyFloat = self.forward * x + self.left * y + self.up * z
        return self.origin + local * self.scale


def head_frame(points: AnyFloat) -> HeadFrame:
    """(133, 3) body in camera coordinates -> the head's frame, from ears and eyes."""
    left_ear, right_ear = points[3], points[4]
    origin = (left_ear + right_ear) / 2
    width = float(np.linalg.norm(left_ear - right_ear))
    left = unit(left_ear - right_ear)
    eyes = (points[1] + points[2]) / 2 - origin
    eyes = unit(eyes - left * (eyes @ left))
    # x forward, y left, z up is right-handed and stays so in camera coordinates.
    lift = cross(eyes, left)
    # The eyes lie 11 degrees above the line that looks straight ahead.
    forward = unit(eyes * 0.982 - lift * 0.187)
    return HeadFrame(origin, forward, left, cross(forward, left), max(width / 0.152, 0.3))


def head_cones(points: AnyFloat, look: Appearance) -> list[Cone]:
    """(133, 3) camera coordinates -> skull, jaw, nose, ears, neck and hair."""
    head = head_frame(points)
    s = head.scale

    def cone(
        a: tuple[float, float, float], b: tuple[float, float, float], ra: float, rb: float,
        material: int = SKIN, group: int = HEAD_GROUP,
    ) -> Cone:  # fmt: skip
        return Cone(head.place(*a), head.place(*b), ra * s, rb * s, material, group)

    lower = BEARD if look.beard else SKIN
    cones = [
        cone((-0.032, 0, 0.045), (0.020, 0, 0.045), 0.074, 0.073),  # cranium
        cone((0.012, 0, 0.020), (0.022, 0, -0.030), 0.070, 0.062),  # cheeks
        cone((0.018, 0.024, -0.035), (0.050, 0.016, -0.078), 0.049, 0.030, lower),  # jaw
        cone((0.018, -0.024, -0.035), (0.050, -0.016, -0.078), 0.049, 0.030, lower),
        cone((0.045, 0.0, -0.030), (0.060, 0.0, -0.072), 0.046, 0.026, lower),
        cone((0.080, 0, 0.018), (0.104, 0, -0.016), 0.008, 0.011, SKIN, 0),  # nose
        cone((0.100, 0.008, -0.020), (0.100, -0.008, -0.020), 0.009, 0.009, SKIN, 0),
    ]
    for y in (0.074, -0.074):
        cones.append(cone((-0.004, y, 0.016), (0.004, y, -0.020), 0.014, 0.010, SKIN, 0))
    neck = (points[5] + points[6]) / 2
    base = neck * 0.86 + head.origin * 0.14
    cones.append(
        Cone(base, head.place(-0.012, 0, -0.045), 0.060 * s * look.build, 0.054 * s, SKIN)
    )
    return cones + _hair(head, look, neck)


def _hair(head: HeadFrame, look: Appearance, neck: AnyFloat) -> list[Cone]:
    s = head.scale

    def cone(a: AnyFloat, b: AnyFloat, ra: float, rb: float, material: int = HAIR) -> Cone:
        return Cone(a, b, ra * s, rb * s, material)

    if look.hair_style == "bald":
        crown = head.place(-0.040, 0, 0.040)
        return [cone(crown, head.place(-0.02, 0, 0.040), 0.071, 0.071, SCALP)]
    bulk = {"short": 0.0, "medium": 0.007, "long": 0.006}[look.hair_style]
    crown, front = head.place(-0.036, 0, 0.062), head.place(0.016, 0, 0.070)
    back, nape = head.place(-0.038, 0, 0.050), head.place(-0.034, 0, 0.0)
    cones = [
        cone(crown, front, 0.075 + bulk, 0.070 + bulk),
        cone(back, nape, 0.078 + bulk, 0.066 + bulk),
    ]
    if look.hair_style in ("medium", "long"):
        for y in (1.0, -1.0):
            low = head.place(-0.012, 0.080 * y, -0.055)
            top = head.place(-0.012, 0.066 * y, 0.055)
            cones.append(cone(top, low, 0.030, 0.022))
            if look.hair_style == "long":
                end = low * 0.35 + neck * 0.65 - head.forward * 0.05 * s + head.left * 0.045 * y * s
                cones.append(cone(low, end, 0.026, 0.030))
        if look.hair_style == "long":
            fall = neck - head.forward * 0.085 * s
            cones.append(cone(head.place(-0.05, 0, 0.0), fall, 0.066, 0.060))
    return cones


def body_cones(points: AnyFloat, look: Appearance) -> list[Cone]:
    """(133, 3) camera coordinates -> torso, arms up to the wrists, legs and shoes."""
    left_shoulder, right_shoulder = points[5], points[6]
    left_hip, right_hip = points[11], points[12]
    width = float(np.linalg.norm(left_shoulder - right_shoulder))
    size = width / 0.36  # 1 for an average adult
    girth = size * look.build
    middle = (left_shoulder + right_shoulder) / 2
    hips = (left_hip + right_hip) / 2
    up = unit(middle - hips)
    left = unit(left_shoulder - right_shoulder)
    front = unit(cross(left, up))
    cones = _torso(points, middle, hips, up, left, front, size, girth)
    for side in (0, 1):
        cones += _arm(points[5 + side], points[7 + side], points[9 + side], look, girth)
        cones += _leg(points, side, look, girth)
    return cones


def _torso(
    points: AnyFloat, middle: AnyFloat, hips: AnyFloat, up: AnyFloat, left: AnyFloat,
    front: AnyFloat, size: float, girth: float,
) -> list[Cone]:  # fmt: skip
    def cone(a: AnyFloat, b: AnyFloat, ra: float, rb: float, material: int = SHIRT) -> Cone:
        return Cone(a, b, ra * girth, rb * girth, material, TORSO_GROUP)

    shoulders = (points[5], points[6])
    hip_points = (points[11], points[12])
    cones = []
    cones.append(cone(middle - up * 0.115 * size, hips + up * 0.05, 0.112, 0.110))
    for shoulder, hip in zip(shoulders, hip_points, strict=True):  # columns down to the hips
        top = middle + (shoulder - middle) * 0.60 - up * 0.115 * size
        cones.append(cone(top, hips + (hip - hips) * 0.813 + up * 0.05, 0.108, 0.108))
    for sign, shoulder in zip((1.0, -1.0), shoulders, strict=True):
        cones.append(cone(middle - up * 0.035 * size + left * (0.03 * sign), shoulder
                          - up * 0.012 * size, 0.070, 0.060))  # fmt: skip
        chest = middle + left * (0.085 * sign * size) - up * 0.15 * size + front * 0.035 * size
        cones.append(cone(chest, chest - up * 0.03, 0.088, 0.085))
    cones.append(cone(middle - up * 0.01, middle - up * 0.1 * size, 0.072, 0.10))
    belt = (hip_points[0] * 1.1 + hip_points[1] * -0.1, hip_points[1] * 1.1 + hip_points[0] * -0.1)
    cones.append(cone(belt[0] - up * 0.01, belt[1] - up * 0.01, 0.108, 0.108, TROUSERS))
    cones.append(cone(belt[0] + up * 0.045, belt[1] + up * 0.045, 0.114, 0.114))  # hem
    return cones


def _arm(
    shoulder: AnyFloat, elbow: AnyFloat, wrist: AnyFloat, look: Appearance, girth: float
) -> list[Cone]:
    nodes = (shoulder, elbow, wrist)
    radii = (0.053 * girth, 0.042 * girth, 0.0275 * girth**0.5)
    upper = float(np.linalg.norm(elbow - shoulder))
    fore = float(np.linalg.norm(wrist - elbow))
    cones = []
    for k in (0, 1):  # skin; the forearm swells below the elbow
        start, end = nodes[k], nodes[k + 1]
        if k == 1:
            belly = start + (end - start) * 0.28
            cones.append(Cone(start, belly, radii[1] * 0.95, radii[1] * 1.02, SKIN))
            cones.append(Cone(belly, end, radii[1] * 1.02, radii[2], SKIN))
        else:
            cones.append(Cone(start, end, radii[0], radii[1], SKIN))
    covered = look.sleeve * (upper + fore)
    loose = 0.009
    share = min(covered / max(upper, 1e-6), 1.0)
    cuff = shoulder + (elbow - shoulder) * share
    open_end = loose + (0.006 if share < 1 else 0.0)
    width = radii[0] + (radii[1] - radii[0]) * share
    cones.append(Cone(shoulder, cuff, radii[0] + loose, width + open_end, SHIRT))
    if covered > upper:
        share = min((covered - upper) / max(fore, 1e-6), 0.97)
        cuff = elbow + (wrist - elbow) * share
        cones.append(Cone(elbow, cuff, radii[1] + loose, radii[2] + 0.012, SHIRT))
    return cones


def _leg(points: AnyFloat, side: int, look: Appearance, girth: float) -> list[Cone]:
    hip, knee, ankle = points[11 + side], points[13 + side], points[15 + side]
    big_toe, small_toe, heel = (points[17 + 3 * side + k] for k in range(3))
    toe = (big_toe + small_toe) / 2
    return [
        Cone(hip, knee, 0.092 * girth, 0.064 * girth, TROUSERS),
        Cone(knee, ankle, 0.062 * girth, 0.050 * girth, TROUSERS),
        Cone(heel, toe, 0.040, 0.036, SHOES),
        Cone(heel, ankle, 0.040, 0.042, SHOES),
    ]
