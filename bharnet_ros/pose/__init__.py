"""From images to keypoints: the PoseEstimator protocol and its backends."""

from __future__ import annotations

from bharnet_ros.pose.base import (
    PoseEstimator,
    available_backends,
    check_image,
    create_pose_estimator,
)

__all__ = ["PoseEstimator", "available_backends", "check_image", "create_pose_estimator"]
