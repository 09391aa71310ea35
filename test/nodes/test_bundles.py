"""Several bundles in one recogniser node, over Fast DDS, with skeletons made of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros import msg
from bharnet_ros.nodes.conversions import skeletons_to_msg, stamp_to_ns
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.qos import LATCHED, RESULTS

SECOND = 1_000_000_000
STARTED = msg.RecognizedAction.STARTED


class Robot:
    """A recogniser in a process of its own, fed with a person who raises a fist."""

    def __init__(self, ros: Any, name: str, bundles: list[Path], **parameters: Any) -> None:
        self.ros, self.name = ros, name
        chosen = {"bundles": [str(path) for path in bundles], "diagnostics_period_s": 0.2}
        self.actions = ros.hear(msg.RecognizedActionArray, f"/{name}/actions", RESULTS)
        ros.start(NodeSpec("action_recognizer", {**chosen, **parameters}), namespace=name)
        self.skeletons = ros.publisher(msg.SkeletonArray, f"/{name}/skeletons", RESULTS)
        self.stamp_ns = 1000 * SECOND

    def show(self, seconds: float) -> Any:
        """Frames at 10 Hz, each answered before the next one; the last answer."""
        for _ in range(round(10 * seconds)):
            self.stamp_ns += SECOND // 10
            person = skeleton(1, person_keypoints(right_wrist=(-0.5, -1.0), spread=0.3))
            self.skeletons.publish(skeletons_to_msg(frame(self.stamp_ns, person), "lens"))
            self.ros.wait(
                lambda: self.actions
                and stamp_to_ns(self.actions[-1].header.stamp) == self.stamp_ns,
                "a judgement of every frame",
            )
        return self.actions[-1]

    def started(self) -> list[tuple[str, str]]:
        return [
            (action.bundle, action.hypotheses[0].class_name)
            for message in self.actions
            for action in message.actions
            if action.state == STARTED
        ]


@pytest.fixture(scope="module")
def robot(ros: Any, arms_bundle: Path, fists_bundle: Path) -> Robot:
    return Robot(ros, "both", [arms_bundle, fists_bundle])


def test_each_bundle_reports_its_own_action(robot: Robot) -> None:
    last = robot.show(2.0)
    assert sorted(robot.started()) == [("arms", "right_up"), ("fists", "fist")]
    assert sorted(action.bundle for action in last.actions) == ["arms", "fists"]
    for action in last.actions:
        assert {hypothesis.bundle for hypothesis in action.hypotheses} == {action.bundle}


def test_who_comes_late_gets_the_classes_of_all_bundles(ros: Any, robot: Robot) -> None:
    labels = ros.hear(msg.ActionLabels, "/both/action_labels", LATCHED)
    ros.wait(lambda: labels, "the latched labels")
    assert [(b.bundle, list(b.class_names)) for b in labels[-1].bundles] == [
        ("arms", ["idle", "right_up", "left_up"]), ("fists", ["idle", "raise", "fist"]),
    ]  # fmt: skip
    assert labels[-1].conflict == "all"


def test_diagnostics_tell_what_each_bundle_costs(ros: Any, robot: Robot) -> None:
    def measured() -> dict[str, str]:
        robot.show(0.3)
        values = ros.values("both/action_recognizer")
        return values if any(key.startswith("bundle arms [ms]") for key in values) else {}

    values = ros.wait(measured, "the cost of a bundle")
    assert any(key.startswith("bundle fists [ms]") for key in values)
    assert "onnxruntime" in values["bundle arms"] and "onnxruntime" in values["bundle fists"]
    assert values["conflict"] == "all"


def test_priority_lets_one_bundle_speak(
    ros: Any, arms_bundle: Path, fists_bundle: Path
) -> None:
    first = Robot(ros, "first", [fists_bundle, arms_bundle], conflict="priority", confirm_s=0.0)
    last = first.show(2.0)
    assert {bundle for bundle, _ in first.started()} == {"fists"}
    assert [action.bundle for action in last.actions] == ["fists"]
