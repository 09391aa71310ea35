"""Stamps, statistics, process descriptions, and the texts that must agree with the code."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.node_parameters import parse_options
from bharnet_ros.nodes.graph import NODES, NodeSpec, ProcessSpec
from bharnet_ros.nodes.names import camera_names, concerns
from bharnet_ros.nodes.pacing import Pacing
from bharnet_ros.nodes.stamps import Order, StampGuard, StandingTime
from bharnet_ros.nodes.statistics import Statistics

SECOND = 1_000_000_000


def test_stamps_are_new_old_or_a_restart() -> None:
    guard = StampGuard(restart_s=0.5)
    judged = [guard.judge(ns) for ns in (10 * SECOND, 10 * SECOND, 9_600_000_000, 11 * SECOND)]
    assert judged == [Order.NEW, Order.OLD, Order.OLD, Order.NEW]
    assert guard.judge(2 * SECOND) is Order.RESTART
    assert guard.judge(2 * SECOND + 1) is Order.NEW
    guard.reset()
    assert guard.judge(1) is Order.NEW


def test_a_stamp_of_zero_is_none_and_changes_nothing() -> None:
    guard = StampGuard()
    assert [guard.judge(ns) for ns in (0, SECOND, 0, SECOND + 1)] == [
        Order.UNSET, Order.NEW, Order.UNSET, Order.NEW
    ]  # fmt: skip


def test_time_that_stands_still_is_told_and_why() -> None:
    clock = iter((0.0, 1.0, 9.0, 9.0, 14.0))
    time = StandingTime(steady=lambda: next(clock))
    assert time.sentence(0) == ""
    assert time.sentence(0) == "" and "nothing came on /clock for 9 s" in time.sentence(0)
    assert time.sentence(5 * SECOND) == ""
    assert "stands still for 5 s" in time.sentence(5 * SECOND)


@pytest.mark.parametrize(
    ("status", "namespace", "concerned"),
    [
        ("pose_estimator", "", True), ("robot/pose_estimator", "/robot", True),
        ("robot/pose_estimator", "", False), ("pose_estimator: left", "left", True),
        ("pose_estimator: left", "", False), ("robot/pose_estimator: left", "robot/left", True),
        ("robot/pose_estimator: /hall/one", "hall/one", True),
        ("robot/pose_estimator: left", "robot/right", False),
    ],
)  # fmt: skip
def test_whom_a_status_concerns(status: str, namespace: str, concerned: bool) -> None:
    assert concerns(status, namespace) is concerned


@pytest.mark.parametrize("names", [["left", "", " right "], ["/hall/one", "a/b_2"]])
def test_names_of_cameras(names: list[str]) -> None:
    assert camera_names(names) == tuple(name.strip() for name in names if name.strip())


@pytest.mark.parametrize("names", [["2nd"], ["a b"], ["a/"], ["a//b"], ["~x"], ["a", "b", "a"]])
def test_names_that_cannot_begin_a_topic(names: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="camera"):
        camera_names(names)


def test_rates_spare_images_and_jumps_of_time_do_not_matter() -> None:
    pacing = Pacing()
    assert not pacing.is_too_soon(SECOND, 10.0, 0.0), "the first one"
    pacing.taken(10 * SECOND, True)
    tenth = SECOND // 10
    assert pacing.is_too_soon(10 * SECOND + tenth // 2, 10.0, 0.0)
    assert not pacing.is_too_soon(10 * SECOND + tenth - 2_000_000, 10.0, 0.0), "jitter"
    assert not pacing.is_too_soon(9 * SECOND, 10.0, 0.0), "time jumped back"
    assert not pacing.is_too_soon(10 * SECOND + tenth, 0.0, 2.0), "somebody was just there"
    pacing.taken(12 * SECOND, False)
    assert pacing.is_too_soon(12 * SECOND + tenth, 0.0, 2.0)
    assert not pacing.is_too_soon(12 * SECOND + SECOND // 2, 0.0, 2.0)
    pacing.reset()
    assert not pacing.is_too_soon(12 * SECOND + 1, 10.0, 2.0)


def test_a_part_is_counted_in_the_whole_too() -> None:
    whole = Statistics()
    parts = [Statistics(whole), Statistics(whole)]
    for index, part in enumerate(parts):
        part.event("images in")
        part.durations({"estimate": 5.0 + index})
        part.work(10.0)
        part.drop("odd", 1 + index)
        part.miss("late", 2)
        part.gauge("people", index)
    total, (first, second) = whole.close_period(), [part.close_period() for part in parts]
    assert total.drops == {"odd": 3} and total.missed == {"late": 4}
    assert (first.drops, second.drops) == ({"odd": 1}, {"odd": 2})
    assert total.rates_hz["images in"] * total.elapsed_s == pytest.approx(2)
    assert total.durations_ms["estimate"] == (6.0, 6.0) and total.durations_ms["work"][0] == 10.0
    assert total.gauges == {} and second.gauges == {"people": 1}


@given(st.lists(st.integers(0, 5 * SECOND), max_size=30))
def test_accepted_stamps_rise_between_restarts(stamps: list[int]) -> None:
    guard, last = StampGuard(), -1
    for stamp in stamps:
        order = guard.judge(stamp)
        if order is Order.NEW:
            assert stamp > last
        elif order in (Order.OLD, Order.UNSET):
            assert stamp == 0 if order is Order.UNSET else last - stamp <= SECOND // 2
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


def test_texts_reach_a_node_as_they_are() -> None:
    spec = NodeSpec("video_camera", {"source": "it's: a [video].mp4", "loop": True, "rate_hz": 2.0})
    given_rules = [p for p in ProcessSpec((spec,)).command() if ":=" in p]
    values = {rule.split(":=")[0]: yaml.safe_load(rule.split(":=")[1]) for rule in given_rules}
    assert values["source"] == "it's: a [video].mp4"
    assert values["loop"] is True and values["rate_hz"] == 2.0


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
