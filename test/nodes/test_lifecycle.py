"""Configure that fails, is corrected and succeeds; parameters; endings."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters

from bharnet_ros import msg
from bharnet_ros.nodes.base import ERROR
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.qos import LATCHED

NODE = "action_recognizer"


def change(ros: Any, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(ros.call(ChangeState, f"{NODE}/change_state", request).success)


def set_text(ros: Any, name: str, text: str) -> Any:
    return set_value(
        ros, name, ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=text)
    )


def set_bundles(ros: Any, *names: str) -> Any:
    kind = ParameterType.PARAMETER_STRING_ARRAY
    return set_value(ros, "bundles", ParameterValue(type=kind, string_array_value=names))


def set_value(ros: Any, name: str, value: ParameterValue) -> Any:
    request = SetParameters.Request(parameters=[Parameter(name=name, value=value)])
    return ros.call(SetParameters, f"{NODE}/set_parameters", request).results[0]


@pytest.fixture(scope="module")
def recogniser(ros: Any) -> Any:
    """Started with a bundle that does not exist."""
    spec = NodeSpec(NODE, {"bundles": ["no_such_bundle"], "diagnostics_period_s": 0.2})
    return ros.start(spec)


def test_a_missing_bundle_is_told_and_the_node_waits(ros: Any, recogniser: Any) -> None:
    ros.wait(lambda: ros.level(NODE) == ERROR, "an error in the diagnostics")
    assert "no_such_bundle" in ros.message(NODE) and "give the path" in ros.message(NODE)
    assert ros.values(NODE)["state"] == "unconfigured"
    assert recogniser.process.poll() is None


def test_a_corrupt_bundle_is_refused_too(
    ros: Any, recogniser: Any, arms_bundle: Path, tmp_path: Path
) -> None:
    corrupt = shutil.copytree(arms_bundle, tmp_path / "corrupt")
    (corrupt / "model.onnx").write_bytes(b"not a graph")
    assert set_bundles(ros, str(corrupt)).successful
    assert not change(ros, Transition.TRANSITION_CONFIGURE)
    ros.wait(lambda: "damaged" in ros.message(NODE), "the sentence about the damaged file")


def test_two_bundles_of_one_name_are_refused(
    ros: Any, recogniser: Any, arms_bundle: Path, tmp_path: Path
) -> None:
    twin = shutil.copytree(arms_bundle, tmp_path / "twin")
    assert set_bundles(ros, str(arms_bundle), str(twin)).successful
    assert not change(ros, Transition.TRANSITION_CONFIGURE)
    ros.wait(lambda: "Two bundles are named 'arms'" in ros.message(NODE), "the sentence")


def test_no_bundle_is_refused_too(ros: Any, recogniser: Any) -> None:
    assert set_bundles(ros, "").successful
    assert not change(ros, Transition.TRANSITION_CONFIGURE)
    ros.wait(lambda: "No bundle is given" in ros.message(NODE), "the sentence")


def test_then_corrected_by_parameter_and_configured_again(
    ros: Any, recogniser: Any, arms_bundle: Path
) -> None:
    labels = ros.hear(msg.ActionLabels, "action_labels", LATCHED)
    assert set_bundles(ros, str(arms_bundle)).successful
    assert change(ros, Transition.TRANSITION_CONFIGURE)
    ros.wait(lambda: labels, "the labels")
    assert ros.node.count_subscribers("skeletons") == 0
    assert change(ros, Transition.TRANSITION_ACTIVATE)
    ros.wait(lambda: ros.node.count_subscribers("skeletons") == 1, "the subscription")
    ros.wait(lambda: ros.values(NODE)["state"] == "active", "the state")
    assert ros.level(NODE) != ERROR


def test_what_is_loaded_cannot_change_while_active(ros: Any, recogniser: Any) -> None:
    answer = set_bundles(ros, "other")
    assert not answer.successful and "while the node is active" in answer.reason


def test_impossible_choices_are_refused_with_the_possible_ones(ros: Any, recogniser: Any) -> None:
    answer = set_text(ros, "fusion", "guess")
    assert not answer.successful and "fused, body, hand" in answer.reason


def test_deactivate_stops_listening_and_cleanup_leads_back(ros: Any, recogniser: Any) -> None:
    assert change(ros, Transition.TRANSITION_DEACTIVATE)
    ros.wait(lambda: ros.node.count_subscribers("skeletons") == 0, "the subscription to go")
    assert change(ros, Transition.TRANSITION_CLEANUP)
    assert change(ros, Transition.TRANSITION_CONFIGURE)
    assert change(ros, Transition.TRANSITION_ACTIVATE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_two_seconds(ros: Any, arms_bundle: Path, number: int) -> None:
    name = f"ending_{number}"
    child = ros.start(NodeSpec(NODE, {"bundles": [str(arms_bundle)]}), namespace=name)
    labels = ros.hear(msg.ActionLabels, f"/{name}/action_labels", LATCHED)
    ros.wait(lambda: labels, "the node to stand")
    assert child.end(number) < 2.0
    assert child.process.returncode == 0
    assert "Traceback" not in child.output()


def test_a_wrong_choice_at_the_start_ends_with_a_sentence(ros: Any) -> None:
    child = ros.start(NodeSpec(NODE, {"fusion": "guess"}), namespace="wrong")
    ros.wait(lambda: child.process.poll() is not None, "the process to end")
    assert child.process.returncode == 1
    assert "fusion is 'guess'" in child.output() and "Traceback" not in child.output()
