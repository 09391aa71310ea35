"""Stamps, statistics, process descriptions, and the texts that must agree with the code."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.__main__ import main
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.base import COMMON
from bharnet_ros.nodes.graph import NODES, NodeSpec, ProcessSpec, bundle_names, recognize_graph
from bharnet_ros.nodes.pose_estimator import parse_options
from bharnet_ros.nodes.stamps import Order, StampGuard
from bharnet_ros.nodes.statistics import Statistics

SECOND = 1_000_000_000


def test_stamps_are_new_old_or_a_restart() -> None:
    guard = StampGuard(restart_s=0.5)
    judged = [guard.judge(ns) for ns in (10 * SECOND, 10 * SECOND, 9_600_000_000, 11 * SECOND)]
    assert judged == [Order.NEW, Order.OLD, Order.OLD, Order.NEW]
    assert guard.judge(2 * SECOND) is Order.RESTART
    assert guard.judge(2 * SECOND + 1) is Order.NEW
    guard.reset()
    assert guard.judge(0) is Order.NEW


@given(st.lists(st.integers(0, 5 * SECOND), max_size=30))
def test_accepted_stamps_rise_between_restarts(stamps: list[int]) -> None:
    guard, last = StampGuard(), -1
    for stamp in stamps:
        order = guard.judge(stamp)
        if order is Order.NEW:
            assert stamp > last
        elif order is Order.OLD:
            assert last - stamp <= SECOND // 2
            continue
        last = stamp


def test_statistics_are_closed_per_period() -> None:
    stats = Statistics()
    for value in range(1, 101):
        stats.event("in")
        stats.duration("work", float(value))
    stats.drop("late", 3)
    first = stats.close_period()
    assert first.rates_hz["in"] > 0
    assert first.durations_ms["work"] == (51.0, 96.0)
    assert first.drops == {"late": 3}
    second = stats.close_period()
    assert second.rates_hz == {"in": 0.0} and second.durations_ms == {}
    assert second.drops == {} and second.total_drops == {"late": 3}


def test_backend_options_are_yaml_scalars() -> None:
    assert parse_options(["", "num_threads=2", "hands = false", "model_dir=/a=b"]) == {
        "num_threads": 2, "hands": False, "model_dir": "/a=b",
    }  # fmt: skip
    for text in ("num_threads", "=2", "two words=1", "x=[1"):
        with pytest.raises(ConfigurationError):
            parse_options([text])


def test_recognize_is_separate_or_composed() -> None:
    separate = recognize_graph(input_source="simulated", bundle="b, c", namespace="robot")
    assert [len(process.nodes) for process in separate] == [1, 1, 1, 1]
    assert "__ns:=/robot" in separate[0].command()
    assert "bundles:=['b', 'c']" in separate[1].command()
    assert separate[3].nodes[0].parameters["vocabulary"] == "b"
    composed = recognize_graph(composed=True, image_topic="/cam/image", input_source="0")
    assert [spec.node for spec in composed[0].nodes] == [
        "pose_estimator", "action_recognizer", "visualizer",
    ]  # fmt: skip
    assert composed[0].command().count("image_raw:=/cam/image") == 1
    assert composed[1].nodes[0].parameters["source"] == "0"
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        recognize_graph(params_file="nowhere.yaml")


def test_folders_of_bundles_become_absolute(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert bundle_names(" mine ,, shipped") == [str(tmp_path / "mine"), "shipped"]
    assert bundle_names("") == []


def test_nodes_that_differ_cannot_share_a_process() -> None:
    process = ProcessSpec(
        (
            NodeSpec("pose_estimator", {"autostart": True}),
            NodeSpec("visualizer", {"autostart": False}),
        )
    )
    with pytest.raises(ConfigurationError, match="autostart"):
        process.command()


def test_texts_reach_a_node_as_they_are() -> None:
    spec = NodeSpec("video_camera", {"source": "it's: a [video].mp4", "loop": True, "rate_hz": 2.0})
    given_rules = [p for p in ProcessSpec((spec,)).command() if ":=" in p]
    values = {rule.split(":=")[0]: yaml.safe_load(rule.split(":=")[1]) for rule in given_rules}
    assert values["source"] == "it's: a [video].mp4"
    assert values["loop"] is True and values["rate_hz"] == 2.0


def test_the_commented_yaml_is_what_the_nodes_declare(repository: Path) -> None:
    written = yaml.safe_load((repository / "config" / "bharnet_ros.yaml").read_text("utf-8"))
    for node in NODES:
        declared = importlib.import_module(f"bharnet_ros.nodes.{node}").PARAMS
        expected = {param.name: param.default for param in (*COMMON, *declared)}
        assert written[f"/**/{node}"]["ros__parameters"] == expected, node


def test_launch_takes_the_arguments_of_the_entry_point(
    launch_arguments: Callable[[str], set[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    declared = launch_arguments("recognize.launch.py")
    with pytest.raises(SystemExit):
        main(["recognize", "--help"])
    shown = capsys.readouterr().out
    offered = set(re.findall(r"^  --([a-z_]+)", shown, flags=re.MULTILINE))
    assert offered == declared


def test_every_message_field_is_commented(repository: Path) -> None:
    for path in (repository / "msg").glob("*.msg"):
        lines = path.read_text("utf-8").splitlines()
        assert lines[0].startswith("# "), path.name
        fields = [line for line in lines if line and not line.startswith("#")]
        bare = [line for line in fields if "#" not in line]
        assert fields and not bare, (path.name, bare)


@pytest.mark.parametrize("node", NODES)
def test_every_node_is_installed_for_ros2_run(repository: Path, node: str) -> None:
    script = repository / "scripts" / node
    assert script.stat().st_mode & 0o111, f"{script} is not executable"
    assert f"scripts/{node}\n" in (repository / "CMakeLists.txt").read_text("utf-8")
