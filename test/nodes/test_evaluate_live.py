"""Bags through the running graph: real nodes, a real playback, a report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from benchmarks import tiny_world as world
from benchmarks.ros_domains import second

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
pytest.importorskip("rosbags", reason="bags are read with rosbags")

from bharnet_ros import msg
from bharnet_ros.evaluation.storage import load
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.qos import RESULTS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from benchmarks.synthetic import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny").path


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recorded skeletons: live they need the recogniser only."""
    return world.write_bag(tmp_path_factory.mktemp("bags") / "hall", images=False, skeletons=True)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bharnet_ros", "evaluate", *map(str, arguments)]


def evaluate(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """In a domain of its own."""
    environment = {**os.environ, "ROS_DOMAIN_ID": str(second())}
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment, capture_output=True, text=True,
        timeout=170, check=False,
    )  # fmt: skip


def test_live_and_offline_agree_where_nothing_is_lost(
    tmp_path: Path, bag: Path, bundle: Path
) -> None:
    live = evaluate(tmp_path, bag, "--bundle", bundle, "--live", "--rate", 2, "--output", "live")
    assert live.returncode == 0, live.stdout + live.stderr
    assert "Traceback" not in live.stderr and "live, bundle tiny" in live.stdout
    heard, figures = load(tmp_path / "live" / "evaluation.json")
    assert heard.mode == "live" and heard.complete
    (recording,) = heard.recordings
    assert recording.images == world.COUNT and recording.stage_ms["latency"]
    assert (recording.start_ns, recording.end_ns) == (
        world.stamp(0), world.stamp(world.COUNT - 1),
    )  # fmt: skip
    assert any("2 times its speed" in text for text in recording.problems)
    assert (tmp_path / "live" / "report.html").stat().st_size > 10_000

    offline = evaluate(
        tmp_path, bag, "--bundle", bundle, "--output", "offline",
        "--against", "live/evaluation.json",
    )  # fmt: skip
    assert offline.returncode == 0, offline.stdout + offline.stderr
    (expected,) = load(tmp_path / "offline" / "evaluation.json")[0].recordings
    if recording.estimated == world.COUNT:  # a very busy machine may lose some
        assert recording.truth == expected.truth
        heard_as, right = (
            [(e.person_id, e.class_name) for e in each.recognised] for each in (recording, expected)
        )
        assert heard_as == right
        # Who was due while newer frames waited is judged with the newest of them.
        frame_ns = world.stamp(1) - world.stamp(0)
        apart_ns = sorted(
            abs(one.start_ns - other.start_ns)
            for one, other in zip(recording.recognised, expected.recognised, strict=True)
        )
        assert apart_ns[len(apart_ns) // 2] <= 2 * frame_ns
        # A machine that halts for half a second halts one second of this bag.
        assert apart_ns[-1] <= 10 * frame_ns
    assert figures["overall"]["events"]["total"] == 3


def test_compressed_images_are_played_to_a_graph_that_takes_them(
    tmp_path: Path, bundle: Path
) -> None:
    pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "front") as bag:
        for index in range(30):
            bag.skeletons("/ground_truth/skeletons", world.people(index))
            bag.actions("/ground_truth/actions", world.truth(index))
            data = cv2.imencode(".png", world.picture(index))[1].tobytes()
            bag.compressed_image("/front/image/compressed", world.stamp(index), data, "png")
    found = evaluate(tmp_path, "front", "--bundle", bundle, "--live", "--output", "live")
    assert found.returncode == 0, found.stdout + found.stderr
    (recording,) = load(tmp_path / "live" / "evaluation.json")[0].recordings
    assert recording.images == 30 and recording.estimated > 0
    assert not any("compressed" in reason or "data" in reason for reason in recording.drops)


def test_ctrl_c_leaves_a_report_of_what_was_played(
    ros: Any, tmp_path: Path, bag: Path, bundle: Path
) -> None:
    heard = ros.hear(msg.SkeletonArray, "/stopped/skeletons", RESULTS)
    child = ros.start_command(
        command(bag, "--bundle", bundle, "--live", "--rate", 0.5, "--namespace", "stopped",
                "--output", tmp_path / "out")
    )  # fmt: skip
    ros.wait(lambda: len(heard) > 20, "some of the bag to be played")
    child.end(signal.SIGINT)
    said = child.output()
    assert child.process.returncode == 130, said
    assert "STOPPED BEFORE THE END" in said and "Traceback" not in said
    (recording,) = load(tmp_path / "out" / "evaluation.json")[0].recordings
    assert not recording.complete and recording.end_ns < world.stamp(world.COUNT - 1)
    assert 0 < recording.estimated < world.COUNT


