"""Topics to bags, as they are, and a bag of the drawn actor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import tiny_world as world

pytest.importorskip("rosbags", reason="bags are written with rosbags")

from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import deserialize_message
from std_msgs.msg import Char, Empty

from benchmarks.ros_domains import second
from bharnet_ros import msg
from bharnet_ros.bags import open_bag
from bharnet_ros.bags.messages import skeleton_frame
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.bag_recorder import BagRecorder
from bharnet_ros.nodes.conversions import skeletons_to_msg
from bharnet_ros.nodes.qos import LATCHED, RESULTS


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bharnet_ros", "record", *map(str, arguments)]


def test_topics_are_recorded_as_they_are(ros: Any, tmp_path: Path) -> None:
    latched = ros.node.create_publisher(msg.SkeletonLayout, "hall/skeleton_layout", LATCHED)
    latched.publish(msg.SkeletonLayout(name="coco_17"))
    child = ros.start_command(
        command(tmp_path / "bag", "--topics", "/hall/skeletons", "/hall/skeleton_layout", "/none",
                "--storage", "sqlite3")
    )  # fmt: skip
    publisher = ros.publisher(msg.SkeletonArray, "hall/skeletons", RESULTS)
    sent = [skeletons_to_msg(world.people(index), "lens") for index in range(8)]
    for message in sent:
        publisher.publish(message)
    assert publisher.wait_for_all_acked()
    ros.wait(lambda: latched.get_subscription_count(), "the latched topic to be heard")
    child.end(signal.SIGINT)
    said = child.output()
    assert child.process.returncode == 0, said
    assert "/hall/skeletons 8" in said and "Nobody published /none" in said
    with open_bag(tmp_path / "bag") as bag:
        assert set(bag.topics) == {"/hall/skeletons", "/hall/skeleton_layout"}
        assert bag.topics["/hall/skeleton_layout"].qos[0].durability == "transient_local"
        raw = [message.data for message in bag.raw_messages(["/hall/skeletons"])]
        # Padding between fields is not the same from one serialisation to the next.
        read = [deserialize_message(bytes(data), msg.SkeletonArray) for data in raw]
        assert [each.skeletons[0].keypoints for each in read] == [
            each.skeletons[0].keypoints for each in sent
        ]
        found = [skeleton_frame(m.message) for m in bag.messages(["/hall/skeletons"])]
    assert [frame.stamp_ns for frame in found] == [world.stamp(index) for index in range(8)]


def test_what_has_arrived_is_taken_before_the_end(ros: Any, tmp_path: Path) -> None:
    executor = SingleThreadedExecutor(context=ros.node.context)
    with BagWriter(tmp_path / "bag") as writer:
        recorder = BagRecorder(writer, ["hall/skeletons"], context=ros.node.context)
        executor.add_node(recorder)
        publisher = ros.node.create_publisher(msg.SkeletonArray, "hall/skeletons", RESULTS)
        ros.wait(lambda: recorder.count_publishers("hall/skeletons"), "the topic to appear")
        recorder.look()
        ros.wait(publisher.get_subscription_count, "the recorder to be heard of")
        message = skeletons_to_msg(world.people(0), "lens")
        for _ in range(5):
            publisher.publish(message)
        assert publisher.wait_for_all_acked()
        began = time.time_ns()
        recorder.end()
        # All of them have arrived; none has been taken, because nobody has spun the recorder.
        assert recorder.counts == {"/hall/skeletons": 0}
        while recorder.ending:
            executor.spin_once(timeout_sec=0.05)
        assert recorder.counts == {"/hall/skeletons": 5}
        # A camera that goes on is no reason to go on recording.
        publisher.publish(message)
        assert publisher.wait_for_all_acked()
        executor.spin_once(timeout_sec=1.0)
        recorder.destroy_node()
    executor.shutdown()
    assert recorder.counts == {"/hall/skeletons": 5}
    with open_bag(tmp_path / "bag") as bag:
        stamps = [m.log_ns for m in bag.raw_messages(["/hall/skeletons"])]
    # The time of a message is when it was received, not when somebody came to write it.
    assert len(stamps) == 5 and max(stamps) < began


def test_a_topic_given_twice_is_recorded_once(ros: Any, tmp_path: Path) -> None:
    executor = SingleThreadedExecutor(context=ros.node.context)
    with BagWriter(tmp_path / "bag") as writer:
        recorder = BagRecorder(writer, ["once", "/once", "once"], context=ros.node.context)
        executor.add_node(recorder)
        assert recorder.waiting == ("/once",)
        publisher = ros.node.create_publisher(msg.SkeletonArray, "once", RESULTS)
        ros.wait(lambda: recorder.count_publishers("once"), "the topic to appear")
        recorder.look()
        ros.wait(publisher.get_subscription_count, "the recorder to be heard of")
        publisher.publish(skeletons_to_msg(world.people(0), "lens"))
        assert publisher.wait_for_all_acked()
        recorder.end()
        while recorder.ending:
            executor.spin_once(timeout_sec=0.05)
        assert publisher.get_subscription_count() == 1 and recorder.counts == {"/once": 1}
        recorder.destroy_node()
    executor.shutdown()


def test_what_cannot_be_written_is_refused_when_it_is_subscribed_to(
    ros: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BagWriter(tmp_path / "bag") as writer:

        def learn(kind: str) -> None:
            raise ConfigurationError(f"the definition of {kind} is not installed here")

        monkeypatch.setattr(writer, "learn", learn)
        recorder = BagRecorder(writer, ["odd"], context=ros.node.context)
        publisher = ros.node.create_publisher(msg.SkeletonArray, "odd", RESULTS)
        ros.wait(lambda: recorder.count_publishers("odd"), "the topic to appear")
        (told,) = recorder.look()
        assert told.startswith("/odd cannot be recorded: ") and told.endswith("; leave it out.")
        assert publisher.get_subscription_count() == 0
        assert recorder.look() == [] and recorder.waiting == () and recorder.counts == {}
        recorder.destroy_node()


REFUSING = """
import sys
from bharnet_ros.__main__ import main
from bharnet_ros.bags import write
from bharnet_ros.errors import ConfigurationError

