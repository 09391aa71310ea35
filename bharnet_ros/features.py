"""Windows of keypoints -> what the body and hand experts read.

Training and the robot import this file, so what was trained is what runs. Everything is
vectorised over leading axes: (T, K, 2) and (N, T, K, 2) both work.

Coordinates stay native (no rotation to a canonical view): pixels are square, so x and y are
shifted and divided by one length each person brings along - the torso for the body, the palm
for a hand. A missing joint is (0, 0) with score 0, and so is everything of a person or hand
that gives no usable length. Only the "image" spaces of FeatureConfig, for networks trained
elsewhere, keep the place in the image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.palm import WRIST, length, median, palm_px, with_wrist
from bharnet_ros.skeleton import body_graph, body_joints, hand_graph, hand_joints
from bharnet_ros.types import AnyFloat, FloatArray

__all__ = ["FeatureConfig", "body_features", "bones", "hand_features", "motion"]

# body_19: the COCO body points, then the two computed ones.
_LEFT_SHOULDER, _RIGHT_SHOULDER, _NECK, _MID_HIP = 5, 6, 17, 18
_BELOW = [*range(11, 17), _MID_HIP]  # hips and legs
# Adults: neck to mid-hip about 0.50 m, shoulder to shoulder about 0.37 m. They only bridge views
# in which the preferred length cannot be seen.
_TORSO_PER_SHOULDER_WIDTH = 1.35

BoolArray = npt.NDArray[np.bool_]


def body_features(
    keypoints: AnyFloat,
    scores: AnyFloat,
    layout: str,
    config: FeatureConfig | None = None,
    image_size: npt.ArrayLike | None = None,
) -> FloatArray:
    """The body expert's input.

    keypoints: (..., T, K, 2) in pixels; scores: (..., T, K), 0 = missing;
    layout: its name. image_size: (..., 2) height and width, only for body_space "image".
    Returns (..., 3, T, 19, 1) float32: x to the right and y down in torso lengths from the
    person's hip, and the score. When hips are not seen (a webcam close-up), the hip is assumed
    one torso below the neck and the torso follows from the width of the shoulders.
    Raises InvalidSkeletonError if the shapes do not belong together or the image size is
    missing.
    """
    config = config or FeatureConfig()
    points, weights = _checked(keypoints, scores)
    if config.per_frame:
        return _frame_by_frame(body_features, points, weights, layout, config, image_size)
    with np.errstate(invalid="ignore"):  # infinities: refused by _clean right after
        raw_joints, raw_scores = body_joints(points, weights, layout)
    joints, joint_scores = _clean(raw_joints, raw_scores, config.min_score)
    if config.upper_body:
        joint_scores[..., _BELOW] = 0.0
    present = joint_scores > 0.0

    scale, usable = _torso_px(joints, present, config.min_torso_px)
    origin, has_origin = _body_origin(joints, present, scale, config.body_origin)
    usable = usable & has_origin
    if config.body_space == "image":
        values = joints / _width_height(image_size, scale.shape)
    else:
        values = _in_units(joints, origin[..., None, :], scale)
    kept = present & usable[..., None, None]
    values, kept_scores = _modality(values, joint_scores, kept, body_graph().parents, config)
    return _stack(values[..., None, :, :, :], kept_scores[..., None, :, :])


def hand_features(
    keypoints: AnyFloat,
    scores: AnyFloat,
    layout: str,
    config: FeatureConfig | None = None,
    image_size: npt.ArrayLike | None = None,
) -> FloatArray:
    """The hand expert's input.

    keypoints: (..., T, K, 2) in pixels; scores: (..., T, K), 0 = missing.
    image_size: (..., 2) height and width, only for hand_space "image".
    Returns (..., 3, T, 21, 2) float32: x, y in palm lengths from the wrist, and the score; the
    last axis is left, right, the left one mirrored. A hand without a wrist (seen, or estimated
    where the configuration says so) or with a palm too small to read is all zeros.
    Raises InvalidSkeletonError if the shapes do not belong together or the image size is
    missing.
    """
    config = config or FeatureConfig()
    points, weights = _checked(keypoints, scores)
    if config.per_frame:
        return _frame_by_frame(hand_features, points, weights, layout, config, image_size)
    joints, joint_scores = _clean(*hand_joints(points, weights, layout), config.min_score)
    # One window per hand: (..., 2, T, 21, 2).
    joints = np.moveaxis(joints, -3, -4)
    joint_scores = np.moveaxis(joint_scores, -2, -3)
    if config.estimate_wrist:
        joints, joint_scores = with_wrist(joints, joint_scores)
    present = joint_scores > 0.0

    scale, usable = palm_px(joints, present, config.min_palm_px)
    wrist, wrist_seen = joints[..., WRIST, :], present[..., WRIST]
    if config.hand_origin == "first_frame":
        first, seen = _first(wrist, wrist_seen)
        origin, frame_ok = first[..., None, :], np.broadcast_to(seen[..., None], wrist_seen.shape)
    else:
        origin, frame_ok = wrist, wrist_seen
    if config.hand_space == "image":
        values = joints / _width_height(image_size, scale.shape[:-1])[..., None, :, :, :]
        if config.mirror_left:
            values[..., 0, :, :, 0] = 1.0 - values[..., 0, :, :, 0]
    else:
        values = _in_units(joints, origin, scale)
        if config.mirror_left:
            values[..., 0, :, :, 0] *= -1.0
    kept = present & frame_ok[..., None] & usable[..., None, None]
    values, kept_scores = _modality(values, joint_scores, kept, hand_graph().parents, config)
    return _stack(values, kept_scores)


def _frame_by_frame(
    features: Callable[..., FloatArray],
    points: FloatArray,
    weights: FloatArray,
    layout: str,
    config: FeatureConfig,
    image_size: npt.ArrayLike | None,
) -> FloatArray:
    """(..., 3, T, V, I) features of windows of one step, side by side."""
    sizes = None
    if image_size is not None:
        size = np.asarray(image_size, dtype=np.float32)
        sizes = np.broadcast_to(size[..., None, :], (*weights.shape[:-1], size.shape[-1]))
    once = replace(config, per_frame=False)
    found = features(points[..., None, :, :], weights[..., None, :], layout, once, sizes)
    return np.ascontiguousarray(np.moveaxis(found[..., 0, :, :], -4, -3))


def bones(
    values: AnyFloat, scores: AnyFloat, parents: npt.NDArray[np.integer[Any]]
) -> tuple[FloatArray, FloatArray]:
    """Vectors from each joint's parent to the joint; the root's is zero.

    values: (..., V, C); scores: (..., V); parents: (V,), the root is its own parent.
    Returns (..., V, C) and the smaller score of both ends; zero where one end is missing.
    """
    weights = np.minimum(scores, scores[..., parents])
    vectors = np.where(weights[..., None] > 0.0, values - values[..., parents, :], 0.0)
    return vectors.astype(np.float32), weights.astype(np.float32)


def motion(values: AnyFloat, scores: AnyFloat) -> tuple[FloatArray, FloatArray]:
    """Change to the next step; the last step is zero.

    values: (..., T, V, C); scores: (..., T, V). Returns the same shapes; zero, with score 0,
    where one of both steps is missing.
    """
    weights = np.zeros(scores.shape, np.float32)
    weights[..., :-1, :] = np.minimum(scores[..., :-1, :], scores[..., 1:, :])
    change = np.zeros(values.shape, np.float32)
    change[..., :-1, :, :] = values[..., 1:, :, :] - values[..., :-1, :, :]
    change *= weights[..., None] > 0.0
    return change, weights


def _checked(keypoints: AnyFloat, scores: AnyFloat) -> tuple[FloatArray, FloatArray]:
    points = np.asarray(keypoints, dtype=np.float32)
    weights = np.asarray(scores, dtype=np.float32)
    if points.ndim < 3 or points.shape[-1] != 2 or points.shape[:-1] != weights.shape:
        raise InvalidSkeletonError(
            f"A window has keypoints {points.shape} and scores {weights.shape}; they must be "
            "(..., T, K, 2) and (..., T, K)."
        )
    return points, weights


def _width_height(image_size: npt.ArrayLike | None, lead: tuple[int, ...]) -> FloatArray:
    """(..., 1, 1, 2) width and height of (..., 2) height and width."""
    if image_size is None:
        raise InvalidSkeletonError(
            "These features are shares of the image, but the image size is not known; use frames "
            "that carry their image_size (height, width)."
        )
    size = np.asarray(image_size, dtype=np.float32)
    if size.shape[-1:] != (2,) or not (np.isfinite(size) & (size > 0.0)).all():
        raise InvalidSkeletonError(
            f"image_size is {size.tolist()}; it must be height and width in pixels, above 0. "
            "Use frames that carry their image_size."
        )
    return np.broadcast_to(size[..., None, None, ::-1], (*lead, 1, 1, 2))


def _clean(points: AnyFloat, scores: AnyFloat, min_score: float) -> tuple[FloatArray, FloatArray]:
    """(..., V, 2), (..., V): missing or unusable -> zeros."""
    pairs = _pairs(points.astype(np.float32, copy=False))
    valid = (scores > 0.0) & (scores >= min_score) & np.isfinite(pairs)
    return (
        _points(np.where(valid, pairs, np.complex64(0.0))),
        np.where(valid, np.minimum(scores, 1.0), 0.0).astype(np.float32, copy=False),
    )


def _in_units(joints: FloatArray, origin: FloatArray, unit: FloatArray) -> FloatArray:
    """(..., T, V, 2) from (..., T or 1, 2) in lengths of (...,)."""
    shifted = _points(_pairs(joints) - _pairs(np.ascontiguousarray(origin))[..., None])
    flat = shifted.reshape(*shifted.shape[:-2], -1)
    flat /= unit[..., None, None]
    return flat.reshape(shifted.shape)


def _pairs(points: FloatArray) -> npt.NDArray[np.complex64]:
    """(..., 2) -> (...,) x and y as one number: loops over two values are what costs here."""
    if points.strides[-1] != points.itemsize:
        points = np.ascontiguousarray(points)
    return points.view(np.complex64)[..., 0]


def _points(pairs: npt.NDArray[np.complex64]) -> FloatArray:
    """(...,) -> (..., 2), the inverse of `_pairs`."""
    return np.ascontiguousarray(pairs)[..., None].view(np.float32)


def _modality(
    values: FloatArray,
    scores: FloatArray,
    kept: BoolArray,
    parents: npt.NDArray[np.integer[Any]],
    config: FeatureConfig,
) -> tuple[FloatArray, FloatArray]:
    values = np.clip(values, -config.max_abs, config.max_abs)
    values = _points(np.where(kept, _pairs(values), np.complex64(0.0)))
    scores = scores * kept
    if config.modality.startswith("bone"):
        values, scores = bones(values, scores, parents)
    if config.modality.endswith("motion"):
        values, scores = motion(values, scores)
    return values, scores


def _stack(values: FloatArray, scores: FloatArray) -> FloatArray:
    """(..., I, T, V, 2) and (..., I, T, V) -> (..., 3, T, V, I)."""
    *lead, instances, steps, joints = scores.shape
    out = np.empty((*lead, 3, steps, joints, instances), np.float32)
    for i in range(instances):
        out[..., 0, :, :, i] = values[..., i, :, :, 0]
        out[..., 1, :, :, i] = values[..., i, :, :, 1]
        out[..., 2, :, :, i] = scores[..., i, :, :]
    return out


def _torso_px(
    joints: FloatArray, present: BoolArray, min_px: float
) -> tuple[FloatArray, BoolArray]:
    """(...,) torso length (1 where unusable), and whether it is usable."""
    torso, torso_ok = length(joints, present, _NECK, _MID_HIP)
    width, width_ok = length(joints, present, _LEFT_SHOULDER, _RIGHT_SHOULDER)
    seen_torso = median(torso, torso_ok)
    from_width = median(width, width_ok) * _TORSO_PER_SHOULDER_WIDTH
    scale = np.where(seen_torso >= max(min_px, 1e-3), seen_torso, from_width)
    usable = scale >= max(min_px, 1e-3)
    return np.where(usable, scale, 1.0).astype(np.float32), usable


def _body_origin(
    joints: FloatArray, present: BoolArray, scale: FloatArray, kind: str
) -> tuple[FloatArray, BoolArray]:
    """(..., 2) the hip, seen or assumed below the neck, and whether there is one."""
    down = np.stack([np.zeros_like(scale), scale], axis=-1)
    sources = (
        (joints[..., _MID_HIP, :], present[..., _MID_HIP]),
        (joints[..., _NECK, :] + down[..., None, :], present[..., _NECK]),
    )
    found = []
    for points, seen in sources:
        if kind == "median":
            point = np.stack([median(points[..., axis], seen) for axis in (0, 1)], axis=-1)
            found.append((point, np.asarray(seen.any(axis=-1))))
        else:
            found.append(_first(points, seen))
    (hip, has_hip), (below_neck, has_neck) = found
    origin: FloatArray = np.where(has_hip[..., None], hip, below_neck)
    either: BoolArray = np.logical_or(has_hip, has_neck)
    return origin, either


def _first(points: FloatArray, seen: BoolArray) -> tuple[FloatArray, BoolArray]:
    """(..., T, 2), (..., T) -> the point of the first step that has it, and whether one has."""
    index = seen.argmax(axis=-1)
    point = np.take_along_axis(points, index[..., None, None], axis=-2)[..., 0, :]
    has: BoolArray = np.asarray(seen.any(axis=-1))
    return point, has
