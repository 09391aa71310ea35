"""Materials: one colour ramp from shadow to light for each part of an actor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.appearance import Appearance, Colour

SKIN, PALM, NAIL, SHIRT, ACCENT, TROUSERS, SHOES, HAIR, LIP, BEARD, SCALP = range(1, 12)
COUNT = 12
_TONES = 256
# Light in shadows on skin has been scattered under it: blue fades first, red last.
_SKIN_GAMMA = np.array([1.22, 1.10, 0.92])
_CLOTH_GAMMA = np.array([1.0, 1.0, 1.0])


def ramps(appearance: Appearance, tint: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    """(COUNT * 256,) colours: that of material m at shade s is entry m * 256 + s, its bytes BGR0.

    Shade 170 is the material's own colour. tint: (3,) BGR factor of the light (exposure and
    white balance).
    """
    skin = np.array(appearance.skin, np.float64)
    hair = np.array(appearance.hair, np.float64)
    # The palm holds hardly any pigment: the darker the skin, the larger the difference.
    palm = skin + 0.38 * np.maximum(np.array([135.0, 160.0, 215.0]) - skin, 0) + [-2, -3, 5]
    nail = skin * 0.55 + 0.45 * np.array([190.0, 190.0, 232.0])
    colours = np.zeros((COUNT, 3))
    colours[SKIN] = skin
    colours[PALM] = palm
    colours[NAIL] = nail
    colours[SHIRT] = appearance.shirt
    colours[ACCENT] = appearance.shirt_accent
    colours[TROUSERS] = appearance.trousers
    colours[SHOES] = appearance.shoes
    colours[HAIR] = hair
    colours[LIP] = skin * [0.72, 0.68, 0.88]
    colours[BEARD] = 0.45 * skin + 0.55 * hair
    colours[SCALP] = 0.8 * skin + 0.2 * hair
    gamma = np.where(
        np.isin(np.arange(COUNT), (SKIN, PALM, NAIL, LIP, SCALP))[:, None], _SKIN_GAMMA,
        _CLOTH_GAMMA,
    )[:, None, :]  # fmt: skip
    return _table(colours, gamma, tint)


def thing_ramps(
    colours: Sequence[Colour], tint: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint32]:
    """(N * 256,) the same for N colours (BGR 0..255) of things; they follow an actor's own."""
    given = np.asarray(colours, np.float64).reshape(-1, 3)
    return _table(given, _CLOTH_GAMMA[None, None, :], tint)


def _table(
    colours: npt.NDArray[np.float64], gamma: npt.NDArray[np.float64],
    tint: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint32]:  # fmt: skip
    shade = (np.arange(_TONES) / 170.0)[None, :, None]
    lit = colours[:, None, :] * shade**gamma * tint
    # A little light is mirrored off the surface: the brightest part tends to white.
    lit += 40.0 * np.clip(shade - 1.15, 0, None) * tint
    table = np.zeros((len(colours) * _TONES, 4), np.uint8)
    table[:, :3] = np.clip(_shoulder(lit), 0, 255).reshape(-1, 3)
    packed: npt.NDArray[np.uint32] = table.view(np.uint32)[:, 0].copy()
    return packed


def _shoulder(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Highlights rolled off as cameras do, so that fair skin in bright light keeps its shape."""
    knee, room = 165.0, 85.0
    above = np.maximum(values - knee, 0)
    return np.minimum(values, knee) + room * (1 - np.exp(-above / (1.15 * room)))
