"""The messages we make have the fields, types and lengths of the official definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bharnet_ros.interop import ros4hri, vision
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    SkeletonFrame,
)

from .test_bodies import SIZE, person


def action(
    name: str = "wave", state: ActionState = ActionState.ONGOING, track: int = 1
) -> RecognizedAction:
    hypotheses = (Hypothesis(3, name, 0.75), Hypothesis(1, "stop", 0.2)) if name else ()
    box = np.array([10, 20, 100, 200], np.float32)
    return RecognizedAction(state, track, hypotheses, 0, 1, 12, 0.8, 0.7, box, "gestures")


def test_tracked_bodies(hri: Any) -> None:
    message = ros4hri.ids_list(hri.classes, hri.header, {"b2": 0, "b1": 0})
    sent = hri.sent(message, "IdsList")
    assert sent.ids == ["b1", "b2"] and sent.header.frame_id == "camera"


def test_region(hri: Any) -> None:
    message = ros4hri.region(hri.classes, hri.header, person(), SIZE)
    sent = hri.sent(message, "NormalizedRegionOfInterest2D")
    assert (sent.xmin, sent.ymin, sent.xmax, sent.ymax) == pytest.approx((0.1, 0.1, 0.3, 0.6))
    assert sent.c == pytest.approx(0.9)
    outside = person(box=(900, 0, 10, 10))
    assert ros4hri.region(hri.classes, hri.header, outside, SIZE) is None


def test_skeleton(hri: Any) -> None:
    message = ros4hri.skeleton_2d(hri.classes, hri.header, person(), "coco_17", SIZE)
    sent = hri.sent(message, "Skeleton2D")
    assert len(sent.skeleton) == 18
    right_wrist = sent.skeleton[4]  # Skeleton2D.RIGHT_WRIST
    assert (right_wrist.x, right_wrist.y) == pytest.approx((100 / 640, 50 / 480))


@pytest.mark.parametrize(
    ("name", "value"),
    [("wave", 6), ("arms_crossed", 2), ("hands_on_face", 1), ("left_hand_raised", 3),
     ("right_hand_raised", 4), ("both_hands_up", 5), ("thumbs_up", 0), ("my own sign", 0)],
)  # fmt: skip
def test_gestures(hri: Any, name: str, value: int) -> None:
    message = ros4hri.gesture(hri.classes, hri.header, action(name, ActionState.STARTED))
    assert hri.sent(message, "Gesture").gesture == value


def test_no_gesture_without_an_action_in_progress(hri: Any) -> None:
    for each in (action(state=ActionState.NONE), action(state=ActionState.ENDED), action("")):
        assert ros4hri.gesture(hri.classes, hri.header, each) is None


def test_people_as_detections(vision_stand_ins: Any) -> None:
    frame = SkeletonFrame(1, SIZE, "coco_17", (person(track=7), person(track=-1)))
    message = vision.people(vision_stand_ins.classes, vision_stand_ins.header, frame)
    sent = vision_stand_ins.sent(message, "Detection2DArray")
    first, second = sent.detections
    assert (first.id, second.id) == ("7", "")
    assert first.results[0].hypothesis.class_id == "person"
    assert first.results[0].hypothesis.score == pytest.approx(0.9)
    centre = first.bbox.center.position
    assert (centre.x, centre.y, first.bbox.size_x, first.bbox.size_y) == (128, 168, 128, 240)
    assert first.header.frame_id == "camera"


def test_actions_as_detections(vision_stand_ins: Any) -> None:
    frame = ActionFrame(1, (action(track=2), action("", ActionState.NONE, 3)))
    message = vision.actions(vision_stand_ins.classes, vision_stand_ins.header, frame)
    sent = vision_stand_ins.sent(message, "Detection2DArray")
    known, unknown = sent.detections
    told = [(r.hypothesis.class_id, round(r.hypothesis.score, 3)) for r in known.results]
    assert told == [("wave", 0.75), ("stop", 0.2)] and known.id == "2"
    assert list(unknown.results) == []
    box = known.bbox
    assert (box.center.position.x, box.center.position.y, box.size_x) == (60, 120, 100)


def test_what_has_ended_is_detected_no_more(vision_stand_ins: Any) -> None:
    ended, started = action(state=ActionState.ENDED), action("stop", ActionState.STARTED)
    left = action(state=ActionState.ENDED, track=9)  # the person, too
    frame = ActionFrame(1, (ended, started, left))
    message = vision.actions(vision_stand_ins.classes, vision_stand_ins.header, frame)
    found = vision_stand_ins.sent(message, "Detection2DArray").detections
    assert [each.results[0].hypothesis.class_id for each in found] == ["stop"]


def test_stand_ins_refuse_other_fields(hri: Any) -> None:
    with pytest.raises(AssertionError):
        hri.classes.IdsList(header=hri.header, names=[])
