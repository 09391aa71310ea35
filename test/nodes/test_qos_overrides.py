"""Quality of service by parameters: whose topics it changes, and what would change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import Image

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.qos import check_override, unused_overrides


def test_an_override_changes_its_own_topic_only(ros: Any) -> None:
    ours = "qos_overrides./quality/ground_truth/skeletons.publisher"
    values = {
        f"{ours}.reliability": "best_effort", f"{ours}.durability": "transient_local",
        "autostart": False,
    }  # fmt: skip
    ros.start(NodeSpec("simulated_camera", values), namespace="quality")

    def quality(topic: str) -> Any:
        found = ros.node.get_publishers_info_by_topic(f"/quality/ground_truth/{topic}")
        return found[0].qos_profile if found else None

    for topic in ("skeletons", "actions"):
        ros.wait(lambda name=topic: quality(name), topic)
    given, other = quality("skeletons"), quality("actions")
    assert given.reliability is ReliabilityPolicy.BEST_EFFORT
    assert given.durability is DurabilityPolicy.TRANSIENT_LOCAL
    assert other.reliability is ReliabilityPolicy.RELIABLE
    assert other.durability is DurabilityPolicy.VOLATILE


@pytest.mark.parametrize(
    ("policy", "value", "reason"),
    [
        ("reliability", "reliabel", "one of "), ("history", 5, "keep_last, keep_all"),
        ("depth", -5, "whole number"), ("depth", "five", "whole number"),
    ],
)  # fmt: skip
def test_an_override_that_is_none_is_a_sentence(policy: str, value: Any, reason: str) -> None:
    name = f"qos_overrides./skeletons.publisher.{policy}"
    with pytest.raises(ConfigurationError, match=reason):
        check_override(name, value)
    check_override(f"other.{name}", value)


def test_such_a_sentence_ends_the_process(ros: Any) -> None:
    name = "qos_overrides./wrong/skeletons.publisher.reliability"
    child = ros.start(NodeSpec("pose_estimator", {name: "reliabel"}), namespace="wrong")
    ros.wait(lambda: child.process.poll() is not None, "its end")
    assert child.process.returncode == 1 and f"bharnet_ros: {name} is" in child.output()


HAS = [
    f"qos_overrides.{way}.{policy}"
    for way in ("/robot/cam/image_raw.subscription", "/robot/skeletons.publisher")
    for policy in ("depth", "durability", "history", "reliability")
]
CALLED = {
    "/robot/cam/image_raw": ("/robot/image_raw", "image_raw"),  # a remapping
    "/robot/skeletons": ("/robot/skeletons", "skeletons"),
}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/robot/cam/image_rw.subscription.depth", 0), ("/robot/skeleton.publisher.depth", 4),
        ("/image_raw.subscription.reliability", 3), ("/robot/image_raw.subscription.depth", 0),
        ("robot/skeletons.publisher.depth", 4), ("skeletons.publisher.depth", 4),
        ("/robot/cam/image_raw.subscriber.depth", 0), ("/robot/cam/image_raw.reliability", 3),
        ("/robot/skeletons.publisher.reliabilty", 7), ("/robot/skeletons.publisher", 4),
    ],
)  # fmt: skip
def test_an_override_of_no_topic_is_told_with_the_one_it_may_mean(written: str, meant: int) -> None:
    name = f"qos_overrides.{written}"
    (told,) = unused_overrides([name, *HAS, "rate_hz"], HAS, CALLED).values()
    assert f"'{name}'" in told and f"did you mean '{HAS[meant]}'?" in told


def test_an_override_of_the_raw_topic_is_told_where_images_come_compressed() -> None:
    has = [name.replace("image_raw", "image_raw/compressed") for name in HAS]
    called = {"/robot/cam/image_raw/compressed": ("/robot/cam/image_raw/compressed",)}
    (told,) = unused_overrides(HAS[:1], has, called).values()
    assert f"did you mean '{has[0]}'?" in told


@pytest.mark.parametrize(
    "written", ["/robot/labels.publisher.depth", "labels.publisher.durability"]
)
def test_an_override_of_a_latched_topic_is_told(written: str) -> None:
    topics = {**CALLED, "/robot/labels": ("labels",)}
    name = f"qos_overrides.{written}"
    (told,) = unused_overrides([name], HAS, topics, {"/robot/labels"}).values()
    assert f"'{name}'" in told and "/robot/labels cannot be changed" in told
    listener = "qos_overrides./robot/labels.subscription.depth"  # of another node
    assert not unused_overrides([listener], HAS, topics, {"/robot/labels"})


@pytest.mark.parametrize(
    "written",
    [
        # What a file for all nodes says to those that take the images compressed.
        "/robot/cam/image_raw/compressed.subscription.depth",
        "/robot/skeletons.subscription.depth", "/robot/cam/depth/image_raw.subscription.depth",
        "/robot/cam/camera_info.subscription.depth", "/robot/skeletons_3d.publisher.depth",
        "/robot_2/cam/image_raw.subscription.depth", "/actions.publisher.depth", "", ".", "..depth",
    ],
)  # fmt: skip
def test_an_override_that_is_for_another_node_is_not(written: str) -> None:
    numbered = {"/robot_1/cam/image_raw": ("image_raw",), **CALLED}
    assert not unused_overrides([f"qos_overrides.{written}"], HAS, numbered)


def test_the_node_tells_it_when_its_topics_are_there(ros: Any, arms_bundle: Path) -> None:
    wrong = "qos_overrides./told/{}.publisher.depth".format
    values = {
        "bundles": [str(arms_bundle)], wrong("action"): 5, wrong("skeletons"): 5,
        wrong("action_labels"): 5, "qos_overrides./parameter_events.publisher.depth": 5,
    }  # fmt: skip
    child = ros.start(NodeSpec("action_recognizer", values), namespace="told")
    right = f"'{wrong('action')}', so that is ignored; did you mean '{wrong('actions')}'?"
    ros.wait(lambda: right in child.output(), "the warning")
    latched = "quality of service of /told/action_labels cannot be changed"
    ros.wait(lambda: latched in child.output(), "the warning of the latched one")
    assert "parameter_events" not in child.output()
    # Of topics that wait until somebody looks, too.
    image = "qos_overrides./told/{}.subscription.reliability".format
    child = ros.start(NodeSpec("visualizer", {image("image_rw"): "reliable"}), namespace="told")
    ros.hear(Image, "/told/image_annotated", 1)
    ros.wait(lambda: f"did you mean '{image('image_raw')}'?" in child.output(), "its warning")
    assert wrong("skeletons") not in "".join(each.output() for each in ros.children)
