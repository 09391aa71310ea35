"""Bags played into a real graph by the installed command."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import Writer
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from bharnet_ros import msg, replay_command
from bharnet_ros.bags import TopicQos, open_bag
from bharnet_ros.bags.playback import PlayOptions
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import BagError, BharnetError
from bharnet_ros.nodes.qos import LATCHED
from bharnet_ros.nodes.replay import ReplayNode
from bharnet_ros.nodes.replay_qos import overridden_qos, publisher_qos
from bharnet_ros.types import Skeleton, SkeletonFrame

START_NS = 1_700_000_000 * 10**9
FRAMES = 30
IMAGE, PEOPLE, LAYOUT = "/robot/image_raw", "/robot/skeletons", "/robot/layout"
ALL = QoSProfile(depth=1000)
EFFORT = ReliabilityPolicy.BEST_EFFORT


def stamp(frame: int) -> int:
    return START_NS + frame * 50_000_000


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.5 seconds: pictures (best effort), skeletons (reliable), a latched layout at the begin."""
    path = tmp_path_factory.mktemp("bags") / "take"
    person = Skeleton(
        1, np.ones(4, np.float32), 1.0, np.ones((17, 2), np.float32), np.ones(17, np.float32)
    )
    effort = TopicQos("best_effort", "volatile", "keep_last", 5)
    latched = TopicQos("reliable", "transient_local", "keep_last", 1)
    empty = np.zeros(0, np.uint16)
    with BagWriter(path, compression="message") as writer:
        layout = writer.new(
            "bharnet_ros/msg/SkeletonLayout", name="coco_17", keypoint_names=["nose"],
            edges=empty, body_indices=empty, left_hand_indices=empty, right_hand_indices=empty,
        )  # fmt: skip
        writer.write(LAYOUT, "bharnet_ros/msg/SkeletonLayout", START_NS, layout, [latched])
        for frame in range(FRAMES):
            picture = np.full((4, 4, 3), frame, np.uint8)
            message = writer.new(
                "sensor_msgs/msg/Image", header=writer.header(stamp(frame), "lens"), height=4,
                width=4, encoding="bgr8", is_bigendian=0, step=12, data=picture.reshape(-1),
            )  # fmt: skip
            writer.write(IMAGE, "sensor_msgs/msg/Image", stamp(frame), message, [effort])
            writer.skeletons(PEOPLE, SkeletonFrame(stamp(frame), (4, 4), "coco_17", (person,)))
        writer.raw("/their/topic", "std_msgs/msg/String", stamp(3), b"\0\1\0\0\1\0\0\0\0")
    return path


def command(bag: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "bharnet_ros", "replay", str(bag), *options]


class Heard:
    """What arrives on a topic: bytes and their stamps."""

    def __init__(self, ros: Any, kind: Any, topic: str, quality: Any = ALL) -> None:
        self.data: list[bytes] = []
        self._subscription = ros.node.create_subscription(
            kind, topic, self.data.append, quality, raw=True
        )

    def __len__(self) -> int:
        return len(self.data)

    def stamps(self) -> list[int]:
        return [_stamp(data) for data in self.data]


def _stamp(data: bytes) -> int:
    sec, nanosec = np.frombuffer(data[4:12], np.uint32)
    return int(sec) * 10**9 + int(nanosec)


def ended(ros: Any, child: Any) -> int:
    ros.wait(lambda: child.process.poll() is not None, "the end of the replay")
    return int(child.process.returncode)


def test_every_byte_arrives_and_the_end_is_status_0(ros: Any, bag: Path) -> None:
    people = Heard(ros, msg.SkeletonArray, PEOPLE)
    late = Heard(ros, msg.SkeletonLayout, LAYOUT, LATCHED)
    pictures = Heard(ros, Image, IMAGE, QoSProfile(depth=5, reliability=EFFORT))
    child = ros.start_command(
        command(bag, "--start-paused", "--rate", "4", "-x", "their", "--wait-for-subscribers")
    )

    def offered(topic: str) -> Any:
        ros.wait(lambda: ros.node.count_publishers(topic), f"the publisher of {topic}")
        return ros.node.get_publishers_info_by_topic(topic)[0].qos_profile

    # as recorded
    assert offered(IMAGE).reliability == EFFORT
    assert offered(PEOPLE).reliability == ReliabilityPolicy.RELIABLE
    assert offered(LAYOUT).durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert ros.call(Trigger, "/replay/is_paused", Trigger.Request()).message == "paused"
    assert ros.call(Trigger, "/replay/resume", Trigger.Request()).message == "playing"
    ros.wait(lambda: len(people) >= FRAMES and late.data, "all skeletons")
    ros.wait(lambda: pictures.data, "a picture")
    assert ended(ros, child) == 0
    with open_bag(bag) as opened:
        recorded = [bytes(m.data) for m in opened.raw_messages([PEOPLE])]
        latched = [bytes(m.data) for m in opened.raw_messages([LAYOUT])]
    assert people.data == recorded and late.data == latched
    assert "Playing take: 1.4 s, 61 messages of 3 topics, paused" in child.output()


