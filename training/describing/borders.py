"""Hands that reach beyond the picture: what is close to a camera is often cut by its border."""

from __future__ import annotations

import numpy as np

from bharnet_ros.types import FloatArray
from training.describing.people import hand_indices

_WRIST = 0
_WRIST_SIDE = 0.85
_MOST_LOST = 4


def cut_hands(
    keypoints: FloatArray, scores: FloatArray, share: float, rng: np.random.Generator
) -> FloatArray:
    """Scores (N, T, 59) of windows (N, T, 59, 2), less what lies beyond a picture's border.

    share: of the hands that are cut. Most borders are those an arm comes in from, so that the wrist
    is lost first, others any; one to four points of the hand are lost.
    """
    scores = scores.copy()
    n = len(keypoints)
    for hand in hand_indices():
        last = keypoints[:, -1, hand]  # (N, 21, 2)
        rows = np.flatnonzero((rng.random(n) < share) & (scores[:, -1, hand] > 0.0).all(axis=1))
        if not len(rows):
            continue
        axis, sign = rng.integers(2, size=len(rows)), rng.choice([-1.0, 1.0], len(rows))
        outwards = last[rows, _WRIST] - last[rows].mean(axis=1)  # towards the arm
        arm = rng.random(len(rows)) < _WRIST_SIDE
        far = np.abs(outwards).argmax(axis=1)
        axis = np.where(arm, far, axis)
        sign = np.where(arm, np.sign(outwards[np.arange(len(rows)), far]) + 1e-9, sign)
        along = keypoints[rows][:, :, hand][np.arange(len(rows)), :, :, axis]  # (M, T, 21)
        along = along * np.sign(sign)[:, None, None]
        ordered = np.sort(along[:, -1], axis=1)[:, ::-1]
        lost = rng.integers(1, _MOST_LOST + 1, len(rows))
        each = np.arange(len(rows))
        border = 0.5 * (ordered[each, lost - 1] + ordered[each, lost])
        kept = along <= border[:, None, None]
        cut = scores[rows]
        cut[:, :, hand] *= kept
        scores[rows] = cut
    return scores
