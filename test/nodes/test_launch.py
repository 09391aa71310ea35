"""Launch files: every argument told and checked, and the same graph as the entry point's."""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.__main__ import main
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import ENGINES
from bharnet_ros.nodes.given import bundle_names
from bharnet_ros.nodes.graph import WEB_PORT, NodeSpec, ProcessSpec, recognize_graph
from bharnet_ros.nodes.parameter_pages import declared
from bharnet_ros.pose import available_backends

from .launch_stub import FindPackagePrefix, LaunchFile, Node

FOLDER = Path(__file__).resolve().parents[2] / "launch"
FILES = ("recognize", "evaluate", "demo")
RECOGNIZE = LaunchFile(FOLDER / "recognize.launch.py")


def launch_file(name: str) -> LaunchFile:
    return LaunchFile(FOLDER / f"{name}.launch.py")


def offered(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """The options of a sub-command."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return set(re.findall(r"^  --([a-z0-9_]+)", capsys.readouterr().out, flags=re.MULTILINE))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_launch_files_need_nothing_but_the_launch_packages(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        for module in modules:
            top = module.split(".")[0]
            # launch and launch_ros bring yaml: they read parameter files themselves.
            allowed = ("launch", "launch_ros", "yaml")
            assert top in allowed or top in sys.stdlib_module_names, module


@pytest.mark.parametrize("name", FILES)
def test_reading_a_launch_file_changes_nothing(name: str) -> None:
    before = (dict(os.environ), list(sys.path), os.getcwd())
    launch_file(name)
    assert (dict(os.environ), list(sys.path), os.getcwd()) == before


@pytest.mark.parametrize("name", FILES)
def test_every_argument_is_described(name: str) -> None:
    for argument in launch_file(name).arguments.values():
        assert argument.description.endswith("."), argument.name
        if argument.default in ("true", "false"):
            assert argument.choices == ["true", "false"], argument.name


def test_choices_are_those_of_the_code() -> None:
    arguments = RECOGNIZE.arguments
    assert arguments["engine"].choices == ["", *ENGINES]
    assert arguments["pose_backend"].choices == ["", *sorted(available_backends())]


def test_the_entry_points_take_the_same_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(RECOGNIZE.arguments) - {"rviz"} == offered("recognize", capsys)
    demo = set(launch_file("demo").arguments)
    assert demo - {"rviz", "web_viewer"} == offered("demo", capsys)
    evaluate = set(launch_file("evaluate").arguments)
    assert evaluate - {"bag", "engine", "image_transport"} <= offered("evaluate", capsys)


def described(node: Node) -> dict[str, Any]:
    """A launch process in the terms of a ProcessSpec."""
    values = node.given
    return {
        "nodes": list(node.arguments) if node.executable == "composed" else [node.executable],
        "namespace": node.namespace,
        "files": node.files,
        "use_sim_time": values.pop("use_sim_time", False),
        "parameters": values,
        "remaps": dict(node.remappings),
        "log_level": node.ros_arguments[1],
    }


def described_spec(spec: ProcessSpec) -> dict[str, Any]:
    return {
        "nodes": [node.node for node in spec.nodes],
        "namespace": spec.namespace,
        "files": [spec.params_file] if spec.params_file else [],
        "use_sim_time": spec.use_sim_time,
        "parameters": {k: v for node in spec.nodes for k, v in node.parameters.items()},
        "remaps": {k: v for node in spec.nodes for k, v in node.remaps.items()},
        "log_level": spec.log_level,
    }


BOOLEANS = (
    "rgb", "composed", "visualizer", "web_viewer", "ros4hri", "vision_msgs", "build_only",
    "autostart", "use_sim_time",
)  # fmt: skip
TEXTS = {
    "namespace": ("", "/", "robot_1", "/fleet/robot_1", "1robot", "a//b", "a b", "/a/"),
    "image_topic": ("image_raw", "cam/image", "/cam/image_raw", "/1/x", "a b", "x//y", "x/", ""),
    "image_transport": ("", "raw", "compressed"),
    "cameras": ("", "left", "left, head/right", "left,left", "1st", "a b,c"),
    "depth_topic": ("", "depth", "/depth/image", "x//y"),
    "depth_transport": ("", "compressedDepth"),
    "pose_backend": ("", "mediapipe", "rtmpose"),
    "pose_options": ("", "model=a.onnx", "model=b, num_threads=2"),
    "bundle": ("", "gestures", "gestures, first_light", str(FOLDER)),
    "engine": ("", "tensorrt"),
    "input": (
        "none", "simulated", "0", "0,1", "0,0", "/dev/video1", "0, /dev/video0", "simulated, none",
        "/dev/shm/nothing.mp4", __file__,  # noqa: S108
    ),
    "params_file": ("", __file__, "nowhere.yaml"),
    "log_level": ("info", "debug"),
}


@given(
    st.fixed_dictionaries({name: st.booleans() for name in BOOLEANS}),
    st.fixed_dictionaries({name: st.sampled_from(texts) for name, texts in TEXTS.items()}),
)
def test_launch_and_entry_point_start_the_same(
    switches: dict[str, bool], texts: dict[str, str]
) -> None:
    options: dict[str, Any] = {**switches, **texts}
    options["input_source"] = options.pop("input")
    given_text = {**{k: str(v).lower() for k, v in switches.items()}, **texts}
    try:
        expected = [described_spec(spec) for spec in recognize_graph(**options)]
    except ConfigurationError:
        named = r"namespace|image_topic|depth_topic|params_file|cameras|input"
        with pytest.raises(RuntimeError, match=named):
            RECOGNIZE.processes(**given_text)
        return
    assert [described(node) for node in RECOGNIZE.processes(**given_text)] == expected


def test_composed_and_separate() -> None:
    separate = RECOGNIZE.processes(input="simulated", bundle="b, c", namespace="robot")
    assert [node.executable for node in separate] == [
        "pose_estimator", "action_recognizer", "visualizer", "simulated_camera",
    ]  # fmt: skip
    assert all(node.name == node.executable and node.namespace == "robot" for node in separate)
    assert separate[3].given["vocabulary"] == "b"
    composed, camera = RECOGNIZE.processes(composed="true", image_topic="/cam/image", input="0")
    assert composed.arguments == ["pose_estimator", "action_recognizer", "visualizer"]
    assert composed.name is None, "one name for three nodes would be wrong"
    assert ("camera_info", "/cam/camera_info") in composed.remappings
    assert camera.given["source"] == "0"


def test_pixels_need_estimator_and_recogniser_in_one_process() -> None:
    together, _ = RECOGNIZE.processes(rgb="true", bundle="held_objects", input="simulated")
    assert together.arguments == ["pose_estimator", "action_recognizer", "visualizer"]
    assert together.given["rgb"] is True
    for node in RECOGNIZE.processes(composed="true", bundle="held_objects"):
        assert "rgb" not in node.given, "a params_file may say it"
    # The estimator of several cameras is apart from any one's recogniser, which then warns.
    pose, *recognisers = RECOGNIZE.processes(rgb="true", cameras="left,right", visualizer="false")
    assert [node.executable for node in (pose, *recognisers)] == [
        "pose_estimator", "action_recognizer", "action_recognizer",
    ]  # fmt: skip
    assert "rgb" not in pose.given
    assert all(node.given["rgb"] is True for node in recognisers)
    (builder,) = RECOGNIZE.processes(rgb="true", build_only="true", bundle="held_objects")
    assert builder.given["rgb"] is True


def test_rviz_follows_the_clock_only_if_told() -> None:
    (viewer,) = [n for n in RECOGNIZE.processes(rviz="true") if n.package == "rviz2"]
    assert viewer.parameters == [], "a launch file around this one may say it"
    told = RECOGNIZE.processes(rviz="true", use_sim_time="true")
    assert all(n.given["use_sim_time"] is True for n in told[:-1])
    assert told[-1].parameters == [{"use_sim_time": True}]


def test_rviz_must_be_there_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FindPackagePrefix, "missing", "rviz2")
    for file in (RECOGNIZE, launch_file("demo")):
        with pytest.raises(RuntimeError, match="package rviz2 is not found"):
            file.processes(rviz="true")
        assert file.processes(), "nobody else needs it"


def test_respawn_is_for_what_shall_go_on() -> None:
    for node in RECOGNIZE.processes(respawn="true", input="simulated"):
        assert node.respawn and node.respawn_delay == 1.0
    assert not any(node.respawn for node in RECOGNIZE.processes())
    (builder,) = RECOGNIZE.processes(respawn="true", build_only="true", composed="true")
    assert not builder.respawn and builder.given["build_only"] is True
    assert builder.arguments == ["pose_estimator", "action_recognizer"]


def test_several_cameras_share_one_estimator() -> None:
    pose, *others = RECOGNIZE.processes(
        cameras="left, right", input="simulated", namespace="robot", image_topic="color/image",
        web_viewer="true", depth_topic="depth/image",
    )  # fmt: skip
    assert pose.executable == "pose_estimator" and pose.namespace == "robot"
    assert pose.given["cameras"] == ["left", "right"]
    assert pose.remappings == [
        ("left/image_raw", "left/color/image"), ("right/image_raw", "right/color/image")
    ]  # fmt: skip
    names = [
        "action_recognizer", "visualizer", "web_viewer", "skeleton_lifter", "simulated_camera",
    ]  # fmt: skip
    assert [node.executable for node in others] == 2 * names
    assert [node.namespace for node in others] == 5 * ["robot/left"] + 5 * ["robot/right"]
    by_name = {(node.namespace, node.executable): node for node in others}
    assert ("image_raw", "color/image") in by_name["robot/right", "visualizer"].remappings
    lifter = by_name["robot/right", "skeleton_lifter"]
    assert lifter.remappings == [("depth/image_raw", "depth/image")]
    assert by_name["robot/right", "web_viewer"].given["port"] == WEB_PORT + 1
    assert by_name["robot/right", "simulated_camera"].given["seed"] == 2
    separate, *composed = RECOGNIZE.processes(cameras="left,right", composed="true")
    assert separate.executable == "pose_estimator"
    assert [node.arguments for node in composed] == 2 * [["action_recognizer", "visualizer"]]


def test_one_bridge_tells_of_the_people_of_all_cameras() -> None:
    """Whoever follows the list of bodies takes each for everybody there is."""
    nodes = RECOGNIZE.processes(cameras="left, right", namespace="robot", ros4hri="true")
    (bridge,) = [node for node in nodes if node.executable == "ros4hri"]
    assert bridge.namespace == "robot" and bridge.given["cameras"] == ["left", "right"]
    (alone,) = [n for n in RECOGNIZE.processes(ros4hri="true") if n.executable == "ros4hri"]
    assert "cameras" not in alone.given, "a params_file may say it"


def test_each_camera_may_have_a_source_of_its_own() -> None:
    nodes = RECOGNIZE.processes(cameras="a,b", input=f"2, {__file__}", visualizer="false")
    sources = [node.given["source"] for node in nodes if node.executable == "video_camera"]
    assert sources == ["2", __file__]


def test_the_first_page_has_the_port_of_the_parameters() -> None:
    (port,) = (param for param in declared("web_viewer") if param.name == "port")
    assert port.default == WEB_PORT


@pytest.mark.parametrize(
    ("given_text", "sentence"),
    [
        ({"bundle": "no/such/folder"}, "bundle no/such/folder does not exist"),
        ({"input": "gone.mp4"}, "input is 'gone.mp4'"),
        ({"composed": "yes"}, "composed"),
        ({"engine": "magic"}, "engine"),
        ({"namespace": "2nd"}, "namespace is '2nd'"),
        ({"cameras": "left,left"}, "cameras is 'left,left'"),
        ({"cameras": "a,b", "image_topic": "/x"}, "with several cameras it is relative"),
        ({"cameras": "a,b", "input": "0"}, "two cameras cannot share a device"),
        ({"cameras": "a,b", "input": "0,1,2"}, "3 sources for 2 cameras"),
        ({"depth_topic": "a b"}, "depth_topic is 'a b'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    given_text: dict[str, str], sentence: str
) -> None:
    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        RECOGNIZE.processes(**given_text)


def test_evaluate_plays_to_its_own_graph_and_ends_with_it(tmp_path: Path) -> None:
    file = launch_file("evaluate")
    pose, recogniser, evaluate = file.processes(bag=str(tmp_path), rate="2", bundle="gestures")
    assert pose.namespace == recogniser.namespace == "evaluation"
    assert recogniser.given["bundles"] == ["gestures"]
    assert evaluate.on_exit is not None
    line = " ".join(evaluate.arguments)
    assert "--live --attach" in line and "--rate 2" in line and "--namespace evaluation" in line
    assert "--rgb" not in line
    together, looking = file.processes(bag=str(tmp_path), rgb="true", bundle="held_objects")
    assert together.arguments == ["pose_estimator", "action_recognizer"]
    assert together.given["rgb"] is True
    assert " ".join(looking.arguments).endswith("--bundle held_objects --rgb true")
    for given_text in ({"bag": str(tmp_path), "rate": "fast"}, {"bag": "nowhere"}, {}):
        with pytest.raises(RuntimeError):
            file.processes(**given_text)


def test_evaluate_gives_its_nodes_the_robots_parameters(tmp_path: Path) -> None:
    """Whatever namespaces the file names: rcl looks at them, and the graph is in its own."""
    file = launch_file("evaluate")
    params = tmp_path / "robot.yaml"
    params.write_text(
        "action_recognizer:\n  ros__parameters: {start_threshold: 0.9, rgb: false}\n"
        "robot:\n  pose_estimator:\n    ros__parameters: {pose_options: ['max_people=1']}\n"
        "/**:\n  ros__parameters: {rgb: true}\ncamera:\n  ros__parameters: {fps: 5}\n"
        "/odd/action_recognizer:\n  ros__parameters:\n",
        "utf-8",
    )
    pose, recogniser, evaluate = file.processes(bag=str(tmp_path), params_file=str(params))
    written = pose.parameters[0]
    assert recogniser.parameters[0] == written != str(params)
    assert yaml.safe_load(Path(written).read_text("utf-8")) == {
        "/evaluation/pose_estimator": {
            "ros__parameters": {"pose_options": ["max_people=1"], "rgb": True}
        },
        "/evaluation/action_recognizer": {
            "ros__parameters": {"start_threshold": 0.9, "rgb": True}
        },
    }
    # It reads the file in this way itself.
    assert f"--params_file {params}" in " ".join(evaluate.arguments)
    nodes = file.processes(bag=str(tmp_path), params_file=str(params), namespace="/a/b")
    given_there = yaml.safe_load(Path(nodes[0].parameters[0]).read_text("utf-8"))
    assert "/a/b/action_recognizer" in given_there
    params.write_text("camera: {ros__parameters: {fps: 5}}", "utf-8")
    pose, *_ = file.processes(bag=str(tmp_path), params_file=str(params))
    assert len(pose.parameters) == 1
    params.write_text("a: [", "utf-8")
    with pytest.raises(RuntimeError, match=r"robot\.yaml cannot be read"):
        file.processes(bag=str(tmp_path), params_file=str(params))


def test_demo_passes_on_what_is_given() -> None:
    file = launch_file("demo")
    (demo,) = file.processes(seconds="20", classes="stop,ok")
    line = " ".join(demo.arguments)
    assert "--seconds 20" in line and "--classes stop,ok" in line and "--video" not in line
    assert "--rgb" not in line
    (looking,) = file.processes(rgb="true")
    assert " ".join(looking.arguments).endswith("--rgb true")
    assert [node.executable for node in file.processes(rviz="true", web_viewer="true")] == [
        "demo", "web_viewer", "rviz2",
    ]  # fmt: skip
    for wrong in ({"seconds": "soon"}, {"video": "gone.mp4"}, {"camera": "x"}, {"people": "9"}):
        with pytest.raises(RuntimeError):
            file.processes(**wrong)


def test_bundles_of_the_command_line(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert bundle_names(" mine ,, shipped") == [str(tmp_path / "mine"), "shipped"]
    assert bundle_names("") == []


def test_nodes_that_differ_cannot_share_a_process() -> None:
    nodes = (
        NodeSpec("pose_estimator", {"autostart": True}),
        NodeSpec("visualizer", {"autostart": False}),
    )
    with pytest.raises(ConfigurationError, match="autostart"):
        ProcessSpec(nodes).command()
