"""Arguments win over a params_file whatever its keys, and what nobody gave leaves it alone."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.context import Context

from bharnet_ros import graph_commands
from bharnet_ros.errors import ConfigurationError, GestureError
from bharnet_ros.nodes.given import params_path
from bharnet_ros.nodes.graph import NodeSpec, ProcessSpec, Value, recognize_graph
from bharnet_ros.nodes.live_evaluation import LiveOptions

from .launch_stub import LaunchFile

RECOGNIZE = LaunchFile(Path(__file__).resolve().parents[2] / "launch" / "recognize.launch.py")
ODD_TEXT = "it's: a \"text\"\\ of 1e5 ümläuts 🙂"
# What wins over arguments under `/**` (as of `-p`), under the full name, or under both.
FILES = {
    "any_node_first": "/**: {ros__parameters: {engine: a}}\n"
    "/**/action_recognizer: {ros__parameters: {engine: torch, build_only: false}}\n",
    "no_namespace": "/**: {ros__parameters: {build_only: false}}\n"
    "action_recognizer: {ros__parameters: {engine: torch}}\n",
    "full_name_first": "/robot/left/action_recognizer: {ros__parameters: {engine: torch}}\n"
    "/action_recognizer: {ros__parameters: {engine: torch}}\n"
    "/**/action_recognizer: {ros__parameters: {engine: a, build_only: false}}\n",
    "wildcards": "/**: {ros__parameters: {engine: a}}\n/*/*/action_recognizer:\n"
    "  ros__parameters: {engine: torch}\n/*: {ros__parameters: {engine: torch}}\n",
    "nested": "robot: {left: {action_recognizer: {ros__parameters: {engine: torch}}}}\n",
}


def heard(arguments: list[str], node: str) -> dict[str, Any]:
    """The parameters that a node is given on a command line."""
    context = Context()
    rclpy.init(args=["node", *arguments], context=context)
    try:
        made = rclpy.create_node(
            node, context=context, automatically_declare_parameters_from_overrides=True,
            start_parameter_services=False, enable_rosout=False,
        )  # fmt: skip
        found = {name: made.get_parameter(name).value for name in made.list_parameters([], 0).names}
        made.destroy_node()
        return found
    finally:
        rclpy.shutdown(context=context)


def heard_both(node: str, **options: Any) -> list[dict[str, Any]]:
    """By the processes of the entry point and by those of the launch file that have this node."""
    ours = []
    for spec in recognize_graph(**options):
        if node in [each.node for each in spec.nodes]:
            line = spec.command()
            ours.append(heard(line[line.index("--ros-args"):], node))
    texts = {k: str(v).lower() if isinstance(v, bool) else v for k, v in options.items()}
    for process in RECOGNIZE.processes(**texts):
        if node in (process.executable, *process.arguments):
            line = ["--ros-args", "-r", f"__ns:=/{process.namespace.strip('/')}"]
            for path in process.parameters:
                line += ["--params-file", path]
            ours.append(heard(line, node))
    assert len(ours) == 2
    return ours


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("namespace", ["", "robot/left"])
@pytest.mark.parametrize("shape", ["separate", "composed", "build_only"])
@pytest.mark.usefixtures("ros_domain")
def test_arguments_win(tmp_path: Path, content: str, namespace: str, shape: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content, "utf-8")
    options: dict[str, Any] = {} if shape == "separate" else {shape: True}
    for values in heard_both(
        "action_recognizer", params_file=str(file), namespace=namespace, engine="tensorrt",
        bundle="gestures, held_objects", **options,
    ):  # fmt: skip
        assert values["engine"] == "tensorrt"
        assert values["bundles"] == ["gestures", "held_objects"]
        assert values.get("build_only", False) is (shape == "build_only")


@pytest.mark.usefixtures("ros_domain")
def test_what_nobody_gave_is_as_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "/**/visualizer: {ros__parameters: {autostart: false, use_sim_time: true}}", "utf-8"
    )
    for values in heard_both("visualizer", params_file=str(file)):
        assert values["autostart"] is False and values["use_sim_time"] is True
    file.write_text("/**: {ros__parameters: {autostart: true, use_sim_time: false}}", "utf-8")
    for values in heard_both(
        "visualizer", params_file=str(file), autostart=False, use_sim_time=True
    ):
        assert values["autostart"] is False and values["use_sim_time"] is True


def simulated(*arguments: str) -> dict[str, Any]:
    """What the camera of `simulate` is given."""
    parser = argparse.ArgumentParser()
    graph_commands.register(parser.add_subparsers())
    line = graph_commands.simulation(parser.parse_args(["simulate", *arguments])).command()
    return heard(line[line.index("--ros-args"):], "simulated_camera")


@pytest.mark.usefixtures("ros_domain")
def test_a_simulation_is_as_the_file_says_but_for_what_was_given(tmp_path: Path) -> None:
    assert simulated()["loop"] is True and "num_people" not in simulated()
    assert simulated("--loop", "false")["loop"] is False
    theirs = {"num_people": 1, "rate_hz": 30.0, "loop": False, "classes": ["stop"], "seed": 7,
              "autostart": False, "vocabulary": "first_light", "duration_s": 9.5}  # fmt: skip
    for key in ("/**", "/**/simulated_camera"):
        file = tmp_path / "mine.yaml"
        file.write_text(json.dumps({key: {"ros__parameters": theirs}}), "utf-8")
        as_said = simulated("--params_file", str(file))
        assert {name: as_said[name] for name in theirs} == theirs
        values = simulated("--params_file", str(file), "--num_people", "3", "--loop", "--classes",
                           "ok,wave")  # fmt: skip
        given = {"num_people": 3, "loop": True, "classes": ["ok", "wave"]}
        assert {name: values[name] for name in theirs} == {**theirs, **given}


def test_a_scene_that_cannot_be_is_refused_before_anything_starts() -> None:
    for arguments, sentence in (
        (("--num_people", "9"), r"--num_people is 9; it must lie between 0 and 4\."),
        (("--duration_s", "-3"), r"--duration_s is -3\.0; it must lie between 1\.0 and 3600\.0"),
        (("--rate_hz", "nan"), "--rate_hz is nan"),
        (("--params_file", "nope"), "params_file nope does not exist"),
        (("--namespace", "1st"), "namespace is '1st'"),
        (("--classes", "wave,nope"), "no gesture 'nope'"),
        (("--vocabulary", "first_light", "--classes", "nope"), "no gesture 'nope'"),
        (("--vocabulary", "nope"), "no gesture file 'nope'"),
    ):
        with pytest.raises((ConfigurationError, GestureError), match=sentence):
            simulated(*arguments)


def test_files_and_folders_that_are_not_there_are_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for given in ({"params_file": "nope"}, {"bundle": "gestures,no/folder"}):
        with pytest.raises(ConfigurationError, match="does not exist"):
            recognize_graph(**given)
    (tmp_path / "mine.yaml").touch()
    for text in ("mine.yaml", "~/mine.yaml", str(tmp_path / "mine.yaml")):
        assert params_path(text) == str(tmp_path / "mine.yaml")
    assert params_path("") == ""


@pytest.mark.parametrize(
    "given", [{"namespace": "1st"}, {"attach": True, "graph_topic": "a b"}, {"rate": 0.0}]
)
def test_a_live_evaluation_is_refused_before_it_begins(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=" is "):
        LiveOptions(**given)


@pytest.mark.usefixtures("ros_domain")
def test_who_builds_starts_whatever_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("/**: {ros__parameters: {autostart: false}}", "utf-8")
    for values in heard_both("action_recognizer", params_file=str(file), build_only=True):
        assert values["autostart"] is True and values["build_only"] is True


@pytest.mark.usefixtures("ros_domain")
def test_values_of_every_kind_arrive_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("/**: {ros__parameters: {rate: 1.5}}", "utf-8")
    given: dict[str, Value] = {
        "text": ODD_TEXT, "number": "1e5", "truth": True, "count": 3, "rate": 2.0, "small": 1e-7,
        "large": 1e22, "texts": ["true", "2", "a, b"],
    }  # fmt: skip
    line = ProcessSpec((NodeSpec("visualizer", given),), params_file=str(file)).command()
    values = heard(line[line.index("--ros-args"):], "visualizer")
    assert {name: values[name] for name in given} == given
    for name, value in given.items():
        assert type(values[name]) is type(value), name


def test_the_file_is_there_for_every_start_and_gone_at_the_end(tmp_path: Path) -> None:
    program = (
        "import pathlib, shutil, sys\n"
        "from bharnet_ros.nodes.graph import NodeSpec, ProcessSpec\n"
        "spec = ProcessSpec((NodeSpec('visualizer', {'a': 1}),), params_file='x.yaml')\n"
        "path = spec.command()[-1]\n"
        "(folder,) = pathlib.Path(sys.argv[1]).iterdir()\n"
        "shutil.rmtree(folder)  # as a system that cleans its temporary folders does\n"
        "assert spec.command()[-1] == path and pathlib.Path(path).is_file()\n"
        "print(path)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True,
        check=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    ).stdout  # fmt: skip
    assert Path(said.strip()).is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []
