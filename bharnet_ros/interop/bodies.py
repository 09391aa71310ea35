"""Skeletons as ROS4HRI counts them: 18 joints in shares of the image, ids that never come back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import numpy as np

from bharnet_ros.skeleton import get_graph
from bharnet_ros.skeleton.mapping import body_joints
from bharnet_ros.types import FloatArray, Skeleton

OPENPOSE_18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "left_eye", "right_eye", "left_ear", "right_ear",
)  # fmt: skip
"""The joints of hri_msgs/Skeleton2D, in the order of its constants."""

_BODY_GRAPH = "body_19"


def openpose_joints(skeleton: Skeleton, layout: str, image_size: tuple[int, int]) -> FloatArray:
    """(18, 3): x and y as shares of width and height, and confidence, all within 0..1.

    image_size: (height, width). A joint that was not seen, that the layout lacks or that lies
    outside of the image is all zeros. The neck is midway between the shoulders where the layout
    has none. Raises InvalidSkeletonError and LayoutError as `body_joints` does.
    """
    points, scores = body_joints(skeleton.keypoints, skeleton.scores, layout)
    names = get_graph(_BODY_GRAPH).joint_names
    order = [names.index(name) for name in OPENPOSE_18]
    height, width = image_size
    size = np.array([max(width, 1), max(height, 1)], np.float32)
    shares = points[order] / size
    seen = (scores[order] > 0.0) & ((shares >= 0.0) & (shares <= 1.0)).all(axis=1)
    joints = np.zeros((len(order), 3), np.float32)
    joints[seen, :2] = shares[seen]
    joints[seen, 2] = np.clip(scores[order][seen], 0.0, 1.0)
    return joints


def visible_box(
    skeleton: Skeleton, image_size: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of the part of the box within the image, as shares of its size.

    None if the box lies outside, or has no area.
    """
    height, width = image_size
    x, y, wide, tall = (float(value) for value in skeleton.bbox)
    left, right = max(0.0, x), min(float(width), x + wide)
    top, bottom = max(0.0, y), min(float(height), y + tall)
    if not (left < right and top < bottom):
        return None
    return left / width, top / height, right / width, bottom / height


class BodyIds:
    """Track ids to the ids of bodies, which REP-155 wants unique.

    A track number that comes back after its body was gone, as when the pose estimator was started
    again, is another body. prefix: begins with a letter, because ids are parts of topic names.
    numbers: what follows it; shared by whatever has the same prefix. lost_after_s: somebody who is
    unseen for no longer than that is still there.
    """

    def __init__(
        self, prefix: str, numbers: Iterator[int] | None = None, lost_after_s: float = 0.0
    ) -> None:
        self._prefix = prefix
        self._lost_after_ns = round(lost_after_s * 1e9)
        self._bodies: dict[int, str] = {}
        self._seen_ns: dict[int, int] = {}
        self._numbers = count(1) if numbers is None else numbers

    @property
    def bodies(self) -> tuple[str, ...]:
        """Everybody who is there."""
        return tuple(self._bodies.values())

    def see(
        self, track_ids: Iterable[int], stamp_ns: int
    ) -> tuple[dict[int, str], tuple[str, ...]]:
        """The body of each track that is seen at this stamp, and the bodies that are gone.

        Untracked (-1): none. If the time jumps back, whoever is unseen is gone.
        """
        present = {track for track in track_ids if track >= 0}
        unseen = self._bodies.keys() - present
        ages = {track: stamp_ns - self._seen_ns[track] for track in unseen}
        gone = [track for track, age in ages.items() if not 0 <= age <= self._lost_after_ns]
        for track in sorted(present - self._bodies.keys()):
            self._bodies[track] = f"{self._prefix}{next(self._numbers)}"
        self._seen_ns.update(dict.fromkeys(present, stamp_ns))
        bodies = {track: body for track, body in self._bodies.items() if track in present}
        return bodies, self._let_go(gone)

    def forget(self) -> tuple[str, ...]:
        """Nobody is there any more: the bodies that are gone."""
        return self._let_go(list(self._bodies))

    def _let_go(self, tracks: Sequence[int]) -> tuple[str, ...]:
        for track in tracks:
            del self._seen_ns[track]
        return tuple(self._bodies.pop(track) for track in tracks)

    def body_of(self, track_id: int) -> str | None:
        """The body of a track that is there."""
        return self._bodies.get(track_id)
