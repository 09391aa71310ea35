"""The records of the core to and from messages. Nothing is computed here, only copied; times
before 0 become 0."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from bharnet_ros import msg
from bharnet_ros.bags.messages import action_frame as msg_to_actions
from bharnet_ros.bags.messages import skeleton_frame as msg_to_skeletons
from bharnet_ros.bags.messages import stamp_to_ns
from bharnet_ros.manifest import Manifest
from bharnet_ros.skeleton import Layout
from bharnet_ros.types import ActionFrame, SkeletonFrame

__all__ = [
    "actions_to_msg", "header", "labels_to_msg", "layout_to_msg", "msg_to_actions",
    "msg_to_skeletons", "ns_to_stamp", "skeletons_to_msg", "stamp_to_ns",
]  # fmt: skip

_NS = 1_000_000_000


def ns_to_stamp(stamp_ns: int) -> Time:
    """builtin_interfaces/Time of non-negative nanoseconds."""
    return Time(sec=stamp_ns // _NS, nanosec=stamp_ns % _NS)


def header(stamp_ns: int, frame_id: str) -> Header:
    """A header with a stamp in nanoseconds."""
    return Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id)


def skeletons_to_msg(frame: SkeletonFrame, frame_id: str) -> Any:
    """SkeletonFrame -> bharnet_ros/SkeletonArray."""
    message = msg.SkeletonArray(header=header(frame.stamp_ns, frame_id), layout=frame.layout)
    message.image_height, message.image_width = frame.image_size
    message.skeletons = [
        msg.Skeleton(
            track_id=person.track_id,
            bbox=np.asarray(person.bbox, dtype=np.float32),
            bbox_score=float(person.bbox_score),
            keypoints=_float_array(person.keypoints),
            keypoint_scores=_float_array(person.scores),
        )
        for person in frame.skeletons
    ]
    return message


def actions_to_msg(frame: ActionFrame, frame_id: str) -> Any:
    """ActionFrame -> bharnet_ros/RecognizedActionArray."""
    message = msg.RecognizedActionArray(header=header(frame.stamp_ns, frame_id))
    message.actions = [
        msg.RecognizedAction(
            state=int(action.state),
            track_id=action.track_id,
            hypotheses=[
                msg.ActionHypothesis(
                    class_id=hypothesis.class_id,
                    class_name=hypothesis.class_name,
                    score=float(hypothesis.score),
                    bundle=hypothesis.bundle,
                )
                for hypothesis in action.hypotheses
            ],
            window_start=_since_zero(action.window_start_ns),
            window_end=_since_zero(action.window_end_ns),
            num_frames=action.num_frames,
            body_score=float(action.body_score),
            hand_score=float(action.hand_score),
            bbox=np.asarray(action.bbox, dtype=np.float32),
            bundle=action.bundle,
        )
        for action in frame.actions
    ]
    return message


def labels_to_msg(manifests: Sequence[Manifest], conflict: str) -> Any:
    """The classes of all bundles -> bharnet_ros/ActionLabels."""
    return msg.ActionLabels(
        bundles=[
            msg.BundleLabels(
                bundle=manifest.name,
                layout=manifest.layout,
                class_names=list(manifest.class_names),
                background_class=manifest.background_class,
                unknown_class=manifest.unknown_class,
                window_s=float(manifest.window_s),
            )
            for manifest in manifests
        ],
        conflict=conflict,
    )


def layout_to_msg(layout: Layout) -> Any:
    """Layout -> bharnet_ros/SkeletonLayout."""
    return msg.SkeletonLayout(
        name=layout.name,
        keypoint_names=list(layout.keypoint_names),
        edges=_index_list(layout.edges),
        body_indices=_index_list(layout.body_indices),
        left_hand_indices=_index_list(layout.left_hand_indices),
        right_hand_indices=_index_list(layout.right_hand_indices),
    )


def _since_zero(stamp_ns: int) -> Time:
    """A stamp, 0 if it lies before. Simulated time begins at 0, and the first windows reach back
    to before it; rclpy.time.Time.from_msg raises for negative seconds."""
    return ns_to_stamp(max(stamp_ns, 0))


def _float_array(values: Any) -> Any:
    """Flat array.array, which rclpy copies at once instead of checking each element."""
    return array("f", np.ascontiguousarray(values, dtype=np.float32).tobytes())


def _index_list(values: Any) -> list[int]:
    return [int(value) for value in np.asarray(values).reshape(-1)]
