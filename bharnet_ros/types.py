"""What passes between the rooms: frozen records over NumPy arrays, free of ROS.

Stamps are integer nanoseconds of the clock that stamped the image; they are only ever
copied or compared, never made here, so results replay identically from a bag.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]
AnyFloat = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """One person in one image.

    track_id: stable over frames; -1 while nobody has tracked the person yet.
    bbox: (4,) float32, x, y, width, height in pixels of the source image.
    bbox_score: 0..1.
    keypoints: (K, 2) float32, x and y in pixels of the source image, K as the layout says.
    scores: (K,) float32, 0..1; 0 means missing, and then the coordinates mean nothing.
    """

    track_id: int
    bbox: FloatArray
    bbox_score: float
    keypoints: FloatArray
    scores: FloatArray


@dataclass(frozen=True, eq=False)
class SkeletonFrame:
    """Everybody seen in one image; an empty tuple says that nobody is there.

    image_size: (height, width) in pixels; (0, 0) = not known.
    layout: name of a layout known to `bharnet_ros.skeleton.get_layout`.
    """

    stamp_ns: int
    image_size: tuple[int, int]
    layout: str
    skeletons: tuple[Skeleton, ...]


@dataclass(frozen=True, eq=False)
class Skeleton3D:
    """One person in space, in the camera's optical axes (REP 103): x right, y down, z forward.

    track_id: that of the 2D skeleton. position: (3,) float32 metres, the middle of the trunk.
    keypoints: (K, 3) float32 metres; NaN = unknown. scores: (K,) float32, that of the 2D keypoint;
    0 = unknown.
    """

    track_id: int
    position: FloatArray
    keypoints: FloatArray
    scores: FloatArray


@dataclass(frozen=True, eq=False)
class Skeleton3DFrame:
    """Everybody seen in one image, in the order of the SkeletonFrame that was lifted."""

    stamp_ns: int
    layout: str
    skeletons: tuple[Skeleton3D, ...]


class ActionState(IntEnum):
    """Where a person is in an action; the values are those of RecognizedAction.msg."""

    NONE = 0
    """Observed, no action in progress. Hypotheses: the background class, or empty = unknown."""
    STARTED = 1
    ONGOING = 2
    ENDED = 3


@dataclass(frozen=True)
class Hypothesis:
    """A class and the probability the recogniser gives it (0..1).

    bundle: name of the bundle whose class it is; class_id counts within that bundle.
    """

    class_id: int
    class_name: str
    score: float
    bundle: str = ""


@dataclass(frozen=True, eq=False)
class RecognizedAction:
    """What one person does, judged by one bundle from one window.

    hypotheses: the class of the action first (of NONE the background), however likely it is by now,
        then the others, most likely first; empty means unknown.
    window_start_ns, window_end_ns: the time the judgement rests on.
    num_frames: frames really observed in that time (not resampled ones).
    body_score, hand_score: the probability each expert alone gives hypotheses[0]; 0 if unknown
        or if the expert saw nothing it could use.
    bbox: (4,) float32, the person's newest box, x, y, width, height in pixels.
    bundle: name of the bundle that judged.
    """

    state: ActionState
    track_id: int
    hypotheses: tuple[Hypothesis, ...]
    window_start_ns: int
    window_end_ns: int
    num_frames: int
    body_score: float
    hand_score: float
    bbox: FloatArray
    bundle: str = ""


@dataclass(frozen=True, eq=False)
class ActionFrame:
    """The state of everybody at one moment. stamp_ns: the newest skeleton frame used."""

    stamp_ns: int
    actions: tuple[RecognizedAction, ...]
