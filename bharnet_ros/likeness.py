"""How alike a person found now is to people seen before, each moved on to where they would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.boxes import box_overlap
from bharnet_ros.motion import Motion
from bharnet_ros.oks import oks, variances
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Skeleton

Array = npt.NDArray[np.float64]

MIN_KEYPOINT_SCORE = 0.3
MIN_COMMON_KEYPOINTS = 3
BOX_SHARE = 0.3
"""Of the likeness comes from the boxes, the rest from the keypoints."""
LIMB_SPEED = 0.2
"""How fast a posture changes, in body heights a second; after a second it says no more."""
SIZE_NOISE, SIZE_SPEED = 0.08, 0.2
"""Standard deviation of the logarithm of a person's size in the image, and how much it grows in
a second: of people who walk behind another one, size tells best who is who."""
MIN_SIZE_KEYPOINTS = 5


@dataclass(frozen=True, eq=False)
class View:
    """A person as last seen. place: (2,) px, where the body's middle was measured to be (it is
    carried on from sight to sight by the keypoints' median displacement); motion: the filter
    after that measurement."""

    seen: Skeleton
    stamp_ns: int
    place: Array
    motion: Motion

    @property
    def height_px(self) -> float:
        """The longer side of the box, the unit of everything that depends on size."""
        return height_px(self.seen)


def height_px(skeleton: Skeleton) -> float:
    """The longer side of a person's box, 1 px or more."""
    return max(float(skeleton.bbox[2:].max()), 1.0)


def first_view(skeleton: Skeleton, stamp_ns: int) -> View:
    """Of somebody not seen before."""
    place = box_centre(skeleton)
    return View(skeleton, stamp_ns, place, Motion(place, height_px(skeleton)))


def next_view(view: View, skeleton: Skeleton, stamp_ns: int, body: npt.NDArray[np.intp]) -> View:
    """The same person seen again. body: indices of the keypoints to go by."""
    place = view.place + _displacement(view.seen, skeleton, body)
    motion = view.motion.copy()
    elapsed_s = (stamp_ns - view.stamp_ns) * 1e-9
    if elapsed_s > 0.0:
        motion.measure(place, elapsed_s, 0.5 * (view.height_px + height_px(skeleton)))
    return View(skeleton, stamp_ns, place, motion)


def likeness(
    views: Sequence[View], people: Sequence[Skeleton], stamp_ns: int, layout: str
) -> tuple[Array, Array]:
    """(R, C) 0..1, how well person c of now fits view r moved on to stamp_ns, and (R,) 0..1, how
    sharp that comparison is: it gets blurred with the time since the view.

    Object keypoint similarity with the uncertainty of place and posture added to its Gaussians,
    box overlap, and whether the sizes agree. Boxes' centres stand in where fewer than
    MIN_COMMON_KEYPOINTS are seen in both; a keypoint that is no number is not seen. All pairs at
    once, because a loop over them costs more than everything else for a crowd.
    """
    if not views or not people:
        return np.zeros((len(views), len(people))), np.zeros(len(views))
    body = get_layout(layout).body_indices
    lost_s = np.array([(stamp_ns - view.stamp_ns) * 1e-9 for view in views])
    heights = np.array([view.height_px for view in views])
    expected = [v.motion.ahead(t, h) for v, t, h in zip(views, lost_s, heights, strict=True)]
    shift = np.stack([place - v.place for (place, _), v in zip(expected, views, strict=True)])
    blur = np.array([variance for _, variance in expected])  # (R,) px²
    blur += (LIMB_SPEED * heights * np.minimum(lost_s, 1.0)) ** 2

    old_boxes = np.stack([view.seen.bbox for view in views]).astype(np.float64)
    new_boxes = np.stack([person.bbox for person in people]).astype(np.float64)
    old_boxes[:, :2] += shift
    old = np.stack([v.seen.keypoints[body] for v in views]) + shift[:, None]
    new = np.stack([p.keypoints[body] for p in people]).astype(np.float64)
    old_seen = np.stack([v.seen.scores[body] for v in views]) >= MIN_KEYPOINT_SCORE
    new_seen = np.stack([p.scores[body] for p in people]) >= MIN_KEYPOINT_SCORE
    if not (np.isfinite(old).all() and np.isfinite(new).all()):
        old, old_seen = _finite(old, old_seen)
        new, new_seen = _finite(new, new_seen)
    common = old_seen[:, None] & new_seen[None]  # (R, C, V)
    count = common.sum(axis=-1)

    own = variances(layout, old_boxes)  # (R, V)
    spread = own + blur[:, None]
    gaps = np.linalg.norm(new[None] - old[:, None], axis=-1)
    by_points = oks(gaps, spread[:, None], common)
    centres = _centres(new_boxes)[None] - _centres(old_boxes)[:, None]
    middle = own.mean(axis=-1) + blur
    by_centre = np.exp(-np.square(centres).sum(axis=-1) / (2.0 * middle[:, None]))
    near = np.where(count >= MIN_COMMON_KEYPOINTS, by_points, by_centre)

    sharp = np.sqrt(own / spread).mean(axis=-1)
    box_share = (BOX_SHARE * sharp)[:, None]
    overlap = box_overlap(old_boxes[:, None], new_boxes[None])
    size = _same_size(old, new, common, count, lost_s)
    return np.asarray(((1.0 - box_share) * near + box_share * overlap) * size), sharp


