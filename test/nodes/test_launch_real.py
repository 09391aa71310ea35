"""The launch files in the genuine `ros2 launch`, where one is installed (the wheels have none)."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bharnet_ros import msg
from bharnet_ros.nodes.graph import ProcessSpec, recognize_graph
from bharnet_ros.nodes.qos import RESULTS

from .conftest import Ros


def _has_rviz() -> bool:
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        return bool(get_package_prefix("rviz2"))
    except PackageNotFoundError:
        return False


_MISSING = [name for name in ("launch_ros", "ros2launch") if not importlib.util.find_spec(name)]
pytestmark = pytest.mark.skipif(
    bool(_MISSING) or not shutil.which("ros2"),
    reason="`ros2 launch` (part of ROS) is not installed",
)

# Launch puts this before every command line: it notes the line and what its files hold, instead of
# running it (launch removes the files when it ends).
_NOTE = """#!{python} -S
import json, os, sys
words = sys.argv[1:]
files = {{word: open(word, encoding="utf-8").read() for word in words if word.endswith(".yaml")}}
with open(os.path.join({folder!r}, f"{{os.getpid()}}.json"), "w", encoding="utf-8") as stream:
    json.dump({{"words": words, "files": files}}, stream)
"""


def launch(*words: str) -> subprocess.CompletedProcess[str]:
    """What `ros2 launch bharnet_ros` did, which has ended."""
    return subprocess.run(
        ["ros2", "launch", "bharnet_ros", *words], capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def noted(folder: Path, file: str, **given: str) -> list[dict[str, Any]]:
    """What a launch file starts, each in the terms of `described`."""
    note = folder / "note"
    note.write_text(_NOTE.format(python=sys.executable, folder=str(folder)), "utf-8")
    note.chmod(0o755)
    words = [f"{name}:={value}" for name, value in given.items()]
    done = launch(file, *words, f"launch-prefix:={note}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]
    return sorted((told(**line) for line in found), key=str)


def told(words: list[str], files: dict[str, str]) -> dict[str, Any]:
    """A command line that launch made."""
    executable = Path(words[0]).name
    split = words.index("--ros-args")
    flags = list(itertools.pairwise(words))
    named = dict(rule.split(":=", 1) for flag, rule in flags if flag == "-r")
    contents = [yaml.safe_load(files[file]) for flag, file in flags if flag == "--params-file"]
    own = named.pop("__node", None)
    arguments = words[1:split]
    assert own == (None if executable == "composed" else executable)
    return {
        "nodes": arguments if executable == "composed" else [executable],
        "namespace": named.pop("__ns"),
        "parameters": contents,
        "remaps": named,
        "log_level": words[words.index("--log-level") + 1],
    }


def expected(spec: ProcessSpec) -> dict[str, Any]:
    """The same of the entry point's process."""
    values = {k: v for node in spec.nodes for k, v in node.parameters.items()}
    if spec.use_sim_time:
        values = {"use_sim_time": True, **values}
    files = [yaml.safe_load(Path(spec.params_file).read_text("utf-8"))] if spec.params_file else []
    return {
        "nodes": [node.node for node in spec.nodes],
        "namespace": "/" + spec.namespace.strip("/"),
        "parameters": [*files, *([{"/**/**": {"ros__parameters": values}}] if values else [])],
        "remaps": {k: v for node in spec.nodes for k, v in node.remaps.items()},
        "log_level": spec.log_level,
    }


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"input": "simulated", "bundle": "first_light,gestures", "namespace": "robot_1"},
        {"composed": "true", "image_topic": "/cam/image", "input": "0", "log_level": "debug"},
        {"cameras": "left,right", "input": "simulated", "web_viewer": "true", "namespace": "/a/b"},
        {"rgb": "true", "bundle": "held_objects", "use_sim_time": "true", "autostart": "false"},
        {"depth_topic": "depth/image", "depth_transport": "compressedDepth", "vision_msgs": "true"},
        {"pose_backend": "rtmpose", "pose_options": "model=rtmw_m,engine=tensorrt"},
        {"build_only": "true", "engine": "tensorrt", "respawn": "true"},
    ],
    ids=str,
)
def test_the_same_processes_as_the_entry_points(tmp_path: Path, given: dict[str, str]) -> None:
    params = tmp_path / "robot.yaml"
    params.write_text("/**:\n  ros__parameters: {start_threshold: 0.9}\n", "utf-8")
    for file in ({}, {"params_file": str(params)}):
        folder = tmp_path / f"notes{len(file)}"
        folder.mkdir()
        values: dict[str, Any] = {
            name: text == "true" if text in ("true", "false") else text
            for name, text in {**given, **file}.items()
        }
        values.pop("respawn", None)  # of launch, and of the supervisor
        values["input_source"] = values.pop("input", "none")
        wanted = sorted((expected(spec) for spec in recognize_graph(**values)), key=str)
        assert noted(folder, "recognize.launch.py", **given, **file) == wanted


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("recognize.launch.py", "namespace:=2nd"), "namespace is '2nd'"),
        (("recognize.launch.py", "composed:=yes"), "composed"),
        (("recognize.launch.py", "input:=gone.mp4"), "input is 'gone.mp4'"),
        (("evaluate.launch.py", "bag:=nowhere"), "bag is 'nowhere'"),
        (("demo.launch.py", "people:=9"), "people"),
        *([] if _has_rviz() else [(("recognize.launch.py", "rviz:=true"), "rviz2 is not found")]),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    words: tuple[str, ...], sentence: str
) -> None:
    done = launch(*words)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert sentence in said and "process started" not in said


