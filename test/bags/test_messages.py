"""Skeletons in space, as a bag holds them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bharnet_ros.bags.definitions import MessageTypes, known_types
from bharnet_ros.bags.messages import SKELETONS_3D, skeleton3d_frame
from bharnet_ros.bags.records import Channel
from bharnet_ros.errors import InvalidSkeletonError


def recorded(keypoints: Any, scores: Any) -> Any:
    """The message after its way through a bag."""
    store = known_types()
    kinds = store.types
    time = kinds["builtin_interfaces/msg/Time"](sec=5, nanosec=6)
    person = kinds["bharnet_ros/msg/Skeleton3D"](
        track_id=3, position=np.array([0.5, -0.25, 2.0], np.float32),
        keypoints=np.asarray(keypoints, np.float32).ravel(),
        keypoint_scores=np.asarray(scores, np.float32),
    )  # fmt: skip
    message = kinds[SKELETONS_3D](
        header=kinds["std_msgs/msg/Header"](stamp=time, frame_id="lens"),
        layout="coco_wholebody_133", skeletons=[person],
    )  # fmt: skip
    data = bytes(store.serialize_cdr(message, SKELETONS_3D))
    return MessageTypes().deserialize(Channel("/skeletons_3d", SKELETONS_3D, 1), data)


def test_skeletons_in_space_are_read_from_a_bag() -> None:
    keypoints = np.random.default_rng(1).normal(size=(133, 3)).astype(np.float32)
    scores = np.full(133, 0.75, np.float32)
    keypoints[9], scores[9] = np.nan, 0.0
    frame = skeleton3d_frame(recorded(keypoints, scores))
    assert (frame.stamp_ns, frame.layout) == (5_000_000_006, "coco_wholebody_133")
    (person,) = frame.skeletons
    assert person.track_id == 3 and person.position.tolist() == [0.5, -0.25, 2.0]
    np.testing.assert_array_equal(person.keypoints, keypoints)
    np.testing.assert_array_equal(person.scores, scores)


@pytest.mark.parametrize(
    ("keypoints", "scores", "said"),
    [
        (np.zeros(5), np.ones(2), "three coordinates"),
        ([1.0, 2.0, np.nan], [0.5], "without a place"),
        ([1.0, 2.0, 3.0], [np.nan], "without a place"),
    ],
)
def test_contradictions_are_refused(keypoints: Any, scores: Any, said: str) -> None:
    stamp = SimpleNamespace(sec=1, nanosec=0)
    person = SimpleNamespace(
        track_id=1, position=[0.0, 0.0, 1.0], keypoints=keypoints, keypoint_scores=scores
    )
    message = SimpleNamespace(
        header=SimpleNamespace(stamp=stamp), layout="coco_wholebody_133", skeletons=[person]
    )
    with pytest.raises(InvalidSkeletonError, match=said):
        skeleton3d_frame(message)