def test_it_waits_for_as_many_listeners_as_asked_for(ros: Any, bag: Path) -> None:
    first = Heard(ros, msg.SkeletonArray, PEOPLE)
    child = ros.start_command(
        command(bag, "--topics", PEOPLE, "--rate", "8", "--min-subscribers", "2")
    )
    ros.wait(lambda: "Waiting for subscribers" in child.output(), "the replay to wait")
    assert not first.data
    second = Heard(ros, msg.SkeletonArray, PEOPLE)
    ros.wait(lambda: len(first) >= FRAMES and len(second) >= FRAMES, "all skeletons, twice")
    assert first.data == second.data
    assert ended(ros, child) == 0


def test_time_is_kept_and_told(ros: Any, bag: Path) -> None:
    """Twice as fast: 1.45 s of bag take 0.7 s; /clock runs with it and stays within the bag."""
    times = ros.hear(Clock, "/clock", ALL)
    people = Heard(ros, msg.SkeletonArray, PEOPLE)
    child = ros.start_command(
        command(
            bag, "-p", "--rate", "2", "--clock", "100", "--topics", "skeletons",
            "--wait-for-subscribers",
        )
    )  # fmt: skip
    ros.wait(lambda: len(times) > 3, "the clock")
    began = time.monotonic()
    ros.call(Trigger, "/replay/resume", Trigger.Request())
    ros.wait(lambda: len(people) >= FRAMES, "all skeletons")
    # Later is possible on a busy machine, earlier is not.
    assert time.monotonic() - began > 0.72
    assert ended(ros, child) == 0

    def told() -> list[int]:
        return [each.clock.sec * 10**9 + each.clock.nanosec for each in times]

    ros.wait(lambda: told()[-1] == stamp(FRAMES - 1), "the last time")
    assert told()[:3] == [START_NS] * 3  # paused
    assert told() == sorted(told()) and len(set(told())) > 2


def test_the_clock_stands_at_the_end_and_is_not_set_back(ros: Any, bag: Path) -> None:
    """The last message of the topics that are played may come long before the end of the bag."""
    with open_bag(bag) as opened:
        node = ReplayNode(opened, PlayOptions(topics=(LAYOUT,), clock_hz=40.0))
        times = ros.hear(Clock, "/clock", ALL)
        ros.wait(node._clock_publisher.get_subscription_count, "the listener")
        try:
            node.play()
            node._tell_time()  # as its timer does until the process is gone
            ros.wait(lambda: len(times) > 1, "both times")
        finally:
            node.destroy_node()
    assert [each.clock.sec * 10**9 + each.clock.nanosec for each in times] == 2 * [
        stamp(FRAMES - 1)
    ]


def test_pause_step_and_stop(ros: Any, bag: Path, tmp_path: Path) -> None:
    overrides = tmp_path / "qos.yaml"
    overrides.write_text(f"{PEOPLE}:\n  durability: transient_local\n  depth: 50\n")
    people = Heard(ros, msg.SkeletonArray, PEOPLE)
    child = ros.start_command(
        command(
            bag, "-p", "--topics", PEOPLE, "--rate", "0.5",
            "--qos-profile-overrides-path", str(overrides),
        )
    )  # fmt: skip
    ros.wait(lambda: ros.node.count_publishers(PEOPLE), "the publisher of the skeletons")
    (offer,) = ros.node.get_publishers_info_by_topic(PEOPLE)
    assert offer.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    for count in (1, 2):
        assert ros.call(Trigger, "/replay/play_next", Trigger.Request()).success
        ros.wait(lambda wanted=count: len(people) == wanted, f"message {count}")
    ros.call(Trigger, "/replay/toggle_paused", Trigger.Request())
    ros.wait(lambda: len(people) > 4, "playing on")
    assert ros.call(Trigger, "/replay/pause", Trigger.Request()).message == "paused"
    assert people.stamps() == [stamp(frame) for frame in range(len(people))]
    assert len(people) < FRAMES
    ros.call(Trigger, "/replay/stop", Trigger.Request())
    assert ended(ros, child) == 0


