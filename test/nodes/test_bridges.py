"""The bridges with the real messages of the other packages, where those are installed."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros import msg
from bharnet_ros.nodes.conversions import actions_to_msg, skeletons_to_msg
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.qos import RESULTS
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    SkeletonFrame,
)

NOW_NS = 7_000_000_000


def seen(*tracks: int, later_ns: int = 0) -> Any:
    people = tuple(skeleton(track, person_keypoints()) for track in tracks)
    frame = SkeletonFrame(NOW_NS + later_ns, (480, 640), LAYOUT, people)
    return skeletons_to_msg(frame, "camera")


def waving(track: int) -> Any:
    action = RecognizedAction(
        ActionState.ONGOING, track, (Hypothesis(1, "wave", 0.9, "g"),), NOW_NS, NOW_NS, 9, 0.9,
        0.8, skeleton(track, person_keypoints()).bbox, "g",
    )  # fmt: skip
    return actions_to_msg(ActionFrame(NOW_NS, (action,)), "camera")


def test_people_in_the_topics_of_ros4hri(ros: Any) -> None:
    hri = pytest.importorskip("hri_msgs.msg", reason="hri_msgs is not installed")
    tracked = ros.hear(hri.IdsList, "/humans/bodies/tracked", RESULTS)
    # Reports are rare: what they tell of happens without them.
    parameters = {"id_prefix": "test", "diagnostics_period_s": 60.0, "input_timeout_s": 1.0}
    ros.start(NodeSpec("ros4hri", parameters), namespace="hri")
    skeletons = ros.publisher(msg.SkeletonArray, "/hri/skeletons", RESULTS)
    actions = ros.publisher(msg.RecognizedActionArray, "/hri/actions", RESULTS)
    rois = ros.hear(hri.NormalizedRegionOfInterest2D, "/humans/bodies/test1/roi", RESULTS)
    joints = ros.hear(hri.Skeleton2D, "/humans/bodies/test1/skeleton2d", RESULTS)
    gestures = ros.hear(hri.Gesture, "/humans/bodies/test1/gesture", RESULTS)

    def told() -> bool:
        skeletons.publish(seen(4, 9))
        actions.publish(waving(4))
        return bool(rois and joints and gestures and tracked)

    ros.wait(told, "all topics of a body")
    assert list(tracked[-1].ids) == ["test1", "test2"]
    assert tracked[-1].header.stamp.sec == 7 and tracked[-1].header.frame_id == "camera"
    assert gestures[-1].gesture == hri.Gesture.WAVING
    assert 0 <= rois[-1].xmin < rois[-1].xmax <= 1
    nose = joints[-1].skeleton[hri.Skeleton2D.NOSE]
    neck = joints[-1].skeleton[hri.Skeleton2D.NECK]
    assert 0 < nose.y < neck.y < 1 and nose.c > 0.5

    def hidden() -> bool:
        skeletons.publish(seen(9, later_ns=300_000_000))
        return int(tracked[-1].header.stamp.nanosec) == 300_000_000

    ros.wait(hidden, "a list of a frame in which one is unseen")
    assert list(tracked[-1].ids) == ["test1", "test2"], "for a moment"

    def alone() -> bool:
        skeletons.publish(seen(9, later_ns=600_000_000))
        return list(tracked[-1].ids) == ["test2"]

    ros.wait(alone, "a body that is gone")
    ros.wait(lambda: not ros.node.count_publishers("/humans/bodies/test1/roi"), "its topics to go")
    # Silence: nobody is told to be there for ever.
    ros.wait(lambda: list(tracked[-1].ids) == [], "an empty list")


def test_several_cameras_are_one_list_and_ids_never_come_back(ros: Any) -> None:
    hri = pytest.importorskip("hri_msgs.msg", reason="hri_msgs is not installed")
    from lifecycle_msgs.msg import Transition

    lists = ros.hear(hri.IdsList, "/humans/bodies/tracked", RESULTS)
    parameters = {
        "cameras": ["left", "right"], "id_prefix": "both", "diagnostics_period_s": 0.2,
        "input_timeout_s": 1.0,
    }  # fmt: skip
    ros.start(NodeSpec("ros4hri", parameters), namespace="duo")
    left = ros.publisher(msg.SkeletonArray, "/duo/left/skeletons", RESULTS)
    right = ros.publisher(msg.SkeletonArray, "/duo/right/skeletons", RESULTS)
    gestures = ros.hear(hri.Gesture, "/humans/bodies/both1/gesture", RESULTS)
    actions = ros.publisher(msg.RecognizedActionArray, "/duo/left/actions", RESULTS)

    def told() -> list[list[str]]:
        return [list(each.ids) for each in lists if any(i.startswith("both") for i in each.ids)]

    left.publish(seen(4))
    ros.wait(lambda: told() == [["both1"]], "the body of the left camera")
    right.publish(seen(4))  # somebody else, for all that cameras know
    ros.wait(lambda: told()[-1] == ["both1", "both2"], "the bodies of both cameras")

    def waved() -> bool:
        left.publish(seen(4))
        right.publish(seen(4))
        actions.publish(waving(4))
        return bool(gestures)

    ros.wait(waved, "a gesture of the left camera's")
    assert told()[-1] == ["both1", "both2"], "a list of one camera is that of all"

    def left_alone() -> bool:
        left.publish(seen(4))
        return told()[-1] == ["both1"]

    ros.wait(left_alone, "the end of the camera that is silent")
    ros.wait(lambda: ros.values("duo/ros4hri: right").get("bodies") == "0", "its status")
    assert "no skeletons on /duo/right/skeletons" in ros.message("duo/ros4hri: right")
    assert "camera right: no skeletons" in ros.message("duo/ros4hri")
    assert ros.change("/duo/ros4hri", Transition.TRANSITION_DEACTIVATE)
    ros.wait(lambda: list(lists[-1].ids) == [], "an empty list")
    assert ros.change("/duo/ros4hri", Transition.TRANSITION_ACTIVATE)

    def another() -> bool:
        left.publish(seen(4))
        return told()[-1] != ["both1"]

    ros.wait(another, "the body after it was activated again")
    assert told()[-1] == ["both3"]


def test_people_and_actions_as_detections(ros: Any) -> None:
    vision = pytest.importorskip("vision_msgs.msg", reason="vision_msgs is not installed")
    people = ros.hear(vision.Detection2DArray, "/see/person_detections", RESULTS)
    doing = ros.hear(vision.Detection2DArray, "/see/action_detections", RESULTS)
    ros.start(NodeSpec("vision_msgs_bridge", {"diagnostics_period_s": 0.2}), namespace="see")
    skeletons = ros.publisher(msg.SkeletonArray, "/see/skeletons", RESULTS)
    actions = ros.publisher(msg.RecognizedActionArray, "/see/actions", RESULTS)

    def told() -> bool:
        skeletons.publish(seen(4))
        actions.publish(waving(4))
        return bool(people and doing)

    ros.wait(told, "detections")
    (person,), (action,) = people[-1].detections, doing[-1].detections
    assert (person.id, person.results[0].hypothesis.class_id) == ("4", "person")
    assert (action.id, action.results[0].hypothesis.class_id) == ("4", "wave")
    assert person.bbox.size_x > 0 and person.header.frame_id == "camera"