def test_a_graph_that_already_runs_is_used(
    ros: Any, ros_domain: int, tmp_path: Path, bag: Path, bundle: Path
) -> None:
    ros.start(
        NodeSpec("action_recognizer", {"bundles": [str(bundle)], "diagnostics_period_s": 0.2}),
        namespace="/robot",
    )
    done = subprocess.run(
        command(bag, "--bundle", bundle, "--live", "--attach", "--namespace", "robot", "--rate", 4,
                "--output", "out"),
        cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
    assert data["metrics"]["overall"]["events"]["right"] >= 1


def test_where_no_graph_is_it_says_what_it_waits_for(
    ros: Any, tmp_path: Path, bag: Path, bundle: Path
) -> None:
    child = ros.start_command(
        command(bag, "--bundle", bundle, "--live", "--attach", "--namespace", "elsewhere",
                "--output", tmp_path / "out")
    )  # fmt: skip
    ros.wait(lambda: "lacks: action_labels of the recogniser" in child.output(), "the hint")
    assert "namespace '/elsewhere'" in child.output()
    child.end(signal.SIGINT)


def test_the_graph_gets_the_robots_parameters_in_its_own_namespace(
    ros: Any, tmp_path: Path
) -> None:
    import rclpy

    from bharnet_ros.nodes.live_evaluation import parameters_for

    params = tmp_path / "robot.yaml"
    params.write_text(
        "action_recognizer:\n  ros__parameters: {start_threshold: 0.9, continual: 'off'}\n"
        "/robot/pose_estimator:\n  ros__parameters: {idle_rate_hz: 0.0, rate_hz: 1e-05}\n"
        "camera:\n  ros__parameters: {idle_rate_hz: 7.0}\n",
        "utf-8",
    )
    path = parameters_for(str(params), "/evaluation", tmp_path)
    found = {}
    for name in ("action_recognizer", "pose_estimator", "camera"):
        node = rclpy.create_node(
            name, namespace="/evaluation", cli_args=["--ros-args", "--params-file", path],
            automatically_declare_parameters_from_overrides=True,
        )  # fmt: skip
        found[name] = {
            key: node.get_parameter(key).value
            for key in ("start_threshold", "continual", "idle_rate_hz", "rate_hz")
            if node.has_parameter(key)
        }
        node.destroy_node()
    assert found == {
        "action_recognizer": {"start_threshold": 0.9, "continual": "off"},
        "pose_estimator": {"idle_rate_hz": 0.0, "rate_hz": 1e-05},
        "camera": {},
    }
    params.write_text("camera: {ros__parameters: {x: 1}}", "utf-8")
    assert parameters_for(str(params), "/evaluation", tmp_path) == ""
    assert parameters_for("", "/evaluation", tmp_path) == ""


def test_kept_recordings_belong_to_engine_and_parameters(
    ros_domain: int, tmp_path: Path, bag: Path, bundle: Path
) -> None:
    from bharnet_ros.bags import open_bag
    from bharnet_ros.evaluation.bag_input import choose_input
    from bharnet_ros.evaluation.finished import Finished
    from bharnet_ros.evaluation.offline import Job
    from bharnet_ros.evaluation.subject import Subject
    from bharnet_ros.evaluation.truth_choice import choose_truth
    from bharnet_ros.nodes.live_evaluation import LiveEvaluation, LiveOptions

    params = tmp_path / "params.yaml"

    def kept(text: str, **changes: Any) -> Path:
        params.write_text(f"pose_estimator:\n  ros__parameters: {{{text}}}\n", "utf-8")
        subject = Subject(str(bundle), **changes)
        with open_bag(bag) as opened:
            given = choose_input(opened, "auto")
            truth = choose_truth("auto", opened, bag, given, None, subject.loaded.manifest)
            job = Job("hall", subject, opened, bag, given, truth, tmp_path / "out")
            found: Finished = LiveEvaluation(LiveOptions(params_file=str(params)))._finished(job)
        return found._path

    first = kept("idle_rate_hz: 5.0")
    assert kept("idle_rate_hz: 5.0") == first
    others = [
        kept("idle_rate_hz: 0.0"), kept("idle_rate_hz: 5.0", engine="torch"),
        kept("idle_rate_hz: 5.0", engine_options=("threads=2",)),
        kept("idle_rate_hz: 5.0", continual=False),
    ]  # fmt: skip
    assert len({first, *others}) == 5


def test_what_cannot_be_played_ends_with_a_sentence(
    tmp_path: Path, bag: Path, bundle: Path
) -> None:
    done = evaluate(tmp_path, bag, "--bundle", bundle, "--live", "--rate", 0)
    assert done.returncode == 1 and "--rate is 0" in done.stderr
    done = evaluate(tmp_path, bag, "--bundle", bundle, "--attach")
    assert done.returncode == 1 and "--attach needs --live" in done.stderr
