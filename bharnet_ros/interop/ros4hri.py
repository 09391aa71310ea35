"""Our records to the messages of hri_msgs 2.x (REP-155). The mapping is in
docs/interoperability.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bharnet_ros.gestures import hri_gesture
from bharnet_ros.interop.bodies import openpose_joints, visible_box
from bharnet_ros.types import ActionState, RecognizedAction, Skeleton

MESSAGES = (
    "Gesture", "IdsList", "NormalizedPointOfInterest2D", "NormalizedRegionOfInterest2D",
    "Skeleton2D",
)  # fmt: skip
"""What is used of hri_msgs.msg; functions take an object `hri` with these classes."""


def ids_list(hri: Any, header: Any, bodies: Iterable[str]) -> Any:
    """hri_msgs/IdsList."""
    return hri.IdsList(header=header, ids=sorted(bodies))


def region(hri: Any, header: Any, skeleton: Skeleton, image_size: tuple[int, int]) -> Any | None:
    """hri_msgs/NormalizedRegionOfInterest2D; None if the person is outside of the image."""
    box = visible_box(skeleton, image_size)
    if box is None:
        return None
    left, top, right, bottom = box
    return hri.NormalizedRegionOfInterest2D(
        header=header, xmin=left, ymin=top, xmax=right, ymax=bottom,
        c=min(max(float(skeleton.bbox_score), 0.0), 1.0),
    )  # fmt: skip


def skeleton_2d(
    hri: Any, header: Any, skeleton: Skeleton, layout: str, image_size: tuple[int, int]
) -> Any:
    """hri_msgs/Skeleton2D. Raises InvalidSkeletonError and LayoutError."""
    points = [
        hri.NormalizedPointOfInterest2D(x=float(x), y=float(y), c=float(c))
        for x, y, c in openpose_joints(skeleton, layout, image_size)
    ]
    return hri.Skeleton2D(header=header, skeleton=points)


def gesture(hri: Any, header: Any, action: RecognizedAction) -> Any | None:
    """hri_msgs/Gesture while an action is in progress, None otherwise.

    A class that hri_msgs has no constant for is OTHER.
    """
    if action.state not in (ActionState.STARTED, ActionState.ONGOING) or not action.hypotheses:
        return None
    constant = hri_gesture(action.hypotheses[0].class_name)
    return hri.Gesture(header=header, gesture=constant.value)
