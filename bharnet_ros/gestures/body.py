"""How big a person is and how their limbs are proportioned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bharnet_ros.gestures.hand import HandShape


@dataclass(frozen=True, eq=False)
class BodyShape:
    """Segment lengths of one person, metres, joint centre to joint centre.

    The mean proportions follow the usual anthropometric tables (Drillis and Contini's shares
    of the height, corrected from surface landmarks to joint centres).
    """

    height: float
    shoulder_half: float
    hip_half: float
    shoulder_height: float
    hip_height: float
    upper_arm: float
    forearm: float
    thigh: float
    shank: float
    ankle_height: float
    foot: float
    stance_half: float
    palm: float
    head_scale: float
    head_height: float
    hand: HandShape

    @property
    def arm(self) -> float:
        """Shoulder to wrist, metres."""
        return self.upper_arm + self.forearm

    @classmethod
    def default(cls) -> BodyShape:
        """An average adult of 1.75 m."""
        return cls.of_height(1.75)

    @classmethod
    def of_height(cls, height: float) -> BodyShape:
        """An adult of this height (metres) with mean proportions."""
        return cls._build(height, np.ones(11), HandShape())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> BodyShape:
        """A random adult, 1.50 to 1.95 m, each segment a few percent off the mean."""
        height = float(np.clip(rng.normal(1.72, 0.10), 1.50, 1.95))
        deviation = np.array([0.06, 0.07, 0.012, 0.02, 0.035, 0.035, 0.03, 0.04, 0.25, 0.05, 0.04])
        factors = 1 + deviation * rng.standard_normal(11).clip(-2, 2)
        return cls._build(height, factors, HandShape.sample(rng))

    @classmethod
    def _build(cls, height: float, f: np.ndarray, hand: HandShape) -> BodyShape:
        hip_height = 0.525 * height * float(f[3])
        ankle = 0.042 * height
        # Standing relaxed the knees are not locked: the leg is a little longer than its height.
        leg = (hip_height - ankle) * 1.008
        return cls(
            height=height,
            shoulder_half=0.103 * height * float(f[0]),
            hip_half=0.054 * height * float(f[1]),
            shoulder_height=0.812 * height * float(f[2]),
            hip_height=hip_height,
            upper_arm=0.171 * height * float(f[4]),
            forearm=0.147 * height * float(f[5]),
            thigh=0.502 * leg * float(f[6]),
            shank=leg * (1 - 0.502 * float(f[6])),
            ankle_height=ankle,
            foot=0.150 * height * float(f[7]),
            stance_half=0.068 * height * float(f[8]),
            palm=0.0555 * height * float(f[9]),
            head_scale=(0.55 + 0.45 * height / 1.75) * float(f[10]),
            head_height=0.932 * height * float(f[2]) ** 0.5 - 0.02,
            hand=hand,
        )
