"""Reading keypoints off SimCC outputs.

SimCC (Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose
Estimation", ECCV 2022) gives per keypoint one row of scores over x and one over y, `split_ratio`
bins to a pixel. A keypoint is where both are highest, and as sure as the less sure of the two,
as in mmpose's codec `SimCCLabel`.
"""

from __future__ import annotations

import numpy as np

from bharnet_ros.types import FloatArray


def decode(
    simcc_x: FloatArray, simcc_y: FloatArray, split_ratio: float
) -> tuple[FloatArray, FloatArray]:
    """Keypoints in pixels of the network's input.

    simcc_x, simcc_y: (N, K, Wx), (N, K, Wy). Returns (N, K, 2) x and y, and (N, K) scores: the
    smaller of the two maxima, on whatever scale the network was trained for. A keypoint that
    scores 0 or less lies at -1 bins; one whose maximum is not finite scores 0.
    """
    x, y = simcc_x.argmax(axis=-1), simcc_y.argmax(axis=-1)
    highest_x = np.take_along_axis(simcc_x, x[..., None], axis=-1)[..., 0]
    highest_y = np.take_along_axis(simcc_y, y[..., None], axis=-1)[..., 0]
    sane = np.isfinite(highest_x) & np.isfinite(highest_y)
    scores = np.where(sane, np.minimum(highest_x, highest_y), 0.0).astype(np.float32)
    points = np.stack((x, y), axis=-1).astype(np.float32)
    points[scores <= 0.0] = -1.0
    return points / np.float32(split_ratio), scores
