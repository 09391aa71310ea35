"""From images to keypoints: the PoseEstimator protocol and its backends."""

from __future__ import annotations

from bharnet_ros.pose.base import (
    PoseEstimator,
    available_backends,
    check_image,
    create_pose_estimator,
)
from bharnet_ros.pose.together import Job, batches, estimate_together

__all__ = [
    "Job",
    "PoseEstimator",
    "available_backends",
    "batches",
    "check_image",
    "create_pose_estimator",
    "estimate_together",
]
