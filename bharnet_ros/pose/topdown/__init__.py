"""Top-down pose estimation: a person detector, then a keypoint network on every person's box."""

from __future__ import annotations

from bharnet_ros.pose.topdown.estimator import TopDownEstimator
from bharnet_ros.pose.topdown.options import TopDownOptions
from bharnet_ros.pose.topdown.types import Crop, KeypointModel, PersonDetector

__all__ = ["Crop", "KeypointModel", "PersonDetector", "TopDownEstimator", "TopDownOptions"]
