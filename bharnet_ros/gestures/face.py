"""A simple head: 68 face points (iBUG order), nose, eyes and ears in the head's frame.

x forward, y to the person's left, z up; metres for a head of average size; the origin lies
between the ear canals. Drawn after common anthropometric head tables, symmetric by
construction. iBUG numbers from the person's right to the person's left.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def _right_half_jaw() -> list[tuple[float, float, float]]:
    return [
        (0.010, -0.071, 0.020), (0.013, -0.070, 0.000), (0.017, -0.068, -0.020),
        (0.022, -0.065, -0.040), (0.030, -0.059, -0.059), (0.042, -0.050, -0.074),
        (0.056, -0.038, -0.086), (0.070, -0.022, -0.096),
    ]  # fmt: skip


def _face() -> Array:
    jaw = _right_half_jaw()
    points = [*jaw, (0.077, 0.0, -0.100), *((x, -y, z) for x, y, z in reversed(jaw))]
    brow = [(0.073, -0.055, 0.040), (0.082, -0.046, 0.047), (0.089, -0.036, 0.049),
            (0.094, -0.025, 0.047), (0.097, -0.013, 0.043)]  # fmt: skip
    points += [*brow, *((x, -y, z) for x, y, z in reversed(brow))]
    points += [(0.095, 0.0, 0.022), (0.103, 0.0, 0.008), (0.111, 0.0, -0.006),
               (0.118, 0.0, -0.019)]  # fmt: skip
    points += [(0.097, -0.014, -0.029), (0.102, -0.007, -0.031), (0.105, 0.0, -0.033),
               (0.102, 0.007, -0.031), (0.097, 0.014, -0.029)]  # fmt: skip
    # Eye: outer corner, two above, inner corner, two below.
    eye = [(0.077, -0.045, 0.020), (0.084, -0.037, 0.026), (0.086, -0.026, 0.026),
           (0.083, -0.017, 0.019), (0.086, -0.026, 0.016), (0.084, -0.037, 0.016)]  # fmt: skip
    left = [eye[i] for i in (3, 2, 1, 0, 5, 4)]
    points += [*eye, *((x, -y, z) for x, y, z in left)]
    points += [
        (0.086, -0.025, -0.056), (0.095, -0.015, -0.050), (0.101, -0.005, -0.048),
        (0.102, 0.0, -0.049), (0.101, 0.005, -0.048), (0.095, 0.015, -0.050),
        (0.086, 0.025, -0.056), (0.094, 0.015, -0.064), (0.098, 0.006, -0.067),
        (0.099, 0.0, -0.068), (0.098, -0.006, -0.067), (0.094, -0.015, -0.064),
        (0.087, -0.021, -0.056), (0.097, -0.007, -0.055), (0.098, 0.0, -0.055),
        (0.097, 0.007, -0.055), (0.087, 0.021, -0.056), (0.097, 0.007, -0.058),
        (0.098, 0.0, -0.058), (0.097, -0.007, -0.058),
    ]  # fmt: skip
    return np.array(points)


FACE_POINTS: Array = _face()
"""(68, 3) metres."""

HEAD_POINTS: Array = np.array(
    [
        (0.118, 0.0, -0.019),  # nose tip
        (0.084, 0.031, 0.021),  # left eye
        (0.084, -0.031, 0.021),  # right eye
        (0.002, 0.076, 0.005),  # left ear
        (0.002, -0.076, 0.005),  # right ear
    ]
)
"""(5, 3) metres: COCO's keypoints 0 to 4."""

HEAD_AND_FACE: Array = np.concatenate([HEAD_POINTS, FACE_POINTS])
PIVOT: Array = np.array([-0.010, 0.0, -0.050])
"""Where the head turns on the neck, in the head's frame."""
