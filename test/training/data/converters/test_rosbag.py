"""Bags of our own messages, written and read with the library rosbags, without ROS."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.bags.definitions import known_types
from bharnet_ros.errors import ConfigurationError
from training.data import open_store
from training.data.converters import RosbagConverter
from training.data.converting import convert

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

from rosbags.rosbag2 import Writer

LAYOUT, COUNT = "coco_17", 17
TYPES = known_types()
T = {name.rsplit("/", 1)[1]: TYPES.types[name] for name in TYPES.types if "bharnet" in name}
NONE, STARTED, ONGOING, ENDED = range(4)


def header(frame):
    stamp = TYPES.types["builtin_interfaces/msg/Time"](sec=100, nanosec=frame * 50_000_000)
    return TYPES.types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")


def skeletons(frame, people, layout=LAYOUT):
    """people: track id -> left edge of the box."""
    found = [
        T["Skeleton"](
            track_id=track, bbox=np.array([x, 10, 50, 100], np.float32), bbox_score=1.0,
            keypoints=np.arange(2 * COUNT, dtype=np.float32) + x + frame,
            keypoint_scores=np.full(COUNT, 0.5, np.float32),
        )
        for track, x in people.items()
    ]  # fmt: skip
    return T["SkeletonArray"](
        header=header(frame), image_height=480, image_width=640, layout=layout, skeletons=found
    )


def actions(frame, states):
    """states: person -> (state, class)."""
    time, hypothesis = header(frame).stamp, T["ActionHypothesis"]
    return T["RecognizedActionArray"](
        header=header(frame),
        actions=[
            T["RecognizedAction"](
                NONE=0, STARTED=1, ONGOING=2, ENDED=3, state=state, track_id=person,
                hypotheses=[hypothesis(class_id=3, class_name=name, score=1.0, bundle="")],
                window_start=time, window_end=time, num_frames=0, body_score=0.0, hand_score=0.0,
                bbox=np.zeros(4, np.float32), bundle="",
            )
            for person, (state, name) in states.items()
        ],
    )  # fmt: skip


def write_bag(path, messages):
    """messages: (topic, type, message) in order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Writer(path, version=9) as writer:
        connections = {}
        for number, (topic, kind, message) in enumerate(messages):
            name = f"bharnet_ros/msg/{kind}"
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, name, typestore=TYPES)
            writer.write(connections[topic], number, TYPES.serialize_cdr(message, name))


def scene(namespace="", layout=LAYOUT):
    """20 frames. Tracks 5 (person 0) and 9 (person 1, from frame 8 on); person 1 waves."""
    for frame in range(20):
        people = {5: 0} if frame < 8 else {5: 0, 9: 300}
        if frame == 12:
            del people[5]
        yield f"{namespace}/skeletons", "SkeletonArray", skeletons(frame, people, layout)
        truth = skeletons(frame, {0: 2, 1: 305})
        yield f"{namespace}/ground_truth/skeletons", "SkeletonArray", truth
        state = {10: STARTED, 15: ENDED}.get(frame, ONGOING if 10 < frame < 15 else NONE)
        doing = {1: (state, "wave" if 10 <= frame <= 15 else "idle")}
        yield f"{namespace}/ground_truth/actions", "RecognizedActionArray", actions(frame, doing)


def test_tracks_become_samples_with_the_true_actions(tmp_path):
    write_bag(tmp_path / "bags" / "monday", scene())
    convert(RosbagConverter(tmp_path / "bags", layout=LAYOUT), tmp_path / "store", report=str)
    store = open_store(tmp_path / "store")
    store.verify()
    assert store.sources.tolist() == ["monday#5", "monday#9"]
    assert store.sheet.class_names == ("wave",) and store.sheet.stamps == "measured"
    first, second = store.sample(0), store.sample(1)
    assert first.spans == () and first.image_size == (480, 640)
    assert np.flatnonzero(~first.people[0].scores.any(axis=1)).tolist() == [12]
    span = second.spans[0]
    start = 100 * 10**9
    assert (span.start_ns, span.end_ns) == (start + 500_000_000, start + 750_000_000)
    assert second.stamps_ns[0] == start + 400_000_000 and len(second.stamps_ns) == 12
    np.testing.assert_array_equal(second.people[0].keypoints[0, 0], [308.0, 309.0])
    assert store.sequence(1).spans[0].class_name == "wave"


def test_without_true_skeletons_ids_are_the_people(tmp_path):
    messages = [m for m in scene("/robot1") if m[0] != "/robot1/ground_truth/skeletons"]
    write_bag(tmp_path / "bag", messages)
    converter = RosbagConverter(tmp_path / "bag", layout=LAYOUT)
    convert(converter, tmp_path / "store", report=str)
    assert len(open_store(tmp_path / "store").spans) == 0  # nobody is called 1
    # The true skeletons as the input: then they are.
    write_bag(tmp_path / "truth", scene("/robot1"))
    converter = RosbagConverter(tmp_path / "truth", "ground_truth/skeletons", layout=LAYOUT)
    convert(converter, tmp_path / "store2", report=str)
    store = open_store(tmp_path / "store2")
    assert store.sources.tolist() == ["truth#0", "truth#1"]
    assert store.samples["num_spans"].tolist() == [0, 1]


def test_bad_bags_are_skipped(tmp_path):
    write_bag(tmp_path / "bags" / "good", scene())
    write_bag(tmp_path / "bags" / "other_layout", scene(layout="ntu25"))
    write_bag(tmp_path / "bags" / "quiet", [("/chat", "SkeletonArray", skeletons(0, {}))])
    (tmp_path / "bags" / "cut").mkdir()
    (tmp_path / "bags" / "cut" / "metadata.yaml").write_text("rosbag2_bagfile_information: 3")
    done = convert(
        RosbagConverter(tmp_path / "bags", layout=LAYOUT), tmp_path / "store", report=str
    )
    assert done.added == 2
    assert {source: reason for source, reason, _ in done.sheet.skipped} == {
        "other_layout": "corrupt", "quiet": "empty", "cut": "corrupt",
    }  # fmt: skip


def test_a_folder_without_bags_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no bag"):
        list(RosbagConverter(tmp_path).items())
