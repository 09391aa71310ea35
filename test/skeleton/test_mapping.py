from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bharnet_ros.errors import InvalidSkeletonError, LayoutError
from bharnet_ros.skeleton import (
    available_layouts,
    body_graph,
    body_joints,
    flip_horizontally,
    get_layout,
    hand_joints,
    mediapipe_to_coco,
    read_layout,
    sources,
)

COCO = "coco_wholebody_133"


def _points(*lead: int, layout: str = COCO, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    count = get_layout(layout).num_keypoints
    return rng.uniform(0, 640, (*lead, count, 2)), rng.uniform(0.1, 1, (*lead, count))


@pytest.mark.parametrize("layout", available_layouts())
def test_every_layout_gives_the_body_graph(layout: str) -> None:
    keypoints, scores = _points(3, 5, layout=layout)
    joints, joint_scores = body_joints(keypoints, scores, layout)
    assert joints.shape == (3, 5, 19, 2)
    assert joint_scores.shape == (3, 5, 19)
    wrist = body_graph().joint_names.index("left_wrist")
    assert np.array_equal(
        joints[..., wrist, :], keypoints[..., get_layout(layout).index("left_wrist"), :]
    )


def test_computed_joints_are_midpoints_with_the_lower_score() -> None:
    keypoints, scores = _points()
    joints, joint_scores = body_joints(keypoints, scores, COCO)
    assert np.allclose(joints[17], (keypoints[5] + keypoints[6]) / 2)
    assert joint_scores[18] == min(scores[11], scores[12])
    scores[11] = 0
    assert body_joints(keypoints, scores, COCO)[1][18] == 0


def test_joints_a_layout_lacks_are_missing() -> None:
    keypoints, scores = _points(layout="kinect20")
    joints, joint_scores = body_joints(keypoints, scores, "kinect20")
    ear = body_graph().joint_names.index("left_ear")
    assert joint_scores[ear] == 0
    assert (joints[ear] == 0).all()
    hands, hand_scores = hand_joints(keypoints, scores, "kinect20")
    assert hands.shape == (2, 21, 2)
    assert not hand_scores.any()


def test_hands_come_left_then_right() -> None:
    keypoints, scores = _points(4)
    hands, hand_scores = hand_joints(keypoints, scores, COCO)
    assert np.array_equal(hands[:, 0], keypoints[:, 91:112])
    assert np.array_equal(hands[:, 1], keypoints[:, 112:133])
    assert np.array_equal(hand_scores[:, 1], scores[:, 112:133])


@given(
    points=hnp.arrays(np.float64, (133, 2), elements=st.floats(-1e4, 1e4)),
    width=st.floats(1, 4000),
)
def test_mirroring_twice_gives_the_same_points(points: np.ndarray, width: float) -> None:
    scores = np.linspace(0, 1, 133)
    once, once_scores = flip_horizontally(points, scores, COCO, width)
    twice, twice_scores = flip_horizontally(once, once_scores, COCO, width)
    assert np.allclose(twice, points, atol=1e-6)
    assert np.array_equal(twice_scores, scores)
    assert np.allclose(once[9, 0], width - points[10, 0])


def test_mediapipe_landmarks_land_on_their_coco_names() -> None:
    pose, pose_scores = np.arange(66.0).reshape(33, 2), np.linspace(0.1, 1, 33)
    hand = np.arange(42.0).reshape(21, 2) + 500
    keypoints, scores = mediapipe_to_coco(pose, pose_scores, right_hand=hand, right_hand_scores=0.8)
    coco, blaze = get_layout(COCO), get_layout("mediapipe_holistic")
    for name in ("nose", "left_eye", "right_wrist", "left_hip", "right_ankle", "left_heel"):
        assert np.array_equal(keypoints[coco.index(name)], pose[blaze.index(name)])
        assert scores[coco.index(name)] == np.float32(pose_scores[blaze.index(name)])
    assert np.array_equal(keypoints[112:], hand.astype(np.float32))
    assert not scores[91:112].any()  # no left hand given
    assert not scores[23:91].any()  # the face has no source


def test_wrong_shapes_are_refused_with_both_shapes() -> None:
    with pytest.raises(InvalidSkeletonError, match=r"\(17, 2\).*133"):
        body_joints(np.zeros((17, 2)), np.zeros(17), COCO)
    with pytest.raises(InvalidSkeletonError, match=r"\(25, 2\)"):
        mediapipe_to_coco(np.zeros((25, 2)), np.zeros(25))
    with pytest.raises(InvalidSkeletonError, match=r"\(20, 2\)"):
        mediapipe_to_coco(np.zeros((33, 2)), np.zeros(33), left_hand=np.zeros((20, 2)))


@pytest.mark.parametrize("layout", available_layouts())
def test_what_experts_read_is_all_in_the_smaller_layout(layout: str) -> None:
    part = read_layout(layout)
    assert read_layout(part) == part
    keypoints, scores = _points(4, layout=layout)
    kept = sources(layout, part)
    for joints in (body_joints, hand_joints):
        whole = joints(keypoints, scores, layout)
        fewer = joints(keypoints[:, kept], scores[:, kept], part)
        assert all(np.array_equal(a, b) for a, b in zip(whole, fewer, strict=True))


def test_a_layout_that_is_no_part_is_refused() -> None:
    assert len(sources(COCO, read_layout(COCO))) == 59
    with pytest.raises(LayoutError, match="coco_17"):
        sources("coco_17", COCO)
    with pytest.raises(LayoutError, match="nobody"):
        read_layout("nobody")
