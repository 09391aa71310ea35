"""Where a clip's coordinates start, how long their unit is and where they look: by name, for whole
layouts, in 2D and 3D.

- `none`: as they are.
- `centred`: from the mid-hip of the first frame that shows it.
- `calibration_free`: centred, in torso lengths (for a hand: from its wrist, in palm lengths);
  nothing is turned. `bharnet_ros.features` does the same for the 2D inputs of the experts.
- `canonical`: centred and turned into the person's own view: shoulders along x, spine along z in
  3D, as the classical preparation of NTU RGB+D does (Shahroudy et al., CVPR 2016; pre-normalisation
  of 2s-AGCN and CTR-GCN). Here the spine is exact and the shoulders are as near to x as they can
  be. In 2D a view cannot be turned, so only the image is: the spine points up.
- `unit_box`: every axis of the clip stretched to -1..1 (the recipe for Northwestern-UCLA).

All take keypoints (..., T, K, C) and scores (..., T, K) with 0 = missing and give new keypoints of
the same shape, 0 where missing or where the person shows too little to be placed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError, LayoutError
from bharnet_ros.skeleton import body_graph, body_joints, get_layout
from bharnet_ros.types import FloatArray

BoolArray = npt.NDArray[np.bool_]
Points = tuple[FloatArray, BoolArray]
"""(..., T, C) and whether each is there, (..., T)."""

PARTS = ("body", "left_hand", "right_hand")
TORSO_PER_SHOULDER_WIDTH = 1.35
"""Of adults; bridges clips that never show the hips."""
_MIDDLE_KNUCKLE = 9  # of the 21 hand joints
_SMALLEST = 1e-6
_JOINTS = body_graph().joint_names
_NECK, _HIP = _JOINTS.index("neck"), _JOINTS.index("mid_hip")
_LEFT, _RIGHT = _JOINTS.index("left_shoulder"), _JOINTS.index("right_shoulder")


class Frame(NamedTuple):
    """A coordinate system for each clip: origin (..., C), length (...), whether the clip shows
    enough for it (...), and axes (..., C, C), one a row; None: as they are."""

    origin: FloatArray
    length: FloatArray
    usable: BoolArray
    axes: FloatArray | None = None


def preprocess(
    name: str, keypoints: FloatArray, scores: FloatArray, layout: str, people: bool = False
) -> FloatArray:
    """Keypoints in the coordinates called `name` (see the module's text).

    people: the axis before T holds the people of one clip; all are put into the coordinates of
    the first, so that where they stand to each other is kept. Raises ConfigurationError for an
    unknown name, InvalidSkeletonError for shapes that do not belong together.
    """
    if name not in PREPROCESSINGS:
        raise ConfigurationError(
            f"There is no preprocessing '{name}'; use one of {', '.join(PREPROCESSINGS)}."
        )
    _check(keypoints, scores, layout)
    if people and keypoints.ndim < 4:
        raise InvalidSkeletonError(f"Keypoints {keypoints.shape} have no axis of people.")
    return PREPROCESSINGS[name](keypoints, scores, layout, people)


def body_frame(keypoints: FloatArray, scores: FloatArray, layout: str, part: str = "body") -> Frame:
    """The calibration-free coordinates of a part: mid-hip and torso, or a wrist and its palm.

    Length is the median over the clip of neck to mid-hip (wrist to middle knuckle). Without hips:
    from the neck, 1.35 shoulder widths long.
    """
    _check(keypoints, scores, layout)
    if part == "body":
        neck, hip, left, right = _torso(keypoints, scores, layout)
        length = _median_distance(neck, hip)
        width = _median_distance(left, right) * np.float32(TORSO_PER_SHOULDER_WIDTH)
        length = np.where(length > _SMALLEST, length, width)
        origin, seen = _origin(hip, neck)
    elif part in PARTS:
        spec = get_layout(layout)
        indices = spec.left_hand_indices if part == "left_hand" else spec.right_hand_indices
        if not len(indices):
            raise ConfigurationError(f"Layout '{layout}' has no {part}; use the body.")
        wrist = _point(keypoints, scores, int(indices[0]))
        knuckle = _point(keypoints, scores, int(indices[_MIDDLE_KNUCKLE]))
        length = _median_distance(wrist, knuckle)
        origin, seen = _first(*wrist)
    else:
        raise ConfigurationError(f"There is no part '{part}'; use one of {', '.join(PARTS)}.")
    usable = seen & (length > _SMALLEST)
    return Frame(origin, np.where(usable, length, np.float32(1.0)), usable)


def person_frame(keypoints: FloatArray, scores: FloatArray, layout: str) -> Frame:
    """The canonical coordinates: of the first frame that shows spine and shoulders, unit kept.

    A clip that never does keeps its axes and is only centred.
    """
    _check(keypoints, scores, layout)
    neck, hip, left, right = _torso(keypoints, scores, layout)
    up, across = neck[0] - hip[0], left[0] - right[0]
    there = neck[1] & hip[1] & (np.linalg.norm(up, axis=-1) > _SMALLEST)
    if keypoints.shape[-1] == 3:
        side = np.linalg.norm(np.cross(up, across), axis=-1)
        there &= left[1] & right[1] & (side > _SMALLEST)
    spine, known = _first(up, there)
    if keypoints.shape[-1] == 3:
        wide, _ = _first(across, there)
        z = _unit(spine)
        x = _unit(wide - (wide * z).sum(axis=-1, keepdims=True) * z)
        turned = np.stack([x, np.cross(z, x), z], axis=-2)
    else:
        down = -_unit(spine)  # y of images points down
        turned = np.stack([np.stack([down[..., 1], -down[..., 0]], axis=-1), down], axis=-2)
    axes = np.where(known[..., None, None], turned, np.eye(keypoints.shape[-1], dtype=np.float32))
    origin, seen = _origin((hip[0], np.where(known[..., None], there, hip[1])), neck)
    return Frame(origin, np.ones(known.shape, np.float32), seen, axes)


def hip_frame(keypoints: FloatArray, scores: FloatArray, layout: str) -> Frame:
    """Coordinates that only start elsewhere: at the mid-hip (else the neck) of the first frame
    that shows it."""
    neck, hip, _, _ = _torso(keypoints, scores, layout)
    origin, seen = _origin(hip, neck)
    return Frame(origin, np.ones(seen.shape, np.float32), seen)


def into(frame: Frame, keypoints: FloatArray, scores: FloatArray) -> FloatArray:
    """Keypoints (..., T, K, C) in the coordinates of a frame; 0 where missing or unusable."""
    shape = keypoints.shape
    lead, (steps, count, dims) = shape[:-3], shape[-3:]
    # K and C as one axis: NumPy is slow on axes as short as C.
    origin = np.tile(frame.origin.astype(np.float32), count)[..., None, :]
    moved: FloatArray = keypoints.reshape(*lead, steps, count * dims) - origin
    if frame.axes is not None:
        axes = np.swapaxes(frame.axes, -1, -2).astype(np.float32)
        moved = (moved.reshape(*lead, steps * count, dims) @ axes).reshape(moved.shape)
    moved *= np.float32(1.0) / frame.length[..., None, None].astype(np.float32)
    moved = moved.reshape(shape)
    kept = (scores > 0.0) & frame.usable[..., None, None]
    some = kept.any(axis=(-2, -1)) & ~kept.all(axis=(-2, -1))
    moved[~kept.any(axis=(-2, -1))] = 0.0  # the most frequent case, many people are not there
    moved[some] = np.where(kept[some][..., None], moved[some], np.float32(0.0))
    return moved


def _none(keypoints: FloatArray, scores: FloatArray, layout: str, people: bool) -> FloatArray:
    return np.where(scores[..., None] > 0.0, keypoints, 0.0).astype(np.float32)


def _centred(keypoints: FloatArray, scores: FloatArray, layout: str, people: bool) -> FloatArray:
    frame = _shared(lambda k, s: hip_frame(k, s, layout), keypoints, scores, people)
    return into(frame, keypoints, scores)


def _calibration_free(
    keypoints: FloatArray, scores: FloatArray, layout: str, people: bool
) -> FloatArray:
    frame = _shared(lambda k, s: body_frame(k, s, layout), keypoints, scores, people)
    return into(frame, keypoints, scores)


def _canonical(keypoints: FloatArray, scores: FloatArray, layout: str, people: bool) -> FloatArray:
    frame = _shared(lambda k, s: person_frame(k, s, layout), keypoints, scores, people)
    return into(frame, keypoints, scores)


def _unit_box(keypoints: FloatArray, scores: FloatArray, layout: str, people: bool) -> FloatArray:
    axes = (-4, -3, -2) if people else (-3, -2)
    seen = (scores > 0.0)[..., None]
    low = np.where(seen, keypoints, np.inf).min(axis=axes, keepdims=True)
    high = np.where(seen, keypoints, -np.inf).max(axis=axes, keepdims=True)
    with np.errstate(invalid="ignore"):
        size = np.where(high > low, high - low, 1.0)  # flat: everything lies at -1, as published
        return np.where(seen, (keypoints - low) / size * 2.0 - 1.0, 0.0).astype(np.float32)


PREPROCESSINGS: Mapping[str, Callable[[FloatArray, FloatArray, str, bool], FloatArray]] = (
    MappingProxyType(
        {
            "none": _none,
            "centred": _centred,
            "calibration_free": _calibration_free,
            "canonical": _canonical,
            "unit_box": _unit_box,
        }
    )
)


def _shared(
    make: Callable[[FloatArray, FloatArray], Frame],
    keypoints: FloatArray,
    scores: FloatArray,
    people: bool,
) -> Frame:
    """The frame of every clip; with people, that of the first one for all of them."""
    if not people:
        return make(keypoints, scores)
    frame = make(keypoints[..., 0, :, :, :], scores[..., 0, :, :])
    return Frame(
        frame.origin[..., None, :], frame.length[..., None], frame.usable[..., None],
        None if frame.axes is None else frame.axes[..., None, :, :],
    )  # fmt: skip


def _check(keypoints: FloatArray, scores: FloatArray, layout: str) -> None:
    count = get_layout(layout).num_keypoints
    fits = keypoints.ndim >= 3 and keypoints.shape[:-1] == scores.shape
    if not fits or keypoints.shape[-1] not in (2, 3) or keypoints.shape[-2] != count:
        raise InvalidSkeletonError(
            f"Keypoints {keypoints.shape} with scores {scores.shape} do not fit the layout "
            f"'{layout}': expected (..., T, {count}, 2 or 3) and (..., T, {count})."
        )


@cache
def _sources(layout: str) -> tuple[tuple[int, int], ...]:
    """Which keypoints neck, mid-hip and shoulders are the middle of, as `body_joints` has it.

    Asked once with a 1 at each keypoint in turn: making all 19 joints every time takes longer
    than everything else here.
    """
    count = get_layout(layout).num_keypoints
    ones = np.eye(count, dtype=np.float32)[..., None]
    joints, _ = body_joints(ones, np.ones((count, count), np.float32), layout)
    found = []
    for joint in (_NECK, _HIP, _LEFT, _RIGHT):
        parts = np.flatnonzero(joints[:, joint, 0])
        if not len(parts):
            raise LayoutError(f"Layout '{layout}' shows no {_JOINTS[joint]}; use 'none'.")
        found.append((int(parts[0]), int(parts[-1])))
    return tuple(found)


def _torso(keypoints: FloatArray, scores: FloatArray, layout: str) -> tuple[Points, ...]:
    """Neck, mid-hip, left and right shoulder."""
    return tuple(
        (
            (keypoints[..., one, :] + keypoints[..., other, :]) * np.float32(0.5),
            (scores[..., one] > 0.0) & (scores[..., other] > 0.0),
        )
        for one, other in _sources(layout)
    )


def _point(keypoints: FloatArray, scores: FloatArray, index: int) -> Points:
    return keypoints[..., index, :], scores[..., index] > 0.0


def _first(points: FloatArray, there: BoolArray) -> tuple[FloatArray, BoolArray]:
    """(..., C) the point of the first step that has it (of the first step if none has)."""
    index = there.argmax(axis=-1)[..., None, None]
    seen: BoolArray = np.asarray(there.any(axis=-1))
    return np.take_along_axis(points, index, axis=-2)[..., 0, :], seen


def _origin(hip: Points, neck: Points) -> tuple[FloatArray, BoolArray]:
    """(..., C) the first mid-hip seen, else the first neck, and whether there is either."""
    origin, seen = _first(*hip)
    second, second_seen = _first(*neck)
    return np.where(seen[..., None], origin, second), seen | second_seen


def _median_distance(start: Points, end: Points) -> FloatArray:
    """(...) median over the steps that have both points; 0 if none has."""
    there = start[1] & end[1]
    distance = np.linalg.norm(start[0] - end[0], axis=-1)
    ordered = np.sort(np.where(there, distance, np.inf), axis=-1)
    count = there.sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, ordered.shape[-1] - 1), axis=-1)
    middle = np.where(count > 0, 0.5 * (low + high), 0.0)
    return middle[..., 0].astype(np.float32)


def _unit(vector: FloatArray) -> FloatArray:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    unit: FloatArray = vector / np.maximum(length, _SMALLEST)
    return unit
