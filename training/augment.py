"""What training does to windows of keypoints so that 200 drawn people teach about all people.

All functions take keypoints (N, T, K, 2) in pixels and scores (N, T, K), return new arrays and
leave the old ones alone. A score of 0 means missing; no function brings a keypoint back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.skeleton import Layout, flip_horizontally, get_layout
from bharnet_ros.types import FloatArray
from training.config import AugmentConfig
from training.labels import UNMIRRORED

Windows = tuple[FloatArray, FloatArray]
_MIDDLE_KNUCKLE = 9  # of the 21 hand joints


def augment(
    keypoints: FloatArray,
    scores: FloatArray,
    labels: npt.NDArray[np.int64],
    layout: str,
    mirrored: npt.NDArray[np.int64],
    config: AugmentConfig,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """A random variant of each window. mirrored: (C,) the class each class becomes in a mirror, see
    `training.labels.mirror_table`."""
    spec = get_layout(layout)
    chosen = rng.random(len(labels)) < config.mirror
    chosen &= (labels < 0) | (mirrored[labels.clip(min=0)] != UNMIRRORED)
    keypoints, scores, labels = mirror(keypoints, scores, labels, layout, mirrored, chosen)
    keypoints = shift_shape(keypoints, config, rng)
    keypoints = turn_hands(keypoints, spec, config.hand_rotate_deg, config.hand_scale, rng)
    keypoints = jitter(keypoints, scores, spec, config.body_noise, config.hand_noise, rng)
    scores = drop_hands(scores, spec, config.hand_drop, config.hand_span_drop, rng)
    if config.both_hands_drop > 0.0:
        scores = drop_both_hands(scores, spec, config.both_hands_drop, rng)
    scores = scores * (rng.random(scores.shape, np.float32) >= config.score_drop)
    return keypoints, scores.astype(np.float32), labels


def mirror(
    keypoints: FloatArray,
    scores: FloatArray,
    labels: npt.NDArray[np.int64],
    layout: str,
    mirrored: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """The chosen windows (N,) seen in a mirror, with the label of what is seen there."""
    keypoints, scores, labels = keypoints.copy(), scores.copy(), labels.copy()
    if chosen.any():
        flipped, flipped_scores = flip_horizontally(keypoints[chosen], scores[chosen], layout, 0.0)
        keypoints[chosen], scores[chosen] = flipped, flipped_scores
        seen = labels[chosen]
        # Whatever is no class is none in a mirror, either.
        labels[chosen] = np.where(seen >= 0, mirrored[seen.clip(min=0)], seen)
    return keypoints, scores, labels


def shift_shape(
    keypoints: FloatArray, config: AugmentConfig, rng: np.random.Generator
) -> FloatArray:
    """Rotate, scale (each axis by itself) and shear whole windows, each by its own amount."""
    count = len(keypoints)
    angle = np.radians(rng.uniform(-config.rotate_deg, config.rotate_deg, count))
    matrix = _rotation(angle)
    matrix = matrix * rng.uniform(*config.scale, (count, 1, 2))
    shear = np.tile(np.eye(2), (count, 1, 1))
    shear[:, 0, 1] = rng.uniform(-config.shear, config.shear, count)
    shear[:, 1, 0] = rng.uniform(-config.shear, config.shear, count)
    return _transform(keypoints, (shear @ matrix)[:, None])


def turn_hands(
    keypoints: FloatArray,
    layout: Layout,
    degrees: float,
    scale: tuple[float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Rotate and stretch each hand about its own wrist: other hands, other ways to hold them."""
    result: FloatArray = keypoints.copy()
    for indices in (layout.left_hand_indices, layout.right_hand_indices):
        if not len(indices):
            continue
        count = len(keypoints)
        angle = np.radians(rng.uniform(-degrees, degrees, count))
        matrix = _rotation(angle) * rng.uniform(*scale, (count, 1, 2))
        wrist = keypoints[:, :, indices[:1]]
        moved = _transform(keypoints[:, :, indices] - wrist, matrix[:, None])
        result[:, :, indices] = wrist + moved
    return result