def crowded(people: Sequence[Skeleton], share: float) -> npt.NDArray[np.bool_]:
    """(C,) whether another person's box covers at least that share of the smaller of both."""
    boxes = [person.bbox for person in people]
    among = covered(people, np.asarray(boxes, np.float64).reshape(-1, 4))
    np.fill_diagonal(among, 0.0)
    return np.asarray((among >= share).any(axis=1))


def covered(people: Sequence[Skeleton], boxes: Array) -> Array:
    """(C, M) area that people's boxes share with boxes (M, 4), as a share of the smaller one."""
    some = np.asarray([person.bbox for person in people], np.float64).reshape(-1, 4)
    low = np.maximum(some[:, None, :2], boxes[None, :, :2])
    high = np.minimum(_ends(some)[:, None], _ends(boxes)[None])
    shared = np.prod(np.maximum(high - low, 0.0), axis=-1)
    areas = [np.prod(each[:, 2:], axis=-1) for each in (some, boxes)]
    smaller = np.minimum(areas[0][:, None], areas[1][None])
    return np.asarray(shared / np.maximum(smaller, 1.0))


def expected_boxes(views: Sequence[View], stamp_ns: int) -> Array:
    """(N, 4) x, y, width, height: where people last seen so would be by now."""
    boxes = np.zeros((len(views), 4))
    for row, view in zip(boxes, views, strict=True):
        place, _ = view.motion.ahead((stamp_ns - view.stamp_ns) * 1e-9, view.height_px)
        row[:] = view.seen.bbox
        row[:2] += place - view.place
    return boxes


def box_centre(skeleton: Skeleton) -> Array:
    """(2,) px."""
    box = skeleton.bbox.astype(np.float64)
    return np.asarray(box[:2] + 0.5 * box[2:])


def _same_size(
    old: Array, new: Array, common: npt.NDArray[np.bool_], count: npt.NDArray[Any], lost_s: Array
) -> Array:
    """(R, C) 0..1 by the spread of the keypoints in common; 1 where there are too few."""
    weight = common[..., None] / np.maximum(count, 1)[..., None, None]

    def extent(points: Array) -> Array:
        middle = (points * weight).sum(axis=-2, keepdims=True)
        return np.asarray((np.square(points - middle) * weight).sum(axis=(-1, -2)))

    ratio = (extent(new[None]) + 1.0) / (extent(old[:, None]) + 1.0)
    deviation = SIZE_NOISE + SIZE_SPEED * np.minimum(lost_s, 2.0)
    agreement = np.exp(-0.5 * np.square(0.5 * np.log(ratio) / deviation[:, None]))
    return np.asarray(np.where(count >= MIN_SIZE_KEYPOINTS, agreement, 1.0))


def _finite(
    points: Array, seen: npt.NDArray[np.bool_]
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Points (N, V, 2) and whether they are seen (N, V), with what is no number not seen and at 0:
    it would spread over sums even with a weight of 0."""
    numbers = np.asarray(np.isfinite(points).all(axis=-1))
    return np.where(numbers[..., None], points, 0.0), seen & numbers


def _displacement(before: Skeleton, now: Skeleton, body: npt.NDArray[np.intp]) -> Array:
    """(2,) pixels that the body moved: the median of its keypoints, or its box's centre."""
    old, new = before.keypoints[body], now.keypoints[body]
    common = np.minimum(before.scores[body], now.scores[body]) >= MIN_KEYPOINT_SCORE
    if not (np.isfinite(old).all() and np.isfinite(new).all()):
        # The median would be no number, and the place that is carried on from it neither.
        common = common & np.isfinite(old).all(axis=1) & np.isfinite(new).all(axis=1)
    if int(common.sum()) < MIN_COMMON_KEYPOINTS:
        return box_centre(now) - box_centre(before)
    return np.asarray(np.median(new[common].astype(np.float64) - old[common], axis=0))


def _centres(boxes: Array) -> Array:
    return np.asarray(boxes[..., :2] + 0.5 * boxes[..., 2:])


def _ends(boxes: Array) -> Array:
    return np.asarray(boxes[..., :2] + boxes[..., 2:])
