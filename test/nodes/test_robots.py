"""Two robots on one machine, side by side; one of them breaks, is respawned, and ends in time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image

from benchmarks.executables import children_of, executable
from bharnet_ros import msg
from bharnet_ros.nodes.graph import NodeSpec, ProcessSpec
from bharnet_ros.nodes.images import bgr_to_image
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, LATCHED, RESULTS

pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")
GREY = np.full((120, 160, 3), 120, np.uint8)
CAMERAS = {"robot_1": "/robot_1/image_raw", "robot_2": "/hall/camera_2/image_raw"}


class Robot:
    """A recognising graph in a namespace, with a camera of its own."""

    def __init__(self, ros: Any, name: str, bundle: Path) -> None:
        self.ros, self.name = ros, name
        line = [*executable("recognize"), "--namespace", name, "--bundle", str(bundle)]
        line += ["--composed", "--respawn", "--image_topic", CAMERAS[name]]
        self.child = ros.start_command(line)
        self.skeletons = ros.hear(msg.SkeletonArray, f"/{name}/skeletons", RESULTS)
        self.actions = ros.hear(msg.RecognizedActionArray, f"/{name}/actions", RESULTS)
        self.labels = ros.hear(msg.ActionLabels, f"/{name}/action_labels", LATCHED)
        self.camera = ros.node.create_publisher(Image, CAMERAS[name], IMAGE_PUBLISHER)
        self.stamp_ns = 0

    def is_ready(self) -> bool:
        return bool(self.labels) and self.camera.get_subscription_count() > 0

    def look(self, until: Callable[[], object], what: str) -> None:
        """Show it pictures until something has come of it."""

        def shown() -> object:
            self.stamp_ns = max(self.stamp_ns + 1, self.ros.node.get_clock().now().nanoseconds)
            self.camera.publish(bgr_to_image(GREY, self.stamp_ns, self.name))
            return until()

        self.ros.wait(shown, what)


@pytest.fixture(scope="module")
def robots(ros: Any, arms_bundle: Path) -> list[Robot]:
    robots = [Robot(ros, name, arms_bundle) for name in CAMERAS]
    ros.wait(lambda: all(robot.is_ready() for robot in robots), "both robots to be ready")
    return robots


def test_each_sees_its_own_camera_only(robots: list[Robot]) -> None:
    for robot in robots:
        robot.look(lambda r=robot: len(r.skeletons) > 1 and len(r.actions) > 1, "its answers")
    for robot in robots:
        heard = [*robot.skeletons, *robot.actions]
        assert {message.header.frame_id for message in heard} == {robot.name}


def test_each_is_told_apart_in_diagnostics(ros: Any, robots: list[Robot]) -> None:
    for robot in robots:
        for node in ("pose_estimator", "action_recognizer", "visualizer"):
            ros.wait(lambda n=f"{robot.name}/{node}": ros.values(n), f"diagnostics of {node}")


def test_one_is_killed_and_respawned_while_the_other_goes_on(robots: list[Robot]) -> None:
    broken, fine = robots
    (pid,) = children_of(broken.child.process.pid)
    broken.skeletons.clear()
    os.kill(pid, signal.SIGKILL)
    fine.skeletons.clear()
    fine.look(lambda: fine.skeletons, "the other to go on")
    broken.look(lambda: broken.skeletons, "the broken one to come back")
    assert children_of(broken.child.process.pid) != [pid]
    assert "ended with status -9; it is started again in 1 s" in broken.child.output()


def test_both_end_in_time(robots: list[Robot]) -> None:
    for robot, number in zip(robots, (signal.SIGINT, signal.SIGTERM), strict=True):
        # Two processes, the one after the other; python -m benchmarks.executables has figures.
        assert robot.child.end(number) < 15.0
        assert robot.child.process.returncode == 0
        assert "Traceback" not in robot.child.output()


def test_what_has_nothing_to_do_or_cannot_ends_with_a_status_and_a_sentence(
    ros: Any, arms_bundle: Path
) -> None:
    build = [*executable("recognize"), "--build_only", "--namespace", "building", "--bundle"]
    weights = ["--pose_backend", "rtmpose", "--pose_options", "model=/no/such.onnx"]
    wrong = ProcessSpec((NodeSpec("action_recognizer", {"fusion": "guess"}),), "wrong").command()
    cases = (
        ([*build, str(arms_bundle)], 0, "needs no building"),
        ([*build, "no_such_bundle"], 1, "no_such_bundle"),
        ([*build, str(arms_bundle), *weights], 1, "/no/such.onnx"),
        (wrong, 1, "fusion is 'guess'"),
    )
    children = [ros.start_command(command) for command, _, _ in cases]
    for child, (_, status, sentence) in zip(children, cases, strict=True):
        ros.wait(lambda c=child: c.process.poll() is not None, "the process to end")
        assert child.process.returncode == status
        assert sentence in child.output() and "Traceback" not in child.output()