def jitter(
    keypoints: FloatArray,
    scores: FloatArray,
    layout: Layout,
    body_noise: float,
    hand_noise: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Gaussian keypoint noise: half stays through the window, half is new at every step.

    body_noise is in torso lengths, hand_noise in palm lengths of the hand (standard deviations);
    each window gets between none and twice of it.
    """
    torso = _span(keypoints, scores, *_torso_ends(layout))
    sigma = np.zeros(scores.shape[:1] + scores.shape[2:], np.float32)  # (N, K)
    amount = rng.uniform(0.0, 2.0, len(keypoints)).astype(np.float32)
    sigma[:, layout.body_indices] = (torso * body_noise * amount)[:, None]
    for indices in (layout.left_hand_indices, layout.right_hand_indices):
        if len(indices):
            palm = _span(keypoints, scores, indices[0], indices[_MIDDLE_KNUCKLE])
            sigma[:, indices] = (palm * hand_noise * amount)[:, None]
    n, t, k, _ = keypoints.shape
    steady = rng.standard_normal((n, 1, k, 2), np.float32)
    moving = rng.standard_normal((n, t, k, 2), np.float32)
    noise = (steady + moving) * np.float32(np.sqrt(0.5)) * sigma[:, None, :, None]
    noisy: FloatArray = (keypoints + noise).astype(np.float32)
    return noisy


def drop_hands(
    scores: FloatArray, layout: Layout, whole: float, span: float, rng: np.random.Generator
) -> FloatArray:
    """Make hands missing: with probability `whole` for the window, with `span` for a part."""
    result: FloatArray = scores.copy()
    steps = np.arange(scores.shape[1])
    for indices in (layout.left_hand_indices, layout.right_hand_indices):
        if not len(indices):
            continue
        draw = rng.random(len(scores))
        for n in np.flatnonzero(draw < whole + span):
            gone = np.ones(len(steps), bool)
            if draw[n] >= whole:
                length = rng.integers(1, max(2, len(steps) // 2))
                first = rng.integers(0, len(steps) - length + 1)
                gone = (steps >= first) & (steps < first + length)
            result[n][np.ix_(gone, indices)] = 0.0
    return result


def drop_both_hands(
    scores: FloatArray, layout: Layout, share: float, rng: np.random.Generator
) -> FloatArray:
    """Make both hands missing in `share` of the windows, for one stretch of a tenth to nine tenths
    of the steps: hands leave the picture together, and a judge that saw little of them must learn
    how little it knows."""
    result: FloatArray = scores.copy()
    steps = scores.shape[1]
    hands = np.concatenate([layout.left_hand_indices, layout.right_hand_indices])
    for n in np.flatnonzero(rng.random(len(scores)) < share):
        length = round(steps * rng.uniform(0.1, 0.9))
        first = int(rng.integers(0, steps - length + 1))
        result[n][first : first + length, hands] = 0.0
    return result


def frames_kept(
    count: int, drop: float, end: int, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """(count,) frames a lossy transport would leave; the one at index `end` always stays.

    The loss rate itself is drawn between 0 and `drop`, so that many windows stay whole.
    """
    keep = rng.random(count) >= rng.uniform(0.0, drop)
    keep[end] = True
    return keep


def _rotation(angle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N, 2, 2)"""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)


def _transform(points: FloatArray, matrix: npt.NDArray[np.float64]) -> FloatArray:
    """points (..., K, 2) by matrices (..., 2, 2)."""
    moved: FloatArray = points @ np.swapaxes(matrix, -1, -2).astype(np.float32)
    return moved


def _torso_ends(layout: Layout) -> tuple[int, int]:
    """A shoulder and the hip across: together as long as the torso, for any layout in use."""
    return layout.index("left_shoulder"), layout.index("right_hip")


def _span(keypoints: FloatArray, scores: FloatArray, start: int, end: int) -> FloatArray:
    """(N,) median distance in pixels of two keypoints where both are seen; 0 if never."""
    difference = keypoints[:, :, start] - keypoints[:, :, end]
    length = np.hypot(difference[..., 0], difference[..., 1])
    seen = (scores[:, :, start] > 0) & (scores[:, :, end] > 0)
    middle = np.zeros(len(length), np.float32)
    for n in np.flatnonzero(seen.any(axis=1)):
        middle[n] = np.median(length[n][seen[n]])
    return middle


