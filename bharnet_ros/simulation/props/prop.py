"""What a thing is made of: boxes, flat-ended round bodies and balls with paint on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bharnet_ros.simulation.appearance import Colour

Vector = tuple[float, float, float]
Face = Literal["front", "back", "left", "right", "top", "bottom", "side"]
Mount = Literal["wrap", "plate", "pinch"]


@dataclass(frozen=True)
class Decal:
    """Paint on one face of a solid.

    face: of a box any but "side"; of a round body "top", "bottom" or "side", of a ball "side".
    area: left, bottom, right, top in the face's own -1..1 (on "side": share of half a turn from
    the front, and of the height or the latitude). colour: index into the prop's colours.
    disc: only the ellipse within the area. tone: factor on the brightness.
    """

    face: Face
    area: tuple[float, float, float, float]
    colour: int
    disc: bool = False
    tone: float = 1.0


@dataclass(frozen=True)
class Box:
    """centre, size: metres along the prop's x (right), y (up) and z (to its front).

    turn_deg: turned about an upright axis through its centre, its front to the prop's right.
    """

    centre: Vector
    size: Vector
    colour: int = 0
    decals: tuple[Decal, ...] = ()
    turn_deg: float = 0.0


@dataclass(frozen=True)
class Barrel:
    """A round body about an upright axis, its ends cut flat: metres, radii at its two ends."""

    centre: Vector
    height: float
    bottom_radius: float
    top_radius: float
    colour: int = 0
    decals: tuple[Decal, ...] = ()


@dataclass(frozen=True)
class Globe:
    """A ball; flatten: its height in its width."""

    centre: Vector
    radius: float
    flatten: float = 1.0
    colour: int = 0
    decals: tuple[Decal, ...] = ()


Solid = Box | Barrel | Globe


@dataclass(frozen=True)
class Prop:
    """One thing of a kind: a red cup with a handle, say.

    solids: what it is made of, metres in its own frame, the origin where the hand holds it.
    colours: BGR 0..255, what the solids' colour numbers mean. mount: how one hand holds it:
    fingers wrapped around it ("wrap"), flat in the hand ("plate"), between thumb and index
    ("pinch"). half: half its size along x, y and z, metres: of a "wrap" the first is the radius
    of what is in the hand. lift: how far its middle is above where two hands hold it, metres.
    """

    kind: str
    solids: tuple[Solid, ...]
    colours: tuple[Colour, ...]
    mount: Mount
    half: Vector
    lift: float = 0.0
