"""What the kinds of props look like; size, colours and pattern differ from thing to thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation.appearance import Colour
from bharnet_ros.simulation.props.prop import Barrel, Box, Decal, Face, Globe, Prop, Solid

# What things are painted with. One palette for all kinds: no colour tells what a thing is.
_COLOURS: tuple[Colour, ...] = (
    (238, 238, 240), (40, 38, 40), (50, 50, 200), (190, 110, 40), (70, 150, 60), (60, 190, 230),
    (40, 120, 235), (150, 70, 130), (160, 160, 165), (180, 180, 90), (110, 90, 190), (60, 80, 110),
)  # fmt: skip
_PAPER: Colour = (214, 226, 232)
_INK: Colour = (70, 66, 64)
_GLASS: Colour = (34, 30, 28)


def _colour(rng: np.random.Generator) -> Colour:
    base = np.array(_COLOURS[int(rng.integers(len(_COLOURS)))], np.float64)
    return _mixed(base * rng.uniform(0.8, 1.1) + rng.uniform(-14, 14, 3))


def _mixed(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Colour:
    blue, green, red = (int(v) for v in np.clip(values, 8, 250))
    return blue, green, red


def _bands(rng: np.random.Generator, face: Face, colour: int) -> list[Decal]:
    """A plain thing, a wide band, rings, dots or fields: what is printed on cups and balls."""
    kind = int(rng.integers(5))
    if kind == 1:
        low = rng.uniform(-0.6, 0.0)
        return [Decal(face, (-1, low, 1, low + rng.uniform(0.3, 0.6)), colour)]
    if kind == 2:
        return [Decal(face, (-1, v, 1, v + 0.18), colour) for v in (-0.75, -0.3, 0.15, 0.6)]
    if kind == 3:
        return [
            Decal(face, (u, v, u + 0.22, v + 0.4), colour, disc=True)
            for k, v in enumerate((-0.8, -0.25, 0.3))
            for u in np.arange(-1 + 0.12 * k, 0.9, 0.36).tolist()
        ]
    if kind == 4:
        return [Decal(face, (u, -1, u + 0.25, 1), colour) for u in (-1.0, -0.5, 0.0, 0.5)]
    return []


def _cup(rng: np.random.Generator) -> Prop:
    radius, height = rng.uniform(0.035, 0.044), rng.uniform(0.095, 0.135)
    taper, lift = rng.uniform(0.70, 1.0), rng.uniform(0.018, 0.035)
    rim = [
        Decal("top", (-1, -1, 1, 1), 0, tone=1.08),
        Decal("top", (-0.88, -0.88, 0.88, 0.88), 2, disc=True, tone=0.75),
    ]
    body = Barrel((0, lift, 0), height, radius * taper, radius, 0,
                  (*_bands(rng, "side", 1), *rim))  # fmt: skip
    solids: list[Solid] = [body]
    kind = int(rng.integers(3))
    if kind == 0:  # a lid, as on coffee to go
        top = lift + height / 2
        solids += [
            Barrel((0, top + 0.004, 0), 0.008, radius * 1.06, radius * 1.04, 3),
            Barrel((0, top + 0.012, 0), 0.009, radius * 0.92, radius * 0.84, 3),
        ]
    elif kind == 1:  # a handle: three sides of a frame, away from the palm
        solids += _handle(radius * (0.5 + 0.5 * taper), lift, height, rng.uniform(-60, 60))
    drink = ((30, 45, 70), (60, 110, 190), (235, 235, 238))[int(rng.integers(3))]
    lid = ((235, 235, 236), (40, 40, 42), (70, 95, 130))[int(rng.integers(3))]
    return Prop("cup", tuple(solids), (_colour(rng), _colour(rng), drink, lid), "wrap",
                (radius, height / 2, radius))  # fmt: skip


def _handle(radius: float, middle: float, height: float, turn_deg: float) -> list[Solid]:
    thick, out = 0.010, radius + 0.028
    high, low = middle + 0.30 * height, middle - 0.22 * height
    sine, cosine = float(np.sin(np.deg2rad(turn_deg))), float(np.cos(np.deg2rad(turn_deg)))

    def bar(distance: float, y: float, tall: float, deep: float) -> Box:
        centre = (distance * sine, y, distance * cosine)
        return Box(centre, (thick, tall, deep), 0, (), turn_deg)

    between = (radius - 0.006 + out) / 2
    return [
        bar(out, (high + low) / 2, high - low + thick, thick),
        *(bar(between, y, thick, out - radius + 0.006) for y in (high, low)),
    ]


def _bottle(rng: np.random.Generator) -> Prop:
    radius, height = rng.uniform(0.029, 0.037), rng.uniform(0.13, 0.17)
    neck, lift = radius * rng.uniform(0.36, 0.46), rng.uniform(0.0, 0.02)
    shoulder, top = rng.uniform(0.025, 0.045), lift + height / 2
    low = rng.uniform(-0.35, 0.1)
    label = (Decal("side", (-1, low, 1, low + 0.55), 1),
             Decal("side", (-0.5, low + 0.15, 0.5, low + 0.4), 2))  # fmt: skip
    solids: tuple[Solid, ...] = (
        Barrel((0, lift, 0), height, radius, radius, 0, label),
        Barrel((0, top + shoulder / 2, 0), shoulder, radius, neck, 0),
        Barrel((0, top + shoulder + 0.012, 0), 0.024, neck, neck, 0),
        Barrel((0, top + shoulder + 0.030, 0), 0.016, neck * 1.2, neck * 1.15, 3),
    )
    colours = (_colour(rng), _colour(rng), _colour(rng), _colour(rng))
    return Prop("bottle", solids, colours, "wrap", (radius, height / 2, radius))


def _phone(rng: np.random.Generator) -> Prop:
    width, height = rng.uniform(0.068, 0.079), rng.uniform(0.140, 0.166)
    thick = rng.uniform(0.008, 0.012)
    half = (width / 2, height / 2, thick / 2)
    decals = [*_screen(rng, 0.93, 0.95)]
    if rng.random() < 0.5:
        decals += [Decal("back", (-0.88, 0.52, -0.2, 0.93), 1, tone=0.7),
                   Decal("back", (-0.80, 0.74, -0.48, 0.90), 3, disc=True)]  # fmt: skip
    else:
        decals += [Decal("back", (-0.82, v, -0.52, v + 0.16), 1, disc=True, tone=0.7)
                   for v in (0.74, 0.50)]  # fmt: skip
    if rng.random() < 0.4:
        decals += [Decal("back", (-0.22, -0.12, 0.22, 0.1), 3, disc=True)]
    body = Box((0, rng.uniform(0.025, 0.045), 0), (width, height, thick), 0, tuple(decals))
    return Prop("phone", (body,), (_colour(rng), _GLASS, _lit(rng), _colour(rng)), "plate", half)


def _lit(rng: np.random.Generator) -> Colour:
    """What a screen shows: mostly bright, sometimes off."""
    return ((205, 200, 195), _GLASS, (190, 130, 70), (120, 190, 120))[int(rng.integers(4))]


def _screen(rng: np.random.Generator, right: float, top: float) -> list[Decal]:
    """Rim, picture and a few bright lines on the front; colours 1 and 2."""
    lines = [
        Decal("front", (-0.75, v, float(rng.uniform(0.0, 0.75)), v + 0.07), 2, tone=0.8)
        for v in (0.55, 0.3, 0.05, -0.2)
    ]
    return [Decal("front", (-1, -1, 1, 1), 1, tone=0.8),
            Decal("front", (-right, -top, right, top), 2, tone=1.25), *lines]  # fmt: skip


def _width(rng: np.random.Generator, span_m: float) -> float:
    """Of a thing between two hands whose knuckles are span_m apart."""
    return float(np.clip(span_m * rng.uniform(0.92, 1.04), 0.18, 0.40))


def _tablet(rng: np.random.Generator, span_m: float | None = None) -> Prop:
    width = rng.uniform(0.22, 0.27) if span_m is None else _width(rng, span_m)
    height, thick = width * rng.uniform(0.64, 0.78), rng.uniform(0.007, 0.012)
    decals = [*_screen(rng, 0.94, 0.91)]
    if rng.random() < 0.6:
        decals += [Decal("back", (0.84, 0.78, 0.94, 0.93), 1, disc=True, tone=0.7)]
    if rng.random() < 0.6:
        decals += [Decal("back", (-0.09, -0.12, 0.09, 0.12), 3, disc=True)]
    body = Box((0, 0, 0), (width, height, thick), 0, tuple(decals))
    return Prop("tablet", (body,), (_colour(rng), _GLASS, _lit(rng), _colour(rng)), "plate",
                (width / 2, height / 2, thick / 2), lift=0.22 * height)  # fmt: skip


def _card(rng: np.random.Generator) -> Prop:
    width, height = rng.uniform(0.080, 0.105), rng.uniform(0.050, 0.070)
    if rng.random() < 0.5:
        width, height = height, width
    decals: list[Decal] = []
    for face in ("front", "back"):
        decals += _card_print(rng, face)
    body = Box((0, height * 0.42, 0), (width, height, 0.002), 0, tuple(decals))
    return Prop("card", (body,), (_colour(rng), _colour(rng), _INK, _PAPER), "pinch",
                (width / 2, height / 2, 0.001))  # fmt: skip


def _card_print(rng: np.random.Generator, face: Face) -> list[Decal]:
    kind = int(rng.integers(3))
    if kind == 0:  # a pass with a picture
        return [Decal(face, (-0.85, -0.6, -0.25, 0.55), 1),
                Decal(face, (-0.7, -0.1, -0.4, 0.45), 3, disc=True),
                *(Decal(face, (-0.1, v, 0.8, v + 0.16), 2) for v in (0.3, 0.0, -0.3))]  # fmt: skip
    if kind == 1:  # a stripe along it
        return [Decal(face, (-1, 0.35, 1, 0.75), 2), Decal(face, (-0.85, -0.5, 0.1, -0.2), 1)]
    return [Decal(face, (-0.85, 0.0, -0.45, 0.5), 1),
            *(Decal(face, (-0.85, v, 0.7, v + 0.12), 2) for v in (-0.3, -0.65))]  # fmt: skip


def _book(rng: np.random.Generator, span_m: float | None = None) -> Prop:
    """Open, with two leaves that make a shallow roof; its front is what the reader sees."""
    if span_m is None:
        return _closed_book(rng)
    width = _width(rng, span_m)
    height = width * rng.uniform(0.68, 0.84)
    thick = rng.uniform(0.010, 0.022)
    leaf = width / 2
    text = [Decal("front", (-0.8, v, 0.75, v + 0.05), 3, tone=1.0)
            for v in np.arange(-0.75, 0.75, 0.17).tolist()]  # fmt: skip
    if rng.random() < 0.5:
        text = [*text[:4], Decal("front", (-0.7, 0.05, 0.7, 0.75), 1)]
    title = [Decal("back", (-0.7, 0.35, 0.7, 0.6), 1), Decal("back", (-0.5, 0.1, 0.5, 0.22), 1)]
    if rng.random() < 0.5:
        title += [Decal("back", (-0.55, -0.75, 0.55, -0.1), 4)]
    fold = rng.uniform(12, 28)
    solids: list[Solid] = []
    for side in (-1, 1):  # the outer edges come towards the reader
        sine, cosine = float(np.sin(np.deg2rad(fold))), float(np.cos(np.deg2rad(fold)))
        x, z = side * leaf / 2 * cosine, leaf / 2 * sine
        page = (x - side * thick * 0.55 * sine, 0.0, z + thick * 0.55 * cosine)
        solids += [
            Box(page, (leaf * 0.96, height * 0.95, thick), 2, tuple(text), -side * fold),
            Box((x, 0, z - 0.002), (leaf, height, 0.004), 0, tuple(title) if side < 0 else (),
                -side * fold),
        ]  # fmt: skip
    colours = (_colour(rng), _colour(rng), _PAPER, _INK, _colour(rng))
    return Prop("book", tuple(solids), colours, "plate", (leaf * cosine, height / 2, thick / 2),
                lift=0.20 * height)  # fmt: skip


def _closed_book(rng: np.random.Generator) -> Prop:
    width, height = rng.uniform(0.11, 0.15), rng.uniform(0.17, 0.22)
    thick = rng.uniform(0.012, 0.03)
    pages = Box((0.002, 0, 0), (width - 0.002, height * 0.95, thick - 0.006), 2)
    cover = (Decal("front", (-0.7, 0.3, 0.7, 0.65), 1), Decal("back", (-0.7, -0.6, 0.6, -0.2), 1))
    solids = (
        pages,
        Box((0, 0, thick / 2 - 0.0015), (width, height, 0.003), 0, cover[:1]),
        Box((0, 0, 0.0015 - thick / 2), (width, height, 0.003), 0, cover[1:]),
        Box((-width / 2 + 0.0015, 0, 0), (0.003, height, thick), 0),
    )
    return Prop("book", solids, (_colour(rng), _colour(rng), _PAPER), "plate",
                (width / 2, height / 2, thick / 2))  # fmt: skip


def _ball(rng: np.random.Generator) -> Prop:
    radius = rng.uniform(0.044, 0.066)
    decals = _bands(rng, "side", 1)
    if rng.random() < 0.35:
        decals = [Decal("side", (-1, -1, 0, 1), 1)]
    body = Globe((0, 0, 0), radius, 1.0, 0, tuple(decals))
    return Prop("ball", (body,), (_colour(rng), _colour(rng)), "wrap", (radius, radius, radius))


def _apple(rng: np.random.Generator) -> Prop:
    radius = rng.uniform(0.034, 0.042)
    fruit = ((40, 40, 190), (50, 170, 110), (60, 190, 220), (40, 60, 150))[int(rng.integers(4))]
    cheek = Decal("side", (-0.5, -0.5, 0.3, 0.6), 1, disc=True)
    solids = (
        Globe((0, 0, 0), radius, 0.92, 0, (cheek, Decal("side", (-1, 0.82, 1, 1), 2, tone=0.7))),
        Barrel((0, radius * 1.02, 0), 0.016, 0.002, 0.003, 2),
        Box((0.010, radius * 1.15, 0), (0.018, 0.002, 0.010), 3),
    )
    red = _mixed(np.array([60.0, 70.0, 200.0]) + rng.uniform(-20, 20, 3))
    return Prop("apple", solids, (fruit, red, (40, 60, 80), (60, 140, 70)), "wrap",
                (radius, radius, radius))  # fmt: skip


_IN_ONE: Mapping[str, Callable[[np.random.Generator], Prop]] = {
    "apple": _apple, "ball": _ball, "bottle": _bottle, "card": _card, "cup": _cup,
    "phone": _phone,
}  # fmt: skip
_IN_TWO: Mapping[str, Callable[[np.random.Generator, float | None], Prop]] = {
    "book": _book, "tablet": _tablet,
}  # fmt: skip
PROP_KINDS = tuple(sorted((*_IN_ONE, *_IN_TWO)))
"""The kinds there are."""


def make_prop(kind: str, rng: np.random.Generator, span_m: float | None = None) -> Prop:
    """One thing of a kind; the same generator state gives the same thing.

    span_m: held by two hands whose knuckles are this far apart, metres: a book is open then, a
    tablet as wide. Raises ConfigurationError for an unknown kind.
    """
    if kind in _IN_TWO:
        return _IN_TWO[kind](rng, span_m)
    if kind in _IN_ONE:
        return _IN_ONE[kind](rng)
    raise ConfigurationError(
        f"there is no object '{kind}' to draw; use one of {', '.join(PROP_KINDS)}"
    )