# The following work on any number of dimensions and any axes between the first and the last:
# keypoints (N, ..., K, C), C 2 or 3, and scores (N, ..., T, K). What stands in the same entry of
# the first axis (people, steps) is changed alike.


def rotate(
    keypoints: FloatArray, degrees: float | Sequence[float], rng: np.random.Generator
) -> FloatArray:
    """Turn each entry about the origin by up to `degrees` either way.

    In 2D one number; in 3D three, about x, then y, then z (one number: the same for all three).
    """
    count, dims = len(keypoints), keypoints.shape[-1]
    limits = np.broadcast_to(np.asarray(degrees, float), (1 if dims == 2 else 3,))
    angles = np.radians(rng.uniform(-limits, limits, (count, len(limits))))
    if dims == 2:
        return _transform_each(keypoints, _rotation(angles[:, 0]))
    matrix = np.tile(np.eye(3), (count, 1, 1))
    for axis in range(3):
        turn = np.tile(np.eye(3), (count, 1, 1))
        plane = [(axis + 1) % 3, (axis + 2) % 3]
        turn[:, np.array(plane)[:, None], plane] = _rotation(angles[:, axis])
        matrix = turn @ matrix
    return _transform_each(keypoints, matrix)


def rescale(
    keypoints: FloatArray,
    factors: tuple[float, float],
    rng: np.random.Generator,
    each_axis: bool = False,
) -> FloatArray:
    """Scale each entry about the origin, all its axes alike or each by itself."""
    dims = keypoints.shape[-1]
    factor = rng.uniform(*factors, (len(keypoints), dims if each_axis else 1))
    return _transform_each(keypoints, np.eye(dims) * factor[:, None, :])


def shear(keypoints: FloatArray, amount: float, rng: np.random.Generator) -> FloatArray:
    """Add to each coordinate up to `amount` of each other one, by its own share in each entry."""
    dims = keypoints.shape[-1]
    matrix = rng.uniform(-amount, amount, (len(keypoints), dims, dims))
    matrix[:, np.arange(dims), np.arange(dims)] = 1.0
    return _transform_each(keypoints, matrix)


def joint_noise(
    keypoints: FloatArray, scores: FloatArray, sigma: float, rng: np.random.Generator
) -> FloatArray:
    """Gaussian noise of that deviation, in the unit of the keypoints, on all that is there."""
    noise = rng.standard_normal(keypoints.shape, np.float32) * np.float32(sigma)
    noisy: FloatArray = keypoints + noise * (scores > 0.0)[..., None]
    return noisy


def drop_keypoints(scores: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
    """Make single keypoints missing, each for itself, with probability `share`."""
    kept: FloatArray = scores * (rng.random(scores.shape, np.float32) >= share)
    return kept


def drop_steps(scores: FloatArray, most: float, rng: np.random.Generator) -> FloatArray:
    """Make whole steps missing for everybody; the loss rate of an entry lies between 0 and `most`.

    One step of each entry always stays.
    """
    count, steps = len(scores), scores.shape[-2]
    kept = rng.random((count, steps)) >= rng.uniform(0.0, most, (count, 1))
    kept[np.arange(count), rng.integers(0, steps, count)] = True
    shape = (count, *(1,) * (scores.ndim - 3), steps, 1)
    thinned: FloatArray = (scores * kept.reshape(shape)).astype(np.float32)
    return thinned


def time_warp(
    times: npt.NDArray[np.float64], strength: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Let time pass unevenly: times (N, T) in 0..1 to times in 0..1, in the same order.

    t + strength * a * sin(pi t) / pi, with a drawn in -1..1: the start is up to 1 + strength
    times as fast and the end as much slower, or the other way round. strength: 0 to below 1.
    """
    pace = rng.uniform(-strength, strength, (len(times), 1))
    warped: npt.NDArray[np.float64] = times + pace * np.sin(np.pi * times) / np.pi
    return warped


def _transform_each(keypoints: FloatArray, matrix: npt.NDArray[np.float64]) -> FloatArray:
    """keypoints (N, ..., C) by one matrix (N, C, C) each."""
    flat = keypoints.reshape(len(keypoints), -1, keypoints.shape[-1])
    return _transform(flat, matrix).reshape(keypoints.shape)
