"""How an actor looks: colours, hair, clothes and build, drawn from plausible ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Colour = tuple[int, int, int]
HairStyle = Literal["bald", "short", "medium", "long"]
Pattern = Literal["plain", "stripes", "checks", "print"]

# Skin tones in BGR from light to dark, read off the Monk skin tone scale and evened out.
_SKIN_TONES = np.array(
    [
        (210, 221, 242),
        (186, 205, 236),
        (160, 184, 226),
        (132, 162, 214),
        (106, 138, 190),
        (78, 108, 160),
        (58, 82, 126),
        (44, 60, 94),
    ],
    dtype=np.float64,
)
_HAIR_COLOURS: tuple[Colour, ...] = (
    (22, 20, 20), (30, 34, 44), (36, 52, 78), (58, 88, 128), (110, 150, 190), (140, 140, 145),
)  # fmt: skip
_CLOTH_COLOURS: tuple[Colour, ...] = (
    (200, 200, 205), (60, 58, 56), (120, 70, 40), (150, 110, 60), (60, 120, 70), (50, 50, 150),
    (70, 130, 190), (150, 90, 130), (100, 110, 115), (90, 40, 30), (180, 170, 120), (45, 70, 45),
)  # fmt: skip
_TROUSER_COLOURS: tuple[Colour, ...] = (
    (40, 38, 38), (96, 66, 44), (120, 92, 70), (70, 84, 92), (110, 130, 142), (48, 48, 60),
)  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """Everything the renderer needs to dress a kinematic body. Colours are BGR 0..255.

    build: body girth, 1 = average. hand_girth: finger and palm thickness, 1 = average.
    sleeve: 0 = sleeveless, 0.3 = short, 1 = down to the wrist, as share of the arm's length.
    """

    skin: Colour = (132, 162, 214)
    hair: Colour = (30, 34, 44)
    hair_style: HairStyle = "short"
    shirt: Colour = (120, 70, 40)
    shirt_accent: Colour = (200, 200, 205)
    pattern: Pattern = "plain"
    sleeve: float = 0.3
    trousers: Colour = (96, 66, 44)
    shoes: Colour = (40, 40, 44)
    build: float = 1.0
    hand_girth: float = 1.0
    beard: bool = False
    glasses: bool = False

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Appearance:
        """A random person; the same generator state gives the same person."""
        place = rng.uniform(0, len(_SKIN_TONES) - 1)
        low = int(place)
        mix = place - low
        skin = _SKIN_TONES[low] * (1 - mix) + _SKIN_TONES[min(low + 1, 7)] * mix
        shirt = _CLOTH_COLOURS[rng.integers(len(_CLOTH_COLOURS))]
        accent = _CLOTH_COLOURS[rng.integers(len(_CLOTH_COLOURS))]
        styles: tuple[HairStyle, ...] = ("bald", "short", "medium", "long")
        patterns: tuple[Pattern, ...] = ("plain", "stripes", "checks", "print")
        sleeves = (rng.uniform(0.2, 0.45), rng.uniform(0.88, 0.97))
        style = styles[int(rng.choice(4, p=[0.08, 0.42, 0.25, 0.25]))]
        return cls(
            skin=_jitter(rng, skin, 5.0),
            hair=_jitter(rng, _HAIR_COLOURS[rng.integers(len(_HAIR_COLOURS))], 6.0),
            hair_style=style,
            shirt=_jitter(rng, shirt, 18.0),
            shirt_accent=_jitter(rng, accent, 18.0),
            pattern=patterns[int(rng.choice(4, p=[0.55, 0.2, 0.1, 0.15]))],
            sleeve=float(sleeves[int(rng.integers(2))]),
            trousers=_jitter(rng, _TROUSER_COLOURS[rng.integers(len(_TROUSER_COLOURS))], 10.0),
            shoes=_jitter(rng, (60, 60, 64), 40.0),
            build=float(rng.uniform(0.88, 1.18)),
            hand_girth=float(rng.uniform(0.92, 1.1)),
            beard=bool(style in ("bald", "short") and rng.random() < 0.25),
            glasses=bool(rng.random() < 0.2),
        )


def _jitter(
    rng: np.random.Generator, colour: Colour | np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    spread: float,
) -> Colour:
    common = rng.uniform(-spread, spread)
    values = np.asarray(colour, np.float64) + common + rng.uniform(-spread / 3, spread / 3, 3)
    blue, green, red = (int(v) for v in np.clip(values, 8, 250))
    return blue, green, red
