"""Markers of people, message by message."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from visualization_msgs.msg import Marker

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.nodes.markers import NAMESPACES, PeopleMarkers
from bharnet_ros.placing import Pinhole
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    SkeletonFrame,
)

CAMERA = Pinhole.from_field_of_view((720, 1280), 60.0)
HANDS = slice(91, 133)


def people(*track_ids: int, stamp_ns: int = 10**9) -> SkeletonFrame:
    return frame(
        stamp_ns,
        *(
            skeleton(track, person_keypoints(center=(300.0 + 300 * index, 400.0)))
            for index, track in enumerate(track_ids)
        ),
    )


def test_with_a_body_frame_people_stand_upright_in_front() -> None:
    made = PeopleMarkers()
    flat = made.update(people(1), None, CAMERA, image_frame="lens").markers
    upright = PeopleMarkers().update(
        people(1), None, CAMERA, image_frame="lens", body_frame="base"
    ).markers
    assert {one.header.frame_id for one in flat} == {"lens"}
    assert {one.header.frame_id for one in upright} == {"base"}
    lying, standing = (
        next(one for one in found if one.ns == "body") for found in (flat, upright)
    )
    for a, b in zip(lying.points, standing.points, strict=True):
        assert (b.x, b.y, b.z) == pytest.approx((a.z, -a.x, -a.y))
    label = next(one for one in upright if one.ns == "labels")
    assert label.text == "#1 no judgement yet"
    assert 0.0 < label.scale.x < label.scale.z  # rviz: the width of a space
    assert label.pose.position.z > max(point.z for point in standing.points)


def test_who_leaves_is_deleted_once_and_a_new_frame_clears_all() -> None:
    made = PeopleMarkers()
    first = made.update(people(1, 2), None, CAMERA, image_frame="lens").markers
    assert first[0].action == Marker.DELETEALL, "what an earlier run left behind"
    second = made.update(people(1), None, CAMERA, image_frame="lens").markers
    assert {(one.ns, one.id) for one in second if one.action == Marker.DELETE} == {
        ("body", 2), ("hands", 2), ("labels", 2),
    }  # fmt: skip
    third = made.update(people(1), None, CAMERA, image_frame="lens").markers
    assert all(one.action == Marker.ADD for one in third)
    moved = made.update(people(1), None, CAMERA, image_frame="other").markers
    assert moved[0].action == Marker.DELETEALL
    assert made.update(people(), None, CAMERA, image_frame="other").markers != []
    assert made.update(people(), None, CAMERA, image_frame="other").markers == []


def test_people_without_a_track_do_not_take_each_others_place() -> None:
    near, far = (
        skeleton(-1, person_keypoints(center=(x, 400.0), torso_px=size))
        for x, size in ((800.0, 200.0), (300.0, 60.0))
    )
    made = PeopleMarkers()
    for order in ((near, far), (far, near)):
        markers = made.update(frame(10**9, *order), None, CAMERA, image_frame="lens").markers
        shown = [one for one in markers if one.action == Marker.ADD]
        assert {(one.ns, one.id) for one in shown} == {
            (name, number) for name in NAMESPACES for number in (-1, -2)
        }
        assert {one.text for one in shown if one.ns == "labels"} == {"untracked no judgement yet"}
        depths = [one.points[0].z for one in shown if one.ns == "body"]
        assert max(depths) == pytest.approx(200.0 / 60.0 * min(depths), rel=0.01)
    gone = made.update(people(), None, CAMERA, image_frame="lens").markers
    assert {one.id for one in gone if one.action == Marker.DELETE} == {-1, -2}


def test_what_is_not_seen_is_not_shown() -> None:
    made = PeopleMarkers()
    (whole,) = people(1).skeletons
    scores = whole.scores.copy()
    scores[HANDS] = 0.0
    handless = replace(people(1), skeletons=(replace(whole, scores=scores),))
    markers = made.update(handless, None, CAMERA, image_frame="lens").markers
    assert [one.action for one in markers if one.ns == "hands"] == [Marker.DELETE]
    assert len(next(one for one in markers if one.ns == "body").points) > 10

    # Fingers alone have no size from which to tell the distance.
    fingers = np.where(np.arange(133) >= 91, 1.0, 0.0).astype(np.float32)
    lone = replace(people(7), skeletons=(replace(whole, track_id=7, scores=fingers),))
    found = PeopleMarkers().update(lone, None, CAMERA, image_frame="lens").markers
    assert [one.action for one in found] == [Marker.DELETEALL]


def test_a_body_that_is_hidden_again_is_taken_away() -> None:
    """Both hands before the camera: the bones of a moment ago would look like now."""
    made = PeopleMarkers()
    (whole,) = people(1).skeletons
    scores = np.zeros_like(whole.scores)
    scores[HANDS] = 0.9
    made.update(people(1), None, CAMERA, image_frame="lens")
    hands = replace(people(1), skeletons=(replace(whole, scores=scores),))
    markers = made.update(hands, None, CAMERA, image_frame="lens").markers
    actions = {one.ns: one.action for one in markers}
    assert actions == {"body": Marker.DELETE, "hands": Marker.ADD, "labels": Marker.ADD}


def test_somebody_blurred_is_left_out_alone() -> None:
    made = PeopleMarkers()
    first = people(1, 2)
    made.update(first, None, CAMERA, image_frame="lens")
    sharp, blurred = first.skeletons
    faint = replace(blurred, scores=np.minimum(blurred.scores, np.float32(0.25)))
    found = made.update(replace(first, skeletons=(sharp, faint)), None, CAMERA, image_frame="lens")
    assert {one.id for one in found.markers if one.action == Marker.ADD} == {1}
    assert {one.id for one in found.markers if one.action == Marker.DELETE} == {2}
    # How far away they are is not forgotten: hands alone could not tell.
    hands = np.where(np.arange(133) >= 91, blurred.scores, 0.0).astype(np.float32)
    again = replace(first, skeletons=(sharp, replace(blurred, scores=hands)))
    found = made.update(again, None, CAMERA, image_frame="lens")
    assert {one.id for one in found.markers if one.action == Marker.ADD} == {1, 2}


def test_people_who_lack_keypoints_are_refused_in_words() -> None:
    first = people(1)
    few = replace(first.skeletons[0], keypoints=np.ones((17, 2)), scores=np.ones(17))
    with pytest.raises(InvalidSkeletonError, match="has 17 keypoints"):
        PeopleMarkers().update(
            replace(first, skeletons=(few,)), None, CAMERA, image_frame="lens"
        )


def test_what_was_said_long_ago_is_not_shown_as_if_it_were_now() -> None:
    seen = people(1)
    for age_ns, words in ((100_000_000, "stop"), (2 * 10**9, "no judgement yet")):
        stop = RecognizedAction(
            ActionState.ONGOING, 1, (Hypothesis(3, "stop", 0.9, "gestures"),), 0, 1, 10, 0.25, 0.75,
            np.zeros(4, np.float32),
        )  # fmt: skip
        said = ActionFrame(seen.stamp_ns - age_ns, (stop,))
        found = PeopleMarkers().update(seen, said, CAMERA, image_frame="lens").markers
        assert words in next(one for one in found if one.ns == "labels").text
