"""How a person moves: the same gesture by two people is never the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Style:
    """One person's manner.

    handedness: "left" or "right", the hand one-handed gestures are made with.
    speed: factor on every speed and rate; 1 is average.
    amplitude: factor on the size of movements.
    tremor: size of the fast unsteadiness of a raised hand, metres.
    fidget: how restless they are between gestures, 0 to 1.
    posture_seed: fixes the small habits (how the shoulders and the idle hands are held).
    """

    handedness: str = "right"
    speed: float = 1.0
    amplitude: float = 1.0
    tremor: float = 0.001
    fidget: float = 0.5
    posture_seed: int = 0

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Style:
        """A random manner. Left-handers are drawn more often than they are born (40 %), so that
        both hands are seen."""
        return cls(
            handedness="left" if rng.random() < 0.4 else "right",
            speed=float(np.clip(np.exp(rng.normal(0.0, 0.16)), 0.7, 1.45)),
            amplitude=float(np.clip(rng.normal(1.0, 0.12), 0.72, 1.3)),
            tremor=float(np.clip(abs(rng.normal(0.0008, 0.0007)), 0.0, 0.003)),
            fidget=float(rng.uniform(0.1, 1.0)),
            posture_seed=int(rng.integers(2**31)),
        )
