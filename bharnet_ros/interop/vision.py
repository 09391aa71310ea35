"""Our records to the messages of vision_msgs 4.x. The mapping is in docs/interoperability.md."""

from __future__ import annotations

from typing import Any

from bharnet_ros.types import ActionFrame, ActionState, FloatArray, SkeletonFrame

MESSAGES = (
    "BoundingBox2D", "Detection2D", "Detection2DArray", "ObjectHypothesisWithPose",
)  # fmt: skip
"""What is used of vision_msgs.msg; functions take an object `vision` with these classes."""

PERSON = "person"


def people(vision: Any, header: Any, frame: SkeletonFrame) -> Any:
    """vision_msgs/Detection2DArray: everybody seen, class "person", the track as id."""
    return vision.Detection2DArray(
        header=header,
        detections=[
            _detection(
                vision, header, person.track_id, person.bbox,
                [_hypothesis(vision, PERSON, person.bbox_score)],
            )
            for person in frame.skeletons
        ],
    )  # fmt: skip


def actions(vision: Any, header: Any, frame: ActionFrame) -> Any:
    """vision_msgs/Detection2DArray: one entry per person and bundle, its hypotheses as results;
    no results = unknown.

    An action that ends is none of them: a detection says what is there, and whoever did it may
    have left, or do something else by now.
    """
    return vision.Detection2DArray(
        header=header,
        detections=[
            _detection(
                vision, header, action.track_id, action.bbox,
                [_hypothesis(vision, h.class_name, h.score) for h in action.hypotheses],
            )
            for action in frame.actions
            if action.state is not ActionState.ENDED
        ],
    )  # fmt: skip


def _detection(
    vision: Any, header: Any, track_id: int, bbox: FloatArray, results: list[Any]
) -> Any:
    x, y, width, height = (float(value) for value in bbox)
    box = vision.BoundingBox2D(size_x=width, size_y=height)
    box.center.position.x = x + width / 2
    box.center.position.y = y + height / 2
    return vision.Detection2D(
        header=header, id=str(track_id) if track_id >= 0 else "", bbox=box, results=results
    )


def _hypothesis(vision: Any, class_name: str, score: float) -> Any:
    made = vision.ObjectHypothesisWithPose()
    made.hypothesis.class_id = class_name
    made.hypothesis.score = float(score)
    return made
