"""Every transition, also those that fail, also under load; what deactivate gives back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lifecycle_msgs.msg import Transition

from bharnet_ros import msg
from bharnet_ros.nodes.base import ERROR
from bharnet_ros.nodes.conversions import header
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.qos import LATCHED, RESULTS

NODE = "action_recognizer"
CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def recogniser(ros: Any) -> Any:
    """Started with a bundle that does not exist."""
    spec = NodeSpec(NODE, {"bundles": ["no_such_bundle"], "diagnostics_period_s": 0.2})
    return ros.start(spec)


def test_a_missing_bundle_is_told_and_the_node_waits(ros: Any, recogniser: Any) -> None:
    ros.wait(lambda: ros.level(NODE) == ERROR, "an error in the diagnostics")
    assert "no_such_bundle" in ros.message(NODE) and "give the path" in ros.message(NODE)
    assert ros.values(NODE)["state"] == "unconfigured" == ros.state(NODE)
    assert recogniser.process.poll() is None


def test_a_corrupt_bundle_is_refused_too(
    ros: Any, recogniser: Any, arms_bundle: Path, tmp_path: Path
) -> None:
    corrupt = shutil.copytree(arms_bundle, tmp_path / "corrupt")
    (corrupt / "model.onnx").write_bytes(b"not a graph")
    assert ros.set(NODE, bundles=[str(corrupt)]).successful
    assert not ros.change(NODE, CONFIGURE)
    ros.wait(lambda: "damaged" in ros.message(NODE), "the sentence about the damaged file")


def test_two_bundles_of_one_name_are_refused(
    ros: Any, recogniser: Any, arms_bundle: Path, tmp_path: Path
) -> None:
    twin = shutil.copytree(arms_bundle, tmp_path / "twin")
    assert ros.set(NODE, bundles=[str(arms_bundle), str(twin)]).successful
    assert not ros.change(NODE, CONFIGURE)
    ros.wait(lambda: "Two bundles are named 'arms'" in ros.message(NODE), "the sentence")


def test_no_bundle_is_refused_too(ros: Any, recogniser: Any) -> None:
    assert ros.set(NODE, bundles=[""]).successful
    assert not ros.change(NODE, CONFIGURE)
    ros.wait(lambda: "No bundle is given" in ros.message(NODE), "the sentence")


def test_an_engine_option_that_does_not_exist_is_refused_too(
    ros: Any, recogniser: Any, arms_bundle: Path
) -> None:
    assert ros.set(NODE, bundles=[str(arms_bundle)], engine_options=["speed=11"]).successful
    assert not ros.change(NODE, CONFIGURE)
    ros.wait(lambda: "speed" in ros.message(NODE), "the sentence")
    assert ros.set(NODE, engine_options=[""]).successful


def test_then_corrected_by_parameter_and_configured_again(ros: Any, recogniser: Any) -> None:
    labels = ros.hear(msg.ActionLabels, "action_labels", LATCHED)
    assert ros.change(NODE, CONFIGURE)
    assert ros.state(NODE) == "inactive"
    ros.wait(lambda: labels, "the labels")
    assert ros.node.count_subscribers("skeletons") == 0
    assert ros.change(NODE, ACTIVATE)
    ros.wait(lambda: ros.node.count_subscribers("skeletons") == 1, "the subscription")
    ros.wait(lambda: ros.values(NODE)["state"] == "active", "the state")
    assert ros.level(NODE) != ERROR


def test_transitions_that_do_not_exist_change_nothing(ros: Any, recogniser: Any) -> None:
    assert not ros.change(NODE, CONFIGURE)
    assert not ros.change(NODE, CLEANUP)
    assert ros.state(NODE) == "active"
    told = f"no transition {CLEANUP} from the state 'active'; there are deactivate ({DEACTIVATE}),"
    assert told in recogniser.output()


def test_deactivate_stops_listening_and_activate_works_again(ros: Any, recogniser: Any) -> None:
    for _ in range(2):
        assert ros.change(NODE, DEACTIVATE) and ros.state(NODE) == "inactive"
        ros.wait(lambda: ros.node.count_subscribers("skeletons") == 0, "the subscription to go")
        assert ros.change(NODE, ACTIVATE) and ros.state(NODE) == "active"
        assert answers(ros)


def test_a_bundle_that_vanished_meanwhile_fails_activate_not_the_node(
    ros: Any, recogniser: Any, arms_bundle: Path, tmp_path: Path
) -> None:
    assert ros.change(NODE, DEACTIVATE) and ros.change(NODE, CLEANUP)
    gone = shutil.copytree(arms_bundle, tmp_path / "gone")
    assert ros.set(NODE, bundles=[str(gone)]).successful
    assert ros.change(NODE, CONFIGURE) and ros.change(NODE, ACTIVATE)
    assert ros.change(NODE, DEACTIVATE)
    shutil.rmtree(gone)
    assert not ros.change(NODE, ACTIVATE) and ros.state(NODE) == "inactive"
    ros.wait(lambda: "Could not activate" in ros.message(NODE), "the sentence")
    assert ros.change(NODE, CLEANUP)
    assert ros.set(NODE, bundles=[str(arms_bundle)]).successful
    assert ros.change(NODE, CONFIGURE) and ros.change(NODE, ACTIVATE)
    ros.wait(lambda: ros.level(NODE) != ERROR, "the error to be over")


class Flood:
    """Skeletons without end, while the test waits for something else."""

    def __init__(self, ros: Any) -> None:
        self._publisher = ros.node.create_publisher(msg.SkeletonArray, "skeletons", RESULTS)
        self.stamp_ns = 1000 * SECOND
        self._timer = ros.node.create_timer(0.002, self.send)
        self._ros = ros

    def send(self) -> None:
        for _ in range(4):
            self.stamp_ns += SECOND // 100
            people = [
                msg.Skeleton(track_id=i, keypoints=[50.0] * 266, keypoint_scores=[1.0] * 133)
                for i in range(4)
            ]
            self._publisher.publish(
                msg.SkeletonArray(
                    header=header(self.stamp_ns, "lens"), layout="coco_wholebody_133",
                    image_height=480, image_width=640, skeletons=people,
                )
            )  # fmt: skip

    def stop(self) -> None:
        self._ros.node.destroy_timer(self._timer)
        self._ros.node.destroy_publisher(self._publisher)


@pytest.fixture
def flood(ros: Any) -> Iterator[Flood]:
    """As many skeletons as go through, and more than can be judged one by one."""
    flood = Flood(ros)
    yield flood
    flood.stop()


def answers(ros: Any) -> bool:
    """Whether skeletons are answered with actions now."""
    heard = ros.hear(msg.RecognizedActionArray, "actions", RESULTS)
    flood = Flood(ros)
    try:
        ros.wait(lambda: heard, "actions")
    finally:
        flood.stop()
    return True


def test_the_newest_is_judged_and_the_others_only_taken_in(
    ros: Any, recogniser: Any, flood: Flood
) -> None:
    heard = ros.hear(msg.RecognizedActionArray, "actions", RESULTS)
    ros.wait(lambda: int(ros.values(NODE).get("late frames", "0")) > 0, "frames taken in late")
    ros.wait(lambda: len(heard) > 20, "judgements all the same")
    stamps = [(m.header.stamp.sec, m.header.stamp.nanosec) for m in heard]
    assert stamps == sorted(set(stamps)), "time went back or stood still"


def test_who_was_there_before_it_was_deactivated_is_not_plotted_on(
    ros: Any, recogniser: Any, flood: Flood
) -> None:
    numbers = ros.hear(msg.NodeStatistics, "/action_recognizer/statistics", RESULTS)
    ros.wait(lambda: numbers and numbers[-1].people > 0, "people in the plot")
    assert ros.change(NODE, DEACTIVATE)
    ros.wait(lambda: numbers[-1].people == 0, "nobody in the plot")
    assert ros.change(NODE, ACTIVATE)


def test_all_transitions_under_load(ros: Any, recogniser: Any, flood: Flood) -> None:
    for _ in range(3):
        for transition, state in (
            (DEACTIVATE, "inactive"), (CLEANUP, "unconfigured"), (CONFIGURE, "inactive"),
            (ACTIVATE, "active"), (DEACTIVATE, "inactive"), (ACTIVATE, "active"),
        ):  # fmt: skip
            assert ros.change(NODE, transition), transition
            assert ros.state(NODE) == state
    assert "Traceback" not in recogniser.output() and "Internal error" not in recogniser.output()


def test_shutdown_under_load_is_final_and_the_process_still_ends_well(
    ros: Any, recogniser: Any, flood: Flood
) -> None:
    assert ros.change(NODE, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert ros.state(NODE) == "finalized"
    assert not ros.change(NODE, CONFIGURE)
    ros.wait(lambda: ros.node.count_subscribers("skeletons") == 0, "the subscription to go")
    assert recogniser.process.poll() is None
    assert recogniser.end() < 10.0  # how fast is asked in test_signals
    assert recogniser.process.returncode == 0


@pytest.mark.parametrize("name", ["action_recognizer", "pose_estimator"])
def test_what_activate_takes_deactivate_gives_back(ros: Any, name: str) -> None:
    if name == "pose_estimator":
        pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")
    node = f"memory/{name}"
    child = ros.start(NodeSpec(name, {"autostart": False}), namespace="memory")
    assert ros.change(node, CONFIGURE)
    for _ in range(2):  # the first time also loads libraries, which stay
        assert ros.change(node, ACTIVATE)
        taken = child.resident_mib()
        assert ros.change(node, DEACTIVATE)
        left = child.resident_mib()
    # Figures: python -m benchmarks.lifecycle_memory. Here only that the networks are gone, not
    # every page that their neighbours in the heap keep.
    smallest = {"action_recognizer": 2.0, "pose_estimator": 40.0}[name]
    assert taken - left > smallest, f"of {taken:.1f} MiB {left:.1f} are left"
