"""The pose backend as the parameters of the node pose_estimator ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bharnet_ros.node_parameters import parse_options
from bharnet_ros.pose import PoseEstimator, create_pose_estimator

Say = Callable[[str], None]
"""Takes a line about something that takes long."""


def open_backend(values: Mapping[str, Any], cameras: int, say: Say) -> list[PoseEstimator]:
    """An estimator for each camera, all on the same networks; none stays open if one fails.

    values: the node's parameters by name. Raises as `create_pose_estimator` does.
    """
    name = values["pose_backend"]
    options = parse_options(values["pose_options"])
    estimators = [create_pose_estimator(name, report=say, **options)]
    try:
        while len(estimators) < cameras:
            estimators.append(estimators[0].another())
    except BaseException:
        for estimator in estimators:
            estimator.close()
        raise
    identity = getattr(estimators[0], "identity", "")
    if identity:
        say(f"Pose backend {name}: {identity}")
    return estimators


def build_backend(values: Mapping[str, Any], say: Say) -> None:
    """Load the backend once, so that whatever it builds at its first start is there afterwards.

    Raises as `create_pose_estimator` does.
    """
    for estimator in open_backend(values, 1, say):
        estimator.close()
    say(f"The pose backend {values['pose_backend']} is ready; nothing is left to build.")
