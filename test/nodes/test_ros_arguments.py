"""ROS arguments: who takes them, and what is said where nobody would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bharnet_ros import __main__ as entry
from bharnet_ros import graph_commands
from bharnet_ros.__main__ import main
from bharnet_ros.nodes.running import _tell_stray


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("recognize", "--input", "simulated"), "use --namespace, --params_file, --use_sim_time"),
        (("simulate",), "use --namespace, --params_file, --use_sim_time"),
        (("demo", "--seconds", "4"), "run single nodes with `node NAME"),
        (("evaluate", "bag"), "--params_file"),
        (("record", "bag", "--simulated"), "record starts its nodes itself"),
        (("label", "bag"), "takes no ROS arguments"),
    ],
)
def test_where_they_would_go_nowhere_they_are_refused(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--ros-args", "-p", "rate_hz:=5.0"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert told in said and "(--ros-args -p rate_hz:=5.0)" in said


def test_arguments_as_for_launch_are_told_how_to_write_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["recognize", "image_topic:=/camera/image_raw", "engine:=torch"])
    said = capsys.readouterr().err
    assert "write --image_topic /camera/image_raw --engine torch" in said
    with pytest.raises(SystemExit):
        main(["recognize", "--picture", "x"])
    assert capsys.readouterr().err.endswith("unrecognized arguments: --picture x\n")


@pytest.mark.parametrize(
    "arguments",
    [("demo",), ("evaluate", "bag"), ("recognize",), ("node", "x"), ("record", "bag")],
)
def test_the_bare_word_that_launch_adds_is_taken(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser, modules = entry._parser()
    ran = []

    class Module:
        run = staticmethod(lambda options: ran.append(options.ros_args) or 0)

    monkeypatch.setattr(entry, "_parser", lambda: (parser, dict.fromkeys(modules, Module)))
    assert main([*arguments, "--ros-args"]) == 0 and ran == [["--ros-args"]]


def test_nodes_get_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr(graph_commands, "run", lambda options: ran.append(options.ros_args) or 0)
    assert main(["node", "visualizer", "--ros-args", "-p", "x:=1"]) == 0
    assert ran == [["--ros-args", "-p", "x:=1"]]


def test_what_no_node_reads_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_stray(["node", "--params-file", "mine.yaml", "--ros-args", "-p", "x:=1"])
    said = capsys.readouterr().err
    assert "not used: --params-file mine.yaml; " in said and "follow --ros-args" in said
    _tell_stray(["node", "--ros-args", "-r", "a:=b"])
    assert capsys.readouterr().err == ""


def test_parameters_that_ros_cannot_read_are_a_sentence(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("/**:\n  ros__parameters: [1, 2\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "bharnet_ros", "simulate", "--params_file", str(params)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "bharnet_ros: ROS 2 cannot be started: " in done.stderr and str(params) in done.stderr
