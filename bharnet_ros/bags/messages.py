"""Our messages to the records of the core. Free of ROS: only fields are read, so messages of
rclpy and of a bag reader both fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    Skeleton,
    Skeleton3D,
    Skeleton3DFrame,
    SkeletonFrame,
)

SKELETONS = "bharnet_ros/msg/SkeletonArray"
SKELETONS_3D = "bharnet_ros/msg/Skeleton3DArray"
ACTIONS = "bharnet_ros/msg/RecognizedActionArray"
_NS = 1_000_000_000


def stamp_to_ns(stamp: Any) -> int:
    """Nanoseconds of a builtin_interfaces/Time."""
    return int(stamp.sec) * _NS + int(stamp.nanosec)


def skeleton_frame(message: Any) -> SkeletonFrame:
    """bharnet_ros/SkeletonArray -> SkeletonFrame.

    Raises InvalidSkeletonError when the flat arrays do not fit together or hold values that
    are not numbers; whether they fit the layout is for the receiver of the frame to judge.
    """
    people = []
    for index, person in enumerate(message.skeletons):
        scores = np.array(person.keypoint_scores, dtype=np.float32)
        flat = np.array(person.keypoints, dtype=np.float32)
        if flat.size != 2 * scores.size:
            raise InvalidSkeletonError(
                f"Skeleton {index} has {flat.size} coordinates for {scores.size} scores; "
                "two coordinates per score are expected."
            )
        bbox = np.array(person.bbox, dtype=np.float32)
        if not (np.isfinite(flat).all() and np.isfinite(scores).all() and np.isfinite(bbox).all()):
            raise InvalidSkeletonError(
                f"Skeleton {index} holds values that are not finite numbers; mark a missing "
                "keypoint with score 0 instead."
            )
        people.append(
            Skeleton(
                track_id=int(person.track_id),
                bbox=bbox,
                bbox_score=float(person.bbox_score),
                keypoints=flat.reshape(-1, 2),
                scores=scores,
            )
        )
    return SkeletonFrame(
        stamp_ns=stamp_to_ns(message.header.stamp),
        image_size=(int(message.image_height), int(message.image_width)),
        layout=message.layout,
        skeletons=tuple(people),
    )


def skeleton3d_frame(message: Any) -> Skeleton3DFrame:
    """bharnet_ros/Skeleton3DArray -> Skeleton3DFrame.

    Raises InvalidSkeletonError when the flat arrays do not fit together, or a keypoint with a
    score has no place.
    """
    people = []
    for index, person in enumerate(message.skeletons):
        scores = np.array(person.keypoint_scores, dtype=np.float32)
        flat = np.array(person.keypoints, dtype=np.float32)
        if flat.size != 3 * scores.size:
            raise InvalidSkeletonError(
                f"Skeleton {index} has {flat.size} coordinates for {scores.size} scores; "
                "three coordinates per score are expected."
            )
        keypoints = flat.reshape(-1, 3)
        if not (np.isfinite(scores).all() and np.isfinite(keypoints[scores > 0.0]).all()):
            raise InvalidSkeletonError(
                f"Skeleton {index} has keypoints with a score and without a place; mark an "
                "unknown keypoint with NaN and score 0."
            )
        position = np.array(person.position, dtype=np.float32)
        people.append(Skeleton3D(int(person.track_id), position, keypoints, scores))
    return Skeleton3DFrame(stamp_to_ns(message.header.stamp), message.layout, tuple(people))


def action_frame(message: Any) -> ActionFrame:
    """bharnet_ros/RecognizedActionArray -> ActionFrame. ValueError for a state there is not."""
    return ActionFrame(
        stamp_ns=stamp_to_ns(message.header.stamp),
        actions=tuple(
            RecognizedAction(
                state=ActionState(action.state),
                track_id=int(action.track_id),
                hypotheses=tuple(
                    Hypothesis(int(h.class_id), h.class_name, float(h.score), h.bundle)
                    for h in action.hypotheses
                ),
                window_start_ns=stamp_to_ns(action.window_start),
                window_end_ns=stamp_to_ns(action.window_end),
                num_frames=int(action.num_frames),
                body_score=float(action.body_score),
                hand_score=float(action.hand_score),
                bbox=np.array(action.bbox, dtype=np.float32),
                bundle=action.bundle,
            )
            for action in message.actions
        ),
    )
