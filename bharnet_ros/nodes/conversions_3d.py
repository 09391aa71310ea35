"""Skeletons in space to messages. Nothing is computed here, only copied."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np

from bharnet_ros import msg
from bharnet_ros.bags.messages import skeleton3d_frame as msg_to_skeletons3d
from bharnet_ros.nodes.conversions import header
from bharnet_ros.types import Skeleton3DFrame

__all__ = ["msg_to_skeletons3d", "skeletons3d_to_msg"]


def skeletons3d_to_msg(frame: Skeleton3DFrame, frame_id: str) -> Any:
    """Skeleton3DFrame -> bharnet_ros/Skeleton3DArray."""
    message = msg.Skeleton3DArray(header=header(frame.stamp_ns, frame_id), layout=frame.layout)
    message.skeletons = [
        msg.Skeleton3D(
            track_id=person.track_id,
            position=np.asarray(person.position, dtype=np.float32),
            keypoints=_float_array(person.keypoints),
            keypoint_scores=_float_array(person.scores),
        )
        for person in frame.skeletons
    ]
    return message


def _float_array(values: Any) -> Any:
    """Flat array.array, which rclpy copies at once instead of checking each element."""
    return array("f", np.ascontiguousarray(values, dtype=np.float32).tobytes())
