"""Preprocessing takes away what it says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError
from bharnet_ros.features import body_features
from bharnet_ros.skeleton import body_graph, body_joints, get_layout
from training.preprocessing import PREPROCESSINGS, body_frame, into, person_frame, preprocess

CASES = [
    ("ntu25", 3), ("kinect20", 3), ("coco_17", 2), ("coco_wholebody_133", 2),
    ("mediapipe_holistic", 3),
]  # fmt: skip
SEEDS = st.integers(0, 10**6)
NAMES = body_graph().joint_names


def person(seed: int, layout: str, dims: int, steps: int = 6):
    """Keypoints (2, T, K, C) of two people made of random numbers, shoulders above hips.

    Now and then a keypoint is missing, and then it lies far away.
    """
    rng = np.random.default_rng(seed)
    names = get_layout(layout).keypoint_names
    pose = rng.normal(0.0, 0.4, (2, 1, len(names), dims))
    for index, name in enumerate(names):
        upper = name in ("neck", "spine_shoulder", "shoulder_center") or name.endswith("_shoulder")
        lower = name in ("spine_base", "hip_center") or name.endswith("_hip")
        pose[..., index, 1] += 2.0 * lower - 2.0 * upper
        pose[..., index, 0] += 1.0 * name.startswith("left_") - 1.0 * name.startswith("right_")
    keypoints = pose + rng.normal(0, 0.1, (2, steps, len(names), dims))
    scores = rng.uniform(0.2, 1.0, (2, steps, len(names)))
    scores[:, 2:][rng.random(scores[:, 2:].shape) < 0.2] = 0.0
    keypoints[scores == 0.0] = 99.0
    return keypoints.astype(np.float32), scores.astype(np.float32)


def turned(rng, dims: int):
    """A random rotation (C, C) in float64."""
    matrix, upper = np.linalg.qr(rng.normal(size=(dims, dims)))
    matrix = matrix * np.sign(np.diag(upper))
    if np.linalg.det(matrix) < 0:
        matrix[:, 0] *= -1
    return matrix


@pytest.mark.parametrize("name", PREPROCESSINGS)
@pytest.mark.parametrize(("layout", "dims"), CASES)
def test_missing_stays_zero_and_inputs_stay(name, layout, dims):
    keypoints, scores = person(1, layout, dims)
    before = keypoints.copy(), scores.copy()
    found = preprocess(name, keypoints, scores, layout)
    assert found.shape == keypoints.shape and found.dtype == np.float32
    assert not found[scores == 0.0].any() and np.isfinite(found).all()
    assert np.abs(found).max() < 90.0  # where a missing keypoint lay plays no part
    np.testing.assert_array_equal(keypoints, before[0])
    np.testing.assert_array_equal(scores, before[1])


@given(SEEDS, st.sampled_from(CASES), st.floats(0.01, 100.0))
def test_calibration_free_ignores_place_and_size(seed, case, size):
    layout, dims = case
    keypoints, scores = person(seed, layout, dims)
    place = np.random.default_rng(seed).normal(0, 3 * size, dims)
    moved = (keypoints * size + place).astype(np.float32)
    np.testing.assert_allclose(
        preprocess("calibration_free", moved, scores, layout),
        preprocess("calibration_free", keypoints, scores, layout),
        rtol=1e-3, atol=2e-3,
    )  # fmt: skip


@given(SEEDS)
def test_calibration_free_keeps_turns(seed):
    """Nothing is turned: a turned clip is the turned result."""
    keypoints, scores = person(seed, "ntu25", 3)
    matrix = turned(np.random.default_rng(seed), 3).astype(np.float32)
    np.testing.assert_allclose(
        preprocess("calibration_free", keypoints @ matrix.T, scores, "ntu25"),
        preprocess("calibration_free", keypoints, scores, "ntu25") @ matrix.T,
        rtol=1e-3, atol=1e-3,
    )  # fmt: skip


@given(SEEDS, st.sampled_from(CASES))
def test_calibration_free_starts_at_the_hip_in_torso_lengths(seed, case):
    layout, dims = case
    keypoints, scores = person(seed, layout, dims)
    found = preprocess("calibration_free", keypoints, scores, layout)
    joints, weights = body_joints(found, scores, layout)
    hip, neck = NAMES.index("mid_hip"), NAMES.index("neck")
    np.testing.assert_allclose(joints[:, 0, hip], 0.0, atol=1e-5)
    both = (weights[..., hip] > 0) & (weights[..., neck] > 0)
    torso = np.linalg.norm(joints[..., neck, :] - joints[..., hip, :], axis=-1)
    for clip in range(2):
        assert np.median(torso[clip][both[clip]]) == pytest.approx(1.0, rel=1e-4)


@given(SEEDS)
def test_calibration_free_is_what_the_robot_computes(seed):
    """In pixels and where the torso is seen, the same as the body features of the runtime."""
    keypoints, scores = person(seed, "coco_17", 2)
    keypoints = np.where(scores[..., None] > 0, keypoints * 50.0 + 300.0, 0.0).astype(np.float32)
    found = preprocess("calibration_free", keypoints, scores, "coco_17")
    features = body_features(keypoints, scores, "coco_17")
    at_runtime = np.moveaxis(features[:, :2, :, :17, 0], 1, -1)
    np.testing.assert_allclose(found, at_runtime, rtol=1e-3, atol=1e-3)


@given(SEEDS, st.sampled_from(["ntu25", "kinect20", "mediapipe_holistic"]))
def test_canonical_ignores_place_and_view(seed, layout):
    keypoints, scores = person(seed, layout, 3)
    rng = np.random.default_rng(seed)
    matrix, place = turned(rng, 3), rng.normal(0, 3, 3)
    moved = (keypoints @ matrix.T + place).astype(np.float32)
    np.testing.assert_allclose(
        preprocess("canonical", moved, scores, layout),
        preprocess("canonical", keypoints, scores, layout),
        atol=2e-2,
    )


@given(SEEDS, st.floats(-np.pi, np.pi))
def test_canonical_ignores_a_tilted_camera_in_2d(seed, angle):
    keypoints, scores = person(seed, "coco_17", 2)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (keypoints @ matrix.T + [3.0, -2.0]).astype(np.float32)
    np.testing.assert_allclose(
        preprocess("canonical", moved, scores, "coco_17"),
        preprocess("canonical", keypoints, scores, "coco_17"),
        atol=5e-3,
    )


@pytest.mark.parametrize("layout", ["ntu25", "kinect20"])
def test_canonical_puts_spine_and_shoulders_on_the_axes(layout):
    keypoints, scores = person(3, layout, 3)
    found = preprocess("canonical", keypoints, scores, layout)
    joints, _ = body_joints(found, scores, layout)
    spine = joints[:, 0, NAMES.index("neck")] - joints[:, 0, NAMES.index("mid_hip")]
    across = (
        joints[:, 0, NAMES.index("left_shoulder")] - joints[:, 0, NAMES.index("right_shoulder")]
    )
    np.testing.assert_allclose(spine[:, :2], 0.0, atol=1e-4)
    assert (spine[:, 2] > 0).all()
    np.testing.assert_allclose(across[:, 1], 0.0, atol=1e-4)
    assert (across[:, 0] > 0).all()


def test_canonical_in_images_points_the_spine_up():
    keypoints, scores = person(3, "coco_17", 2)
    joints, _ = body_joints(
        preprocess("canonical", keypoints, scores, "coco_17"), scores, "coco_17"
    )
    spine = joints[:, 0, NAMES.index("neck")] - joints[:, 0, NAMES.index("mid_hip")]
    np.testing.assert_allclose(spine[:, 0], 0.0, atol=1e-4)
    assert (spine[:, 1] < 0).all()


@given(SEEDS)
def test_canonical_keeps_lengths_and_handedness(seed):
    keypoints, scores = person(seed, "ntu25", 3)
    scores[:] = 1.0
    keypoints = np.where(keypoints > 90, 0.5, keypoints)
    frame = person_frame(keypoints, scores, "ntu25")
    np.testing.assert_allclose(
        frame.axes @ np.swapaxes(frame.axes, -1, -2), np.tile(np.eye(3), (2, 1, 1)), atol=1e-4
    )
    np.testing.assert_allclose(np.linalg.det(frame.axes), 1.0, atol=1e-4)


def test_a_hand_starts_at_its_wrist_in_palm_lengths():
    layout = get_layout("coco_wholebody_133")
    keypoints, scores = person(4, layout.name, 2)
    for part, indices in (
        ("left_hand", layout.left_hand_indices), ("right_hand", layout.right_hand_indices),
    ):  # fmt: skip
        scores[:, :, indices[[0, 9]]] = 1.0
        found = into(body_frame(keypoints, scores, layout.name, part), keypoints, scores)
        np.testing.assert_allclose(found[:, 0, indices[0]], 0.0, atol=1e-5)
        palm = np.linalg.norm(found[:, :, indices[9]] - found[:, :, indices[0]], axis=-1)
        np.testing.assert_allclose(np.median(palm, axis=1), 1.0, rtol=1e-4)


@given(SEEDS, st.sampled_from(CASES))
def test_centred_only_moves(seed, case):
    layout, dims = case
    keypoints, scores = person(seed, layout, dims)
    found = preprocess("centred", keypoints, scores, layout)
    joints, _ = body_joints(found, scores, layout)
    np.testing.assert_allclose(joints[:, 0, NAMES.index("mid_hip")], 0.0, atol=1e-5)
    for clip in range(2):
        seen = scores[clip] > 0
        moved = (found[clip] - keypoints[clip])[seen]
        np.testing.assert_allclose(moved, np.tile(moved[0], (len(moved), 1)), atol=1e-5)


@given(SEEDS, st.sampled_from(CASES))
def test_unit_box_fills_the_box(seed, case):
    layout, dims = case
    keypoints, scores = person(seed, layout, dims)
    found = preprocess("unit_box", keypoints, scores, layout)
    for clip in range(2):
        seen = found[clip][scores[clip] > 0]
        np.testing.assert_allclose(seen.min(axis=0), -1.0, atol=1e-5)
        np.testing.assert_allclose(seen.max(axis=0), 1.0, atol=1e-5)


def test_without_hips_the_shoulders_are_the_measure():
    keypoints, scores = person(5, "coco_17", 2)
    scores[:, :, [11, 12]] = 0.0
    scores[:, :, [5, 6]] = 1.0
    keypoints[:, :, [5, 6]] = [[-0.5, 0.0], [0.5, 0.0]]
    found = preprocess("calibration_free", keypoints, scores, "coco_17")
    np.testing.assert_allclose(found[:, :, 6], [0.5 / 1.35, 0.0] * np.ones((2, 6, 1)), atol=1e-5)


def test_who_cannot_be_placed_is_zero():
    keypoints, scores = person(6, "coco_17", 2)
    scores[:, :, 5:] = 0.0
    for name in ("centred", "calibration_free", "canonical"):
        assert not preprocess(name, keypoints, scores, "coco_17").any()


@pytest.mark.parametrize("name", ["centred", "calibration_free", "canonical"])
def test_people_of_a_clip_share_the_coordinates_of_the_first(name):
    keypoints, scores = person(7, "ntu25", 3)
    scores[:] = 1.0
    keypoints = np.where(keypoints > 90, 0.5, keypoints)[None]
    both = preprocess(name, keypoints, scores[None], "ntu25", people=True)
    alone = preprocess(name, keypoints[:, 0], scores[None, 0], "ntu25")
    np.testing.assert_allclose(both[:, 0], alone, atol=1e-5)
    # How far the two are apart is kept (in torso lengths of the first).
    apart = np.linalg.norm(both[0, 0] - both[0, 1], axis=-1)
    before = np.linalg.norm(keypoints[0, 0] - keypoints[0, 1], axis=-1)
    np.testing.assert_allclose(apart / apart[0, 0], before / before[0, 0], rtol=1e-3)


def test_mistakes_are_sentences():
    keypoints, scores = person(8, "coco_17", 2)
    with pytest.raises(ConfigurationError, match="calibration_free"):
        preprocess("magic", keypoints, scores, "coco_17")
    with pytest.raises(InvalidSkeletonError, match="do not fit"):
        preprocess("none", keypoints, scores, "ntu25")
    with pytest.raises(InvalidSkeletonError, match="no axis of people"):
        preprocess("none", keypoints[0], scores[0], "coco_17", people=True)
    with pytest.raises(ConfigurationError, match="no left_hand"):
        body_frame(keypoints, scores, "coco_17", "left_hand")
    with pytest.raises(ConfigurationError, match="no part 'tail'"):
        body_frame(keypoints, scores, "coco_17", "tail")
