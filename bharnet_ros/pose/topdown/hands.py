"""A closer look at hands: where to cut them out, and which of two answers to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import LayoutError
from bharnet_ros.pose.topdown.boxes import MIN_VISIBLE, VISIBLE
from bharnet_ros.pose.topdown.person import Sight
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import AnyFloat, FloatArray

WRIST, MIDDLE_KNUCKLE = 0, 9
"""In the order of a hand's 21 keypoints."""
PER_PALM = 2.3
"""Side of the square in palm lengths (wrist to middle knuckle): an open hand is twice as long."""
PER_EXTENT = 1.15
"""Side in shares of the longer side of what is seen of the hand."""
PER_FOREARM = 0.9
"""Side in forearm lengths, where the whole-body network sees no hand: hands are about three
quarters of a forearm long."""
BEYOND_WRIST = 0.35
"""Its middle, in forearm lengths beyond the wrist."""
MIN_SIDE_PX = 8.0
"""Smaller hands hold nothing that a closer look could find."""
MAX_WRIST_GAP = 0.5
"""A hand whose wrist lies further than so many sides of the square from the arm's is another's."""
SAME_HAND = 0.3
"""Hands this near, in palm lengths on the mean over the keypoints, are one hand."""


@dataclass(frozen=True, eq=False)
class HandView:
    """A hand to look at. side: 0 left, 1 right. box: (4,) x0, y0, x1, y1 px, square before it was
    cut to the image. wrist: (2,) px where the body's keypoints have it."""

    side: int
    box: FloatArray
    wrist: npt.NDArray[np.float64]


class HandCrops:
    """Which keypoints of a layout are arms and hands. Raises LayoutError if it has no hands."""

    def __init__(self, layout: str) -> None:
        spec = get_layout(layout)
        if not spec.has_hands:
            raise LayoutError(
                f"The layout '{layout}' has no hand keypoints; leave the hand network out."
            )
        self.hands = (spec.left_hand_indices, spec.right_hand_indices)
        self._arms = tuple(
            (spec.index(f"{side}_elbow"), spec.index(f"{side}_wrist")) for side in ("left", "right")
        )

    def views(self, seen: Sight, size: tuple[int, int]) -> list[HandView]:
        """The hands of one person worth a look. size: (height, width) of the image."""
        found = []
        for side, (elbow, wrist) in enumerate(self._arms):
            hand = self.hands[side]
            square = _hand_square(seen.keypoints[hand], seen.scores[hand])
            if square is None and (seen.scores[[elbow, wrist]] >= VISIBLE).all():
                forearm = seen.keypoints[wrist].astype(np.float64) - seen.keypoints[elbow]
                middle = seen.keypoints[wrist] + BEYOND_WRIST * forearm
                square = middle, PER_FOREARM * float(np.hypot(*forearm))
            if square is None:
                continue
            middle, length = square
            limit = np.array((size[1], size[0], size[1], size[0]), dtype=np.float64)
            box = np.clip(np.concatenate((middle - 0.5 * length, middle + 0.5 * length)), 0, limit)
            if (box[2:] - box[:2]).min() < MIN_SIDE_PX:
                continue
            at = wrist if seen.scores[wrist] >= VISIBLE else int(hand[WRIST])
            found.append(
                HandView(side, box.astype(np.float32), seen.keypoints[at].astype(np.float64))
            )
        return found

    def merged(
        self,
        seen: Sight,
        views: list[HandView],
        keypoints: AnyFloat,
        scores: AnyFloat,
        size: tuple[int, int],
    ) -> Sight:
        """The person with every hand that the hand network is surer of.

        keypoints: (len(views), 21, 2) px, scores: (len(views), 21) of that network. Its hand must
        sit at the arm's wrist, and two arms never get one hand.
        """
        points, surety = seen.keypoints.copy(), seen.scores.copy()
        taken: list[tuple[float, FloatArray]] = []
        order = sorted(range(len(views)), key=lambda i: -float(np.nan_to_num(scores[i]).mean()))
        for i in order:
            view, hand = views[i], self.hands[views[i].side]
            new = _usable(keypoints[i], scores[i], size)
            if new is None or float(new[1].mean()) <= float(seen.scores[hand].mean()):
                continue
            side_px = float((view.box[2:] - view.box[:2]).max())
            if np.hypot(*(new[0][WRIST] - view.wrist)) > MAX_WRIST_GAP * side_px:
                continue
            if any(_same_hand(new[0], other) for _, other in taken):
                continue
            taken.append((float(new[1].mean()), new[0]))
            points[hand], surety[hand] = new
        return Sight(points, surety, seen.box, seen.sureness)


def _hand_square(
    points: FloatArray, scores: FloatArray
) -> tuple[npt.NDArray[np.float64], float] | None:
    """Middle (2,) and side in px of the square around a hand (21, 2), None if it is not seen."""
    visible = scores >= VISIBLE
    if np.count_nonzero(visible) < MIN_VISIBLE:
        return None
    shown = points[visible].astype(np.float64)
    low, high = shown.min(axis=0), shown.max(axis=0)
    side = PER_EXTENT * float((high - low).max())
    if visible[[WRIST, MIDDLE_KNUCKLE]].all():
        palm = float(np.hypot(*(points[MIDDLE_KNUCKLE].astype(np.float64) - points[WRIST])))
        side = max(side, PER_PALM * palm)
    return 0.5 * (low + high), side


def _usable(
    keypoints: AnyFloat, scores: AnyFloat, size: tuple[int, int]
) -> tuple[FloatArray, FloatArray] | None:
    """(21, 2) and (21,) of a hand network with 0 where they are no numbers or outside of the
    image; None if the wrist is not seen."""
    finite = np.isfinite(keypoints).all(axis=1) & np.isfinite(scores)
    points = np.where(finite[:, None], keypoints, 0.0).astype(np.float32)
    inside = (points >= 0.0).all(axis=1) & (points[:, 0] < size[1]) & (points[:, 1] < size[0])
    seen = finite & inside & (np.where(finite, scores, 0.0) > 0.0)
    if not seen[WRIST]:
        return None
    surety = np.where(seen, np.clip(np.where(finite, scores, 0.0), 0.0, 1.0), 0.0)
    return np.where(seen[:, None], points, 0.0).astype(np.float32), surety.astype(np.float32)


def _same_hand(a: FloatArray, b: FloatArray) -> bool:
    palm = max(float(np.hypot(*(a[MIDDLE_KNUCKLE] - a[WRIST]))), 1.0)
    return float(np.hypot(*(a - b).T).mean()) < SAME_HAND * palm
