"""One person as a keypoint network saw them, and what is remembered of them between images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.motion import Motion
from bharnet_ros.pose.topdown.boxes import MIN_VISIBLE, VISIBLE, keypoint_box
from bharnet_ros.types import AnyFloat, FloatArray

BEST_SHARE = 0.3
"""Of the body's keypoints so many, the best, say how sure it is that there is a person: of
somebody at a desk, or close to the camera, the others are hidden."""
BELIEF_S = 0.3
"""Time constant of the mean over time of that sureness."""
MAX_AHEAD_S = 0.5
"""A motion is not carried on for longer: nobody walks through a gap in the images unchanged."""
DOUBT_S = 3.0
"""After so long without a word from the detector, somebody must be sure by themselves."""


@dataclass(frozen=True, eq=False)
class Sight:
    """Somebody in one image.

    keypoints: (K, 2) float32 px; scores: (K,) float32 0..1, 0 where the keypoint is no number or
    lies outside of the image, since it was guessed and not seen. box: (4,) x0, y0, x1, y1 px
    around what is visible, in the image. sureness: 0..1, mean score of the best body keypoints.
    """

    keypoints: FloatArray
    scores: FloatArray
    box: npt.NDArray[np.float64]
    sureness: float


def sight(
    keypoints: AnyFloat, scores: AnyFloat, body: npt.NDArray[np.intp], size: tuple[int, int]
) -> Sight | None:
    """What a network's (K, 2) px and (K,) say, or None if they show nobody.

    body: indices of the body's keypoints. size: (height, width) of the image.
    """
    points = np.asarray(keypoints, dtype=np.float64)
    surety = np.asarray(scores, dtype=np.float64)
    known = np.isfinite(points).all(axis=1) & np.isfinite(surety) & (surety > 0.0)
    points = np.where(known[:, None], points, 0.0)
    inside = (points >= 0.0).all(axis=1) & (points[:, 0] < size[1]) & (points[:, 1] < size[0])
    seen = known & inside
    clean = np.where(seen[:, None], points, 0.0).astype(np.float32)
    sure = np.where(seen, np.clip(surety, 0.0, 1.0), 0.0).astype(np.float32)
    best = max(MIN_VISIBLE, round(BEST_SHARE * len(body)))
    sureness = float(np.sort(sure[body])[-best:].mean())
    # Of a blurred image all scores are low; what is best of it still says where.
    box = keypoint_box(clean, sure, size, min(VISIBLE, 0.5 * sureness)) if sureness > 0.0 else None
    return None if box is None else Sight(clean, sure, box, sureness)


class Followed:
    """Somebody followed from image to image.

    confirmed: whether the detector saw them at its last run or has not run since.
    """

    def __init__(self, seen: Sight, stamp_ns: int) -> None:
        self.seen = seen
        self.stamp_ns = stamp_ns
        self.belief = seen.sureness
        self._place = _middle(seen.box)
        self._motion = Motion(self._place, _longer(seen.box))
        self._doubted_ns: int | None = None

    def shift(self, stamp_ns: int) -> npt.NDArray[np.float64]:
        """(2,) px they are expected to have moved since they were seen."""
        ahead_s = min((stamp_ns - self.stamp_ns) * 1e-9, MAX_AHEAD_S)
        place, _ = self._motion.ahead(ahead_s, _longer(self.seen.box))
        return place - self._place

    def update(self, seen: Sight, stamp_ns: int) -> None:
        """They were seen again."""
        elapsed_s = (stamp_ns - self.stamp_ns) * 1e-9
        share = 1.0 - math.exp(-max(elapsed_s, 0.0) / BELIEF_S)
        self.belief += share * (seen.sureness - self.belief)
        self._place = self._place + _displacement(self.seen, seen)
        if elapsed_s > 0.0:
            self._motion.measure(self._place, elapsed_s, _longer(seen.box))
        self.seen, self.stamp_ns = seen, stamp_ns

    def confirm(self, detected: bool, stamp_ns: int) -> None:
        """The detector ran and saw them, or did not."""
        if detected:
            self._doubted_ns = None
        elif self._doubted_ns is None:
            self._doubted_ns = stamp_ns

    def believable(self, seen: Sight, stamp_ns: int, min_score: float) -> bool:
        """Whether `seen` may still be them.

        Asks for `min_score` on the mean over time, half of it at once, and more the longer the
        detector has not seen anybody there: keypoint networks see people in coats on a hook.
        """
        if seen.sureness < 0.5 * min_score:
            return False
        doubt = 0.0
        if self._doubted_ns is not None:
            doubt = min((stamp_ns - self._doubted_ns) * 1e-9 / DOUBT_S, 1.0)
        elapsed_s = (stamp_ns - self.stamp_ns) * 1e-9
        share = 1.0 - math.exp(-max(elapsed_s, 0.0) / BELIEF_S)
        belief = self.belief + share * (seen.sureness - self.belief)
        return belief >= min_score + 0.5 * doubt * (1.0 - min_score)


def _displacement(before: Sight, after: Sight) -> npt.NDArray[np.float64]:
    """(2,) px: the median way of the keypoints visible in both, else of the boxes' middles.

    The median, because arms and legs wave about a body that stands still; not the boxes alone,
    because a box grows where an arm is raised.
    """
    both = (before.scores >= VISIBLE) & (after.scores >= VISIBLE)
    if np.count_nonzero(both) < MIN_VISIBLE:
        return _middle(after.box) - _middle(before.box)
    ways = after.keypoints[both].astype(np.float64) - before.keypoints[both]
    return np.asarray(np.median(ways, axis=0))


def _middle(box: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(0.5 * (box[:2] + box[2:]))


def _longer(box: npt.NDArray[np.float64]) -> float:
    return max(float((box[2:] - box[:2]).max()), 1.0)
