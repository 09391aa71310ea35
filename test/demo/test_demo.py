"""The demo as a user starts it, cut short: real camera, estimator, recognisers, summary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ros_domains import second

pytest.importorskip("rclpy", reason="needs ROS 2, run `make test`")
pytest.importorskip("bharnet_ros.msg", reason="needs the built messages, run `make test`")
pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")
pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    from benchmarks.synthetic import write_tiny_bundle

    return write_tiny_bundle(tmp_path / "tiny").path


@pytest.fixture
def hand_bundle(tmp_path: Path) -> Path:
    from benchmarks.synthetic import write_tiny_bundle

    return write_tiny_bundle(tmp_path / "hands", name="hands", streams=("hand",)).path


def demo(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ROS_DOMAIN_ID": str(second())}
    return subprocess.run(
        [sys.executable, "-m", "bharnet_ros", "demo", "--output", "out", *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip


def test_a_short_demo_runs_to_its_end(tmp_path: Path, bundle: Path) -> None:
    done = demo(tmp_path, "--bundle", str(bundle), "--seconds", "4", "--rate", "6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The graph stands" in done.stdout and "Traceback" not in done.stderr
    (written,) = (tmp_path / "out").glob("*/summary.json")
    data = json.loads(written.read_text("utf-8"))
    assert data["images_estimated"] > 5 and data["latency_ms"]["messages"] > 3
    assert data["fused"]["total"] == data["body_only"]["total"] > 0
    assert (written.parent / "annotated.mp4").stat().st_size > 0


def test_several_bundles_and_chosen_gestures(
    tmp_path: Path, bundle: Path, hand_bundle: Path
) -> None:
    several = f"{hand_bundle},{bundle}"
    done = demo(
        tmp_path, "--bundle", several, "--classes", "fist,wave", "--seconds", "6", "--rate", "6"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (written,) = (tmp_path / "out").glob("*/summary.json")
    data = json.loads(written.read_text("utf-8"))
    # The first is scored; without a body expert nothing is compared with the body alone.
    assert set(data["fused"]["classes"]) <= {"fist", "wave"} and "body_only" not in data
    assert "Bundle hands: " in done.stdout


def test_with_pixels_the_object_pairs_are_shown(tmp_path: Path) -> None:
    from benchmarks.synthetic_rgb import write_tiny_rgb_bundle
    from bharnet_ros.bundle import GESTURES_FILE
    from bharnet_ros.gestures.loading import SHIPPED

    described = (SHIPPED / "held_objects.yaml").read_bytes()
    classes = ("idle", "drink", "speak_into_phone")
    bundle = write_tiny_rgb_bundle(tmp_path / "b", classes, {GESTURES_FILE: described}).path
    done = demo(
        tmp_path, "--rgb", "--bundle", str(bundle), "--seconds", "4", "--rate", "5", "--people", "1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pose_estimator+action_recognizer" in done.stdout and "Traceback" not in done.stderr
    (written,) = (tmp_path / "out").glob("*/summary.json")
    data = json.loads(written.read_text("utf-8"))
    assert data["skeletons_only"]["total"] == data["fused"]["total"] > 0
    assert list(data["skeletons_only"]["pairs"]) == ["drink/speak_into_phone"]
    assert "only the object in the hand tells apart" in done.stdout
    assert not any("missing" in reason for reason in data["drops"])


def test_pixels_need_a_bundle_that_looks(tmp_path: Path, bundle: Path) -> None:
    done = demo(tmp_path, "--rgb", "--bundle", str(bundle))
    assert done.returncode == 1 and "'tiny' has none" in done.stderr


def test_two_bundles_of_one_name_end_it_with_a_sentence(tmp_path: Path, bundle: Path) -> None:
    done = demo(tmp_path, "--bundle", f"{bundle},{bundle}")
    assert done.returncode == 1 and "Two bundles are named 'tiny'" in done.stderr


def test_a_gesture_nobody_knows_too(tmp_path: Path, bundle: Path) -> None:
    done = demo(tmp_path, "--bundle", str(bundle), "--classes", "hop")
    assert done.returncode == 1 and "no gesture 'hop' to play" in done.stderr


def test_a_bundle_that_is_not_there_ends_it_with_a_sentence(tmp_path: Path) -> None:
    done = demo(tmp_path, "--bundle", "no_such_bundle", "--seconds", "4", "--rate", "2")
    assert done.returncode == 1
    assert "no_such_bundle" in done.stderr and "Traceback" not in done.stderr


def test_an_output_that_cannot_be_made_too(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "out").write_text("a file", "utf-8")
    done = demo(tmp_path, "--bundle", str(bundle))
    assert done.returncode == 1 and "choose another --output" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_video_may_be_named_by_the_home_folder(tmp_path: Path) -> None:
    done = demo(tmp_path, "--video=~/nothing.mp4")
    assert done.returncode == 1 and str(Path.home() / "nothing.mp4") in done.stderr


def test_a_video_that_is_not_there_too(tmp_path: Path) -> None:
    done = demo(tmp_path, "--video", "nothing.mp4")
    assert done.returncode == 1 and "nothing.mp4 does not exist" in done.stderr
