"""Every STARTED has its ENDED, also where skeletons go on coming and come to nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros import msg
from bharnet_ros.bundle import load_bundle, write_bundle
from bharnet_ros.errors import EngineError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.judging import Panel
from bharnet_ros.nodes.action_recognizer import ActionRecognizerNode
from bharnet_ros.nodes.conversions import skeletons_to_msg
from bharnet_ros.nodes.diagnostics import INTERNAL_ERROR
from bharnet_ros.nodes.qos import RESULTS
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import SkeletonFrame

STARTED, ENDED = msg.RecognizedAction.STARTED, msg.RecognizedAction.ENDED
OTHER = "mediapipe_holistic"

Change = Callable[[SkeletonFrame], SkeletonFrame]


class Robot:
    """A recogniser and somebody who raises an arm, a frame whenever somebody asks."""

    def __init__(self, ros: Any, node: ActionRecognizerNode) -> None:
        self.node = node
        self._actions = ros.hear(msg.RecognizedActionArray, "open/actions", RESULTS)
        self._skeletons = ros.node.create_publisher(msg.SkeletonArray, "open/skeletons", RESULTS)
        self._sent_s = 0.0

    def told(self, state: int, change: Change = lambda people: people) -> bool:
        """Send a frame, 20 a second; whether the newest STARTED or ENDED is of that state."""
        now_s = time.monotonic()
        if now_s - self._sent_s >= 0.05:
            self._sent_s = now_s
            raised = skeleton(1, person_keypoints(right_wrist=(-0.5, -1.0)))
            people = change(frame(round((1000.0 + now_s) * 1e9), raised))
            self._skeletons.publish(skeletons_to_msg(people, "lens"))
        return self.said(state)

    def said(self, state: int) -> bool:
        """The same without a frame."""
        states = [a.state for message in self._actions for a in message.actions]
        return [each for each in states if each in (STARTED, ENDED)][-1:] == [state]


@pytest.fixture(scope="module")
def placed_bundle(arms_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`arms_bundle` with hands as shares of the image, which its network does not go by."""
    arms = load_bundle(str(arms_bundle))
    manifest = replace(arms.manifest, features=FeatureConfig(hand_space="image"))
    model = (arms_bundle / "model.onnx").read_bytes()
    return write_bundle(tmp_path_factory.mktemp("placed") / "arms", manifest, model).path


@pytest.fixture(scope="module")
def robot(ros: Any, placed_bundle: Path) -> Iterator[Robot]:
    values = {
        "autostart": False, "bundles": [str(placed_bundle)], "diagnostics_period_s": 0.1,
        "input_timeout_s": 1.0, "max_stamp_age_s": 0.0,
    }  # fmt: skip
    node = ActionRecognizerNode(
        namespace="open",
        parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
    )
    ros.executor.add_node(node)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    yield Robot(ros, node)
    ros.executor.remove_node(node)
    node.destroy_node()


def of_another_layout(people: SkeletonFrame) -> SkeletonFrame:
    count = get_layout(OTHER).num_keypoints
    other = skeleton(1, np.full((count, 2), 50.0, np.float32))
    return replace(people, layout=OTHER, skeletons=(other,))


def of_no_size(people: SkeletonFrame) -> SkeletonFrame:
    return replace(people, image_size=(0, 0))


def of_one_stamp() -> Change:
    stamps_ns: list[int] = []

    def change(people: SkeletonFrame) -> SkeletonFrame:
        stamps_ns.append(people.stamp_ns)
        return replace(people, stamp_ns=stamps_ns[0])

    return change


@pytest.mark.parametrize("change", [of_another_layout, of_no_size, of_one_stamp()])
def test_an_action_ends_when_no_skeletons_can_be_used(
    ros: Any, robot: Robot, change: Change
) -> None:
    ros.wait(lambda: robot.told(STARTED), "an action")
    ros.wait(lambda: robot.told(ENDED, change), "its end")
    ros.wait(lambda: robot.told(STARTED), "another one, once they can be used again")
    assert f"dropped: {INTERNAL_ERROR}" not in ros.values("open/action_recognizer")


def test_an_action_ends_however_rare_the_reports_are(ros: Any, robot: Robot) -> None:
    ros.wait(lambda: robot.told(STARTED), "an action")
    reports = robot.node._report_timer
    reports.cancel()
    try:
        ros.wait(lambda: robot.said(ENDED), "its end")
    finally:
        reports.reset()


def test_an_action_ends_when_nobody_can_be_judged(
    ros: Any, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise EngineError("the device was lost")

    ros.wait(lambda: robot.told(STARTED), "an action")
    with monkeypatch.context() as patch:
        patch.setattr(Panel, "judge", fails)
        ros.wait(lambda: robot.told(ENDED), "its end")
    ros.wait(lambda: robot.told(STARTED), "another one, once the engine works again")


def test_an_engine_that_only_fails_is_told_all_along(
    ros: Any, robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when its people were forgotten and nobody's window is full enough to ask it."""

    def fails(*_: Any) -> Any:
        raise EngineError("the device was lost")

    def failing(seconds: int) -> bool:
        robot.told(ENDED)
        found = re.search(r"engine failing for (\d+) s", ros.message("open/action_recognizer"))
        return found is not None and int(found.group(1)) >= seconds

    ros.wait(lambda: robot.told(STARTED), "an action")
    with monkeypatch.context() as patch:
        (engine,) = robot.node._engines
        patch.setattr(engine, "run", fails)
        ros.wait(lambda: failing(4), "four seconds of failing, told as such")
    ros.wait(lambda: robot.told(STARTED), "another one, once the engine works again")