learn = write.learn_type

def refuse(store, kind):
    if kind.startswith("std_msgs/msg/Char"):
        raise ConfigurationError(f"{kind} is odd")
    return learn(store, kind)

write.learn_type = refuse
sys.exit(main(sys.argv[1:]))
"""


def test_a_topic_that_is_refused_costs_the_others_nothing(ros: Any, tmp_path: Path) -> None:
    child = ros.start_command(
        [sys.executable, "-c", REFUSING, "record", str(tmp_path / "bag"),
         "--topics", "/mixed/odd", "/mixed/bump"]
    )  # fmt: skip
    ros.node.create_publisher(Char, "/mixed/odd", RESULTS)
    ros.wait(lambda: "/mixed/odd cannot be recorded" in child.output(), "the refusal")
    assert child.process.poll() is None
    bump = ros.publisher(Empty, "/mixed/bump", RESULTS)
    for _ in range(3):
        bump.publish(Empty())
    assert bump.wait_for_all_acked()
    child.end(signal.SIGINT)
    said = child.output()
    assert child.process.returncode == 1, said  # not all that was asked for is there
    assert said.count("/mixed/odd cannot be recorded: std_msgs/msg/Char is odd; leave it") == 1
    assert "Recorded: /mixed/bump 3" in said
    with open_bag(tmp_path / "bag") as bag:
        assert set(bag.topics) == {"/mixed/bump"} and len(list(bag.messages())) == 3
        assert not bag.problems


def test_nothing_is_recorded_when_all_is_refused(ros: Any, tmp_path: Path) -> None:
    ros.node.create_publisher(Char, "/all/odd", RESULTS)
    child = ros.start_command(
        [sys.executable, "-c", REFUSING, "record", str(tmp_path / "bag"), "--topics", "/all/odd"]
    )
    ros.wait(lambda: child.process.poll() is not None, "the process to end")
    assert child.process.returncode == 1 and "Traceback" not in child.output()
    assert "bharnet_ros: /all/odd cannot be recorded" in child.output()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--topics", "bad topic"), "'bad topic' cannot be recorded: topic name 'bad topic' is"),
        (("--topics", "ok", "{room}/x"), "unknown substitution: {room}"),
        (("--topics", "/a//b"), "must not contain repeated '/'"),
        (("--topics", "ok", "--ros-args", "-r", "bad"), "Couldn't parse remap rule: '-r bad'"),
        (("--topics", "ok", "--ros-args", "--wrong"), "--wrong"),
        (("--topics", "ok", "--duration_s", "nan"), "--duration_s is nan"),
        (("--simulated", "--classes", "nope"), "There is no gesture 'nope' to play"),
        (("--simulated", "--bundle", "nope"), "Bundle 'nope' is neither a folder"),
        (("--simulated", "--topics", "x"), "--topics cannot be chosen with --simulated"),
        (("--topics", "x", "--bundle", "gestures"), "--bundle needs --simulated"),
        (("--simulated", "--num_people", "9"), "--num_people is 9; it must lie between 0 and 4"),
        (("--simulated", "--duration_s", "0.5"), "--duration_s is 0.5; it must lie between 1.0"),
        (("--simulated", "--duration_s", "2000"), "--rate_hz 12 make 24001 images"),
    ],
)
def test_mistakes_leave_no_folder(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    done = subprocess.run(
        command(tmp_path / "bag", *arguments), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("bharnet_ros: "))
    assert told in said and "/project/" not in said
    assert not (tmp_path / "bag").exists()


def test_a_folder_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "--topics", "x"), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1 and str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def test_the_drawn_actor_before_the_graph(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")
    environment = {**os.environ, "ROS_DOMAIN_ID": str(second())}
    done = subprocess.run(
        command(tmp_path / "bag", "--simulated", "--duration_s", 2, "--rate_hz", 5,
                "--num_people", 1, "--classes", "stop"),
        env=environment, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    with open_bag(tmp_path / "bag") as bag:
        counts = {name: topic.count for name, topic in bag.topics.items()}
        # The silence before the first image is no part of the bag.
        assert (bag.end_ns - bag.start_ns) / 1e9 < 60.0
    assert counts["/image_raw"] == counts["/ground_truth/skeletons"] > 3
    assert {"/skeletons", "/actions", "/skeleton_layout", "/action_labels"} <= set(counts)
