from __future__ import annotations

import numpy as np
import pytest
import rclpy.time
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message

from benchmarks.synthetic import tiny_manifest
from bharnet_ros import msg
from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.nodes import conversions
from bharnet_ros.skeleton import available_layouts, get_layout
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)

STAMPS = st.integers(0, 2**31 * 10**9 - 1)
UNIT = st.floats(0.0, 1.0, width=32)
NAMES = st.text(max_size=12).filter(lambda text: "\0" not in text)  # ROS strings end there


@st.composite
def skeleton_frames(draw: st.DrawFn) -> SkeletonFrame:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people = tuple(
        Skeleton(
            draw(st.integers(-1, 2**31 - 1)),
            rng.normal(300, 200, 4).astype(np.float32),
            draw(UNIT),
            rng.normal(300, 200, (133, 2)).astype(np.float32),
            rng.uniform(0, 1, 133).astype(np.float32),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    size = (draw(st.integers(0, 5000)), draw(st.integers(0, 5000)))
    return SkeletonFrame(draw(STAMPS), size, "coco_wholebody_133", people)


@given(skeleton_frames())
def test_skeletons_survive_the_wire(frame: SkeletonFrame) -> None:
    wire = serialize_message(conversions.skeletons_to_msg(frame, "camera"))
    message = deserialize_message(wire, msg.SkeletonArray)
    assert message.header.frame_id == "camera"
    back = conversions.msg_to_skeletons(message)
    assert (back.stamp_ns, back.image_size, back.layout) == (
        frame.stamp_ns, frame.image_size, frame.layout,
    )  # fmt: skip
    assert len(back.skeletons) == len(frame.skeletons)
    for one, other in zip(back.skeletons, frame.skeletons, strict=True):
        assert one.track_id == other.track_id
        assert one.bbox_score == pytest.approx(other.bbox_score)
        for name in ("bbox", "keypoints", "scores"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).dtype == np.float32


actions = st.builds(
    RecognizedAction,
    state=st.sampled_from(ActionState),
    track_id=st.integers(-1, 2**31 - 1),
    hypotheses=st.lists(
        st.builds(Hypothesis, st.integers(0, 2**16 - 1), NAMES, UNIT, NAMES), max_size=4
    ).map(tuple),
    window_start_ns=STAMPS,
    window_end_ns=STAMPS,
    num_frames=st.integers(0, 10_000),
    body_score=UNIT,
    hand_score=UNIT,
    bbox=st.just(np.array([1, 2, 3, 4], np.float32)),
    bundle=NAMES,
)


@given(STAMPS, st.lists(actions, max_size=3))
def test_actions_survive_the_wire(stamp_ns: int, some: list[RecognizedAction]) -> None:
    frame = ActionFrame(stamp_ns, tuple(some))
    wire = serialize_message(conversions.actions_to_msg(frame, "camera"))
    back = conversions.msg_to_actions(deserialize_message(wire, msg.RecognizedActionArray))
    assert back.stamp_ns == stamp_ns and len(back.actions) == len(some)
    for one, other in zip(back.actions, some, strict=True):
        for name in (
            "state", "track_id", "bundle", "window_start_ns", "window_end_ns", "num_frames",
        ):  # fmt: skip
            assert getattr(one, name) == getattr(other, name)
        assert one.hypotheses == other.hypotheses
        assert one.body_score == pytest.approx(other.body_score)
        np.testing.assert_array_equal(one.bbox, other.bbox)


def test_a_window_that_reaches_back_to_before_time_begins_at_zero() -> None:
    """Simulated time starts at 0; who reads the message must be able to take the stamp."""
    early = RecognizedAction(
        ActionState.NONE, 1, (), -1_566_666_667, -1, 1, 0.0, 0.0, np.zeros(4, np.float32)
    )
    action = conversions.actions_to_msg(ActionFrame(10**9 // 30, (early,)), "camera").actions[0]
    for stamp in (action.window_start, action.window_end):
        assert rclpy.time.Time.from_msg(stamp).nanoseconds == 0


def test_labels_tell_every_bundle_in_order() -> None:
    manifests = [
        tiny_manifest(name="one"),
        tiny_manifest(("rest", "nod", "other"), name="two", unknown_class="other", window_s=2.0),
    ]
    wire = serialize_message(conversions.labels_to_msg(manifests, "best"))
    back = deserialize_message(wire, msg.ActionLabels)
    assert back.conflict == "best" and [b.bundle for b in back.bundles] == ["one", "two"]
    two = back.bundles[1]
    assert list(two.class_names) == ["rest", "nod", "other"] and two.window_s == 2.0
    assert (two.background_class, two.unknown_class) == ("rest", "other")
    assert back.bundles[0].unknown_class == ""


def test_the_message_states_are_those_of_the_core() -> None:
    for state in ActionState:
        assert getattr(msg.RecognizedAction, state.name) == int(state)


def test_coordinates_and_scores_must_fit() -> None:
    bad = msg.SkeletonArray(
        skeletons=[msg.Skeleton(keypoints=[1.0, 2.0, 3.0], keypoint_scores=[1.0])]
    )
    with pytest.raises(InvalidSkeletonError, match="3 coordinates for 1 scores"):
        conversions.msg_to_skeletons(bad)


@pytest.mark.parametrize("field", ["keypoints", "keypoint_scores", "bbox"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused(field: str, value: float) -> None:
    person = msg.Skeleton(keypoints=[1.0, 2.0], keypoint_scores=[1.0])
    values = list(getattr(person, field))
    values[0] = value
    setattr(person, field, values)
    with pytest.raises(InvalidSkeletonError, match="finite"):
        conversions.msg_to_skeletons(msg.SkeletonArray(skeletons=[person]))


@pytest.mark.parametrize("name", available_layouts())
def test_every_layout_can_be_published(name: str) -> None:
    layout = get_layout(name)
    message = conversions.layout_to_msg(layout)
    assert list(message.keypoint_names) == list(layout.keypoint_names)
    assert len(message.edges) == 2 * len(layout.edges)
    assert list(message.right_hand_indices) == layout.right_hand_indices.tolist()