def test_the_rate_may_be_a_whole_number(ros: Any, bag: Path) -> None:
    child = ros.start_command(command(bag, "-p", "--topics", PEOPLE, "--ros-args", "-p", "rate:=2"))
    given = GetParameters.Request(names=["rate"])
    rate = ros.call(GetParameters, "/replay/get_parameters", given).values[0]
    assert rate.double_value == 2.0
    for value, taken in ((4, True), (0, False), ("fast", False)):
        change = SetParameters.Request(
            parameters=[Parameter("rate", value=value).to_parameter_msg()]
        )
        (result,) = ros.call(SetParameters, "/replay/set_parameters", change).results
        assert result.successful is taken, (value, result.reason)
    rate = ros.call(GetParameters, "/replay/get_parameters", given).values[0]
    assert rate.double_value == 4.0
    ros.call(Trigger, "/replay/stop", Trigger.Request())
    assert ended(ros, child) == 0


def test_a_part_again_and_again_until_ctrl_c(ros: Any, bag: Path) -> None:
    people = Heard(ros, msg.SkeletonArray, "/elsewhere/people")
    layouts = Heard(ros, msg.SkeletonLayout, "/robot/layout", LATCHED)
    child = ros.start_command(
        command(
            bag, "--loop", "--delay", "0.1", "--start-offset", "0.5",
            "--playback-duration", "0.2", "--remap",
            f"{PEOPLE}:=/elsewhere/people", "--exclude-topics", "/their/topic", IMAGE,
        )
    )  # fmt: skip
    ros.wait(lambda: len(people) >= 14, "three rounds")
    assert child.end(signal.SIGINT) < 10.0
    assert child.process.returncode == 0 and "Traceback" not in child.output()
    stamps = people.stamps()
    assert set(stamps) == {stamp(frame) for frame in range(10, 15)}
    rounds = [i for i in range(1, len(stamps)) if stamps[i] < stamps[i - 1]]
    assert len(rounds) >= 2  # back to the beginning
    assert len(set(layouts.data)) == 1  # what was latched before the part is told all the same
    said = child.output()  # how many messages the part has is counted nowhere
    assert "Playing take: 0.2 s (from 0.5 s on) of 2 topics" in said and "messages" not in said