@pytest.mark.parametrize("file", ["recognize", "evaluate", "demo"])
def test_every_argument_is_shown(file: str) -> None:
    done = launch(f"{file}.launch.py", "--show-args")
    assert done.returncode == 0
    shown = re.findall(r"^    '(\w+)':\n        (.*)", done.stdout, flags=re.MULTILINE)
    assert len(shown) > 5
    assert all(description and description != "no description given" for _, description in shown)


def test_a_misspelt_argument_is_told(tmp_path: Path) -> None:
    prefix = "launch-prefix:=/bin/true"
    done = launch("recognize.launch.py", "inputt:=simulated", "else:=1", prefix)
    said = done.stdout + done.stderr
    assert "no argument 'inputt'" in said and "did you mean 'input'?" in said
    assert "'else'" not in said and "launch-prefix'" not in said
    # One around ours may have arguments of its own.
    outer = tmp_path / "outer.launch.xml"
    outer.write_text(
        '<launch><arg name="inputs" default=""/>'
        '<include file="$(find-pkg-share bharnet_ros)/launch/recognize.launch.py"/></launch>',
        "utf-8",
    )
    done = subprocess.run(
        ["ros2", "launch", str(outer), "inputs:=3", prefix], capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    assert "did you mean" not in done.stdout + done.stderr


def test_a_graph_runs_in_the_namespace_around_it_and_ends_with_it(
    ros: Ros, arms_bundle: Path, tmp_path: Path
) -> None:
    outer = tmp_path / "robot.launch.xml"
    outer.write_text(
        '<launch><group><push_ros_namespace namespace="outer"/>'
        '<include file="$(find-pkg-share bharnet_ros)/launch/recognize.launch.py">'
        '<arg name="namespace" value="inner"/><arg name="input" value="simulated"/>'
        f'<arg name="composed" value="true"/><arg name="bundle" value="{arms_bundle}"/>'
        "</include></group></launch>",
        "utf-8",
    )
    # The drawn people act what a bundle tells of itself, or the shipped gestures.
    child = ros.start_command(["ros2", "launch", str(outer)])
    heard = ros.hear(msg.SkeletonArray, "/outer/inner/skeletons", RESULTS)
    ros.wait(lambda: any(message.skeletons for message in heard), "people in view")
    child.end(signal.SIGINT)
    said = child.output()
    assert child.process.returncode == 0, said
    assert said.count("process has finished cleanly") == 2 and "Traceback" not in said, said
