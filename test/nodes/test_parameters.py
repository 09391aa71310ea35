"""Parameters: what files and pages say is what nodes declare; what changes, and what is refused."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest
import yaml
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.parameter import parameter_value_to_python

from bharnet_ros.nodes.graph import NODES, NodeSpec
from bharnet_ros.nodes.parameter_pages import (
    PAGE_FILE,
    YAML_FILE,
    declared,
    page_text,
    value_text,
    yaml_text,
)
from bharnet_ros.nodes.parameters import Param, misspelt

NODE = "/set/action_recognizer"
FOREIGN = ("use_sim_time", "start_type_description_service")
"""Parameters that rclpy gives every node."""


def test_the_parameter_file_is_what_the_nodes_declare(repository: Path) -> None:
    text = (repository / YAML_FILE).read_text("utf-8")
    assert text == yaml_text(), "run python -m bharnet_ros.nodes.parameter_pages"
    written = yaml.safe_load(text)
    for node in NODES:
        expected = {param.name: param.default for param in declared(node)}
        assert written[f"/**/{node}"]["ros__parameters"] == expected, node


def test_the_page_is_what_the_nodes_declare(repository: Path) -> None:
    text = (repository / PAGE_FILE).read_text("utf-8")
    assert text == page_text(), "run python -m bharnet_ros.nodes.parameter_pages"


@pytest.mark.parametrize("value", ["", "plain", "a b", "0", "true", "127.0.0.1", "it's: #1"])
def test_texts_survive_the_parameter_file(value: str) -> None:
    assert yaml.safe_load(f"x: {value_text(value)}") == {"x": value}


def test_nearly_right_names_are_told_and_those_of_other_nodes_are_not() -> None:
    known = [param.name for param in declared("action_recognizer")]
    (told,) = misspelt(["rate_hzz", "rate_hz", "use_sim_time", "frobnicate"], known)
    assert "no parameter 'rate_hzz'" in told and "did you mean 'rate_hz'?" in told
    assert "'bundles'" in misspelt(["bundle"], known)[0]
    for node in NODES:  # one block for all nodes of a file
        names = [param.name for param in declared(node)]
        for other in NODES:
            assert not misspelt([param.name for param in declared(other)], names), (node, other)


@pytest.mark.parametrize(
    ("default", "written", "meant"),
    [
        (1.0, 5, 5.0), (1.0, True, True), (1, 5.0, 5.0), ([""], "one", ["one"]), ("0", 2, "2"),
        ("", 2, 2), ("token", 7, 7), (True, 1, 1), (["a"], ["b", "c"], ["b", "c"]),
        ([""], [], [""]), ([""], None, [""]), (1.0, None, None), ([""], array("q"), [""]),
    ],
)  # fmt: skip
def test_what_can_mean_only_one_thing_is_taken_so(default: Any, written: Any, meant: Any) -> None:
    taken = Param("x", default, "A test.").as_meant(written)
    assert taken == meant and type(taken) is type(meant)


def test_every_parameter_is_described_and_every_number_bounded() -> None:
    for node in NODES:
        names = [param.name for param in declared(node)]
        assert len(set(names)) == len(names), node
        for param in declared(node):
            assert param.description.endswith("."), (node, param.name)
            is_number = isinstance(param.default, (int, float))
            if is_number and not isinstance(param.default, bool):
                assert param.low is not None and param.high is not None, (node, param.name)
                assert param.low <= param.default <= param.high, (node, param.name)
            if param.choices:
                assert param.default in param.choices, (node, param.name)


@pytest.fixture(scope="module")
def running(ros: Any) -> Any:
    """All nodes, in one process."""
    specs = [NodeSpec(node, {"autostart": False}) for node in NODES]
    return ros.start(*specs, namespace="all")


@pytest.mark.parametrize("node", NODES)
def test_the_running_node_has_these_parameters(ros: Any, running: Any, node: str) -> None:
    name = f"/all/{node}"
    listed = ros.call(ListParameters, f"{name}/list_parameters", ListParameters.Request())
    names = [
        each for each in listed.result.names
        if each not in FOREIGN and not each.startswith("qos_overrides.")
    ]  # fmt: skip
    params = {param.name: param for param in declared(node)}
    assert set(names) == set(params)
    values = ros.call(
        GetParameters, f"{name}/get_parameters", GetParameters.Request(names=names)
    ).values
    descriptors = ros.call(
        DescribeParameters, f"{name}/describe_parameters", DescribeParameters.Request(names=names)
    ).descriptors
    for each, value, descriptor in zip(names, values, descriptors, strict=True):
        param = params[each]
        if each != "autostart":
            assert parameter_value_to_python(value) == param.default
        assert descriptor.description == param.description
        assert descriptor.read_only == param.fixed


def value_of(ros: Any, node: str, name: str) -> Any:
    request = GetParameters.Request(names=[name])
    (value,) = ros.call(GetParameters, f"{node}/get_parameters", request).values
    return parameter_value_to_python(value)


def test_the_start_takes_what_can_mean_only_one_thing(ros: Any, arms_bundle: Path) -> None:
    values = {"bundles": str(arms_bundle), "rate_hz": 7, "autostart": False}
    ros.start(NodeSpec("action_recognizer", values), namespace="meant")
    ros.start(NodeSpec("video_camera", {"source": 2, "autostart": False}), namespace="meant")
    assert value_of(ros, "/meant/action_recognizer", "bundles") == [str(arms_bundle)]
    assert value_of(ros, "/meant/action_recognizer", "rate_hz") == 7.0
    assert value_of(ros, "/meant/video_camera", "source") == "2"


@pytest.fixture(scope="module")
def recogniser(ros: Any, arms_bundle: Path) -> Any:
    values = {"bundles": [str(arms_bundle)], "diagnostics_period_s": 0.2}
    child = ros.start(NodeSpec("action_recognizer", values), namespace="set")
    ros.wait(lambda: ros.values("set/action_recognizer").get("state") == "active", "it to work")
    return child


def test_what_can_change_while_it_works_does(ros: Any, recogniser: Any) -> None:
    changes = {
        "rate_hz": 7.0, "top_k": 1, "start_threshold": 0.7, "end_threshold": 0.3,
        "unknown_threshold": 0.4, "urgent_threshold": 0.5, "smoothing_s": 0.0, "confirm_s": 0.5,
        "end_hold_s": 0.0, "min_duration_s": 0.0, "input_timeout_s": 5.0,
        "diagnostics_period_s": 0.1, "conflict": "best", "max_doubt": 0.3,
    }  # fmt: skip
    answer = ros.set(NODE, **changes)
    assert answer.successful, answer.reason
    name = "set/action_recognizer"
    ros.wait(lambda: ros.values(name)["judgements [Hz]"].endswith("of 7.0"), "the new rate")
    assert ros.values(name)["conflict"] == "best"
    dynamic = {param.name for param in declared("action_recognizer") if param.dynamic}
    assert set(changes) <= dynamic


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start_threshold": 0.2, "end_threshold": 0.6}, "end is 0.6, above start"),
        ({"end_threshold": 0.9}, "above start"),
        ({"rate_hz": float("nan")}, "rate_hz"),
        ({"rate_hz": 1000.0}, "rate_hz"),
        ({"rate_hz": 1000}, "rate_hz out of range"),
        ({"rate_hzz": 5.0}, "rate_hzz (did you mean rate_hz?)"),
        ({"frobnicate": 5.0}, "frobnicate"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": "many"}, "Wrong parameter type"),
        ({"conflict": "quarrel"}, "one of all, best, priority"),
        ({"bundles": ["other"]}, "cannot change while the node is active"),
        ({"engine": "torch"}, "cannot change while the node is active"),
        ({"fusion": "guess"}, "fused, body, hand"),
        ({"build_only": True}, "read-only"),
        ({"autostart": False}, "read-only"),
    ],
)
def test_what_cannot_is_refused_with_the_reason(
    ros: Any, recogniser: Any, changes: dict[str, Any], reason: str
) -> None:
    answer = ros.set(NODE, **changes)
    assert not answer.successful and reason in answer.reason, answer.reason


@pytest.mark.parametrize(
    "kind", [ParameterType.PARAMETER_INTEGER_ARRAY, ParameterType.PARAMETER_DOUBLE_ARRAY]
)
def test_an_empty_list_of_numbers_is_answered_too(ros: Any, recogniser: Any, kind: int) -> None:
    given = [Parameter(name=name, value=ParameterValue(type=kind)) for name in ("rate_hz", "top_k")]
    request = SetParameters.Request(parameters=given)
    answers = ros.call(SetParameters, f"{NODE}/set_parameters", request).results
    assert ["Wrong parameter type" in each.reason for each in answers] == [True, True]


def test_what_a_dump_holds_may_be_set_again_while_it_works(ros: Any, recogniser: Any) -> None:
    params = [param for param in declared("action_recognizer") if not param.fixed]
    same = {param.name: value_of(ros, NODE, param.name) for param in params}
    answer = ros.set(NODE, **same)
    assert answer.successful, answer.reason
    assert ros.set(NODE, rate_hz=9).successful and value_of(ros, NODE, "rate_hz") == 9.0


def test_what_is_loaded_may_change_when_it_is_not_loaded(ros: Any, recogniser: Any) -> None:
    assert ros.change(NODE, Transition.TRANSITION_DEACTIVATE)
    answer = ros.set(NODE, bundles=["other"])
    assert not answer.successful and "the node is inactive; clean up the node" in answer.reason
    assert not ros.set(NODE, start_threshold=0.2, end_threshold=0.6).successful
    assert ros.change(NODE, Transition.TRANSITION_CLEANUP)
    assert ros.set(NODE, bundles=["other"], engine="torch").successful


def test_a_node_that_was_shut_down_says_that_only_a_new_one_helps(
    ros: Any, recogniser: Any
) -> None:
    assert ros.change(NODE, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    answer = ros.set(NODE, bundles=["another"])
    assert not answer.successful and "start the process again" in answer.reason
    name = "set/action_recognizer"
    ros.wait(lambda: ros.values(name).get("state") == "finalized", "its end")
    assert "start the process again" in ros.message(name)