def test_mistakes_are_sentences(bag: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    replay_command.register(parser.add_subparsers())
    for arguments, word in (
        ((str(tmp_path / "nowhere"),), "does not exist"),
        ((str(bag), "--topics", "camera"), "no topic of --topics 'camera'. Its topics are"),
        ((str(bag), "--start-offset", "60"), r"lasts 1\.4 s"),
        ((str(bag), "--remap", "image"), "not of the form"),
        ((str(bag), "--qos-profile-overrides-path", str(tmp_path / "no.yaml")), "cannot be read"),
    ):
        with pytest.raises(BharnetError, match=word):
            replay_command.run(parser.parse_args(["replay", *arguments]))
    for wrong in (("--rate", "0"), ("--rate", "x"), ("--rate", "2000"), ("--rate", "0.0001"),
                  ("--delay", "-1"), ("--start-offset", "nan"),
                  ("--read-ahead-queue-size", "0"), ("--clock", "-5"),
                  ("--min-subscribers", "0")):  # fmt: skip
        with pytest.raises(SystemExit):
            parser.parse_args(["replay", str(bag), *wrong])


def test_the_options_of_ros2_bag_play_are_understood(bag: Path) -> None:
    parser = argparse.ArgumentParser()
    replay_command.register(parser.add_subparsers())

    def understood(*arguments: str) -> PlayOptions:
        return replay_command.play_options(parser.parse_args(["replay", str(bag), *arguments]))

    assert understood() == PlayOptions()
    assert understood("-r", "2", "-l", "-p", "-d", "3", "--clock") == PlayOptions(
        rate=2.0, loop=True, start_paused=True, delay_s=3.0, clock_hz=40.0
    )
    assert understood("--playback-until-sec", "1.5").playback_until_ns == 1_500_000_000
    assert understood("--playback-until-nsec", "7").playback_until_ns == 7
    assert understood("--playback-duration", "2", "--start-offset", "1") == PlayOptions(
        playback_duration_s=2.0, start_offset_s=1.0
    )
    assert understood("-e", "a", "-x", "b", "-m", "/a:=/b", "/c:=/d") == PlayOptions(
        regex="a", exclude_regex="b", remap=("/a:=/b", "/c:=/d")
    )
    assert understood("--wait-for-all-acked", "0", "--disable-keyboard-controls") == PlayOptions(
        wait_for_all_acked_ms=0
    )


def test_a_damaged_bag_is_played_as_far_as_it_goes(ros: Any, tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        for frame in range(3):
            writer.image(IMAGE, stamp(frame), np.zeros((4, 4, 3), np.uint8))
    cut = tmp_path / "cut.mcap"
    cut.write_bytes((tmp_path / "bag" / "bag.mcap").read_bytes()[:-600])
    child = ros.start_command(command(cut))
    assert ended(ros, child) == 0
    assert "cut.mcap is damaged" in child.output()


def test_what_is_not_installed_is_left_out(ros: Any, tmp_path: Path) -> None:
    with Writer(tmp_path / "bag", version=9) as writer:
        for topic, kind in (("/thing", "their_msgs/msg/Thing"), ("/odd", "os/path")):
            connection = writer.add_connection(topic, kind, msgdef="int32 a", rihs01="RIHS01_0")
            writer.write(connection, START_NS, b"\0\1\0\0\1\0\0\0")
    with (
        open_bag(tmp_path / "bag") as bag,
        pytest.raises(BagError, match=r"/odd is not played: its type os/msg/path is not installed"),
    ):
        ReplayNode(bag, PlayOptions())


def test_a_name_that_ros_forbids_is_left_out_and_the_others_are_played(
    ros: Any, tmp_path: Path
) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        for topic in ("/camera-1/image", IMAGE):
            writer.image(topic, START_NS, np.zeros((4, 4, 3), np.uint8))
    pictures = Heard(ros, Image, IMAGE)
    child = ros.start_command(command(tmp_path / "bag", "--topics", IMAGE, "/camera-1/image",
                                      "--wait-for-subscribers"))  # fmt: skip
    ros.wait(lambda: pictures.data, "the other topic")
    assert ended(ros, child) == 0
    said = child.output()
    assert "/camera-1/image is not played: " in said and "Traceback" not in said
    child = ros.start_command(command(tmp_path / "bag", "-e", "camera-1"))
    assert ended(ros, child) == 1 and "Traceback" not in child.output()
    assert "bharnet_ros: No topic of the bag bag can be played. /camera-1" in child.output()


def test_a_remapping_that_ros_cannot_read_is_a_sentence(ros: Any, bag: Path) -> None:
    child = ros.start_command(command(bag, "--remap", f"{IMAGE}:=/9bad"))
    assert ended(ros, child) == 1 and "Traceback" not in child.output()
    assert "bharnet_ros: ROS 2 cannot be started: " in child.output()
    assert f"{IMAGE}:=/9bad" in child.output()


def test_the_strongest_of_different_offers() -> None:
    plain = TopicQos("reliable", "volatile", "keep_last", 5, 10**9, 0, "automatic", 0)
    latched = TopicQos("best_effort", "transient_local", "keep_all", 0)
    quality, same = publisher_qos([plain, latched])
    assert not same and quality.reliability == ReliabilityPolicy.RELIABLE
    assert quality.durability == DurabilityPolicy.TRANSIENT_LOCAL and quality.depth == 10
    quality, same = publisher_qos([plain, plain])
    assert same and quality.deadline.nanoseconds == 10**9
    assert publisher_qos([])[1] and overridden_qos(TopicQos(depth=3)).depth == 3
    assert overridden_qos(latched).history == HistoryPolicy.KEEP_ALL
    endless = TopicQos("reliable", "volatile", deadline_ns=2**63 - 1)
    assert publisher_qos([endless])[0] == QoSProfile(depth=10)  # no limit at all
