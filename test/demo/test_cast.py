"""What the demo starts, with and without pixels."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, run `make test`")
pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.demo.cast import Cast, choose_cast, demo_graph
from bharnet_ros.demo.record import BODY_ALONE, SKELETONS_ALONE
from bharnet_ros.errors import ConfigurationError


def options(**given: Any) -> Namespace:
    usual = {"video": "", "camera": "", "people": 2, "rate": 12.0, "seed": 1, "seconds": 0.0}
    return Namespace(**{**usual, **given})


def cast(**changes: Any) -> Cast:
    fields: dict[str, Any] = {
        "bundles": ("/b/objects", "/b/more"), "scored": "objects", "classes": ("cup", "phone"),
        "pairs": (("cup", "phone"),), "comparison": SKELETONS_ALONE, "rgb": True,
    }  # fmt: skip
    return Cast(**{**fields, **changes})


def test_with_pixels_the_images_are_where_they_are_looked_at() -> None:
    processes, camera = demo_graph(options(), cast())
    assert camera == "simulated_camera"
    together, alone = processes[0], processes[-1]
    assert [spec.node for spec in together.nodes] == ["pose_estimator", "action_recognizer"]
    assert together.nodes[1].parameters["rgb"] is True
    together.command()  # nodes that contradict each other cannot share a process
    assert alone.namespace == "/skeletons_only" and len(alone.nodes) == 1
    judging = alone.nodes[0].parameters
    assert "rgb" not in judging and "fusion" not in judging
    assert judging["bundles"] == ("/b/objects",)
    assert alone.nodes[0].remaps == {"skeletons": "/skeletons"}


def test_without_them_the_body_is_asked_alone() -> None:
    processes, _ = demo_graph(options(), cast(rgb=False, comparison=BODY_ALONE))
    assert [len(process.nodes) for process in processes] == 5 * [1]
    assert processes[-1].namespace == "/body_only"
    assert processes[-1].nodes[0].parameters["fusion"] == "body"
    assert not any("rgb" in spec.parameters for process in processes for spec in process.nodes)


def test_of_a_film_nothing_is_compared(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    film.write_bytes(b"")
    processes, camera = demo_graph(options(video=str(film)), cast())
    assert camera == "video_camera" and len(processes) == 3
    with pytest.raises(ConfigurationError, match=r"gone\.mp4 does not exist"):
        demo_graph(options(video="gone.mp4"), cast())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"people": 9}, "--people is 9; it must lie between 0 and 4"),
        ({"seconds": -3.0}, r"--seconds is -3\.0; it must not be negative"),
        ({"seconds": float("nan")}, "--seconds is nan"),
        ({"seconds": 0.5}, r"--seconds is 0\.5; it must lie between 1\.0 and 3600\.0"),
        ({"rate": 0.0}, r"--rate is 0\.0; it must lie between 0\.5 and 120\.0"),
        ({"seed": -1}, "--seed is -1"),
        ({"seconds": -3.0, "camera": "0"}, r"--seconds is -3\.0"),
        ({"seconds": 2000.0}, "--seconds 2000 and --rate 12 make 24001 images"),
        ({"camera": "front"}, "--camera is 'front'; give the number of a device"),
    ],
)
def test_what_the_camera_would_refuse_starts_nothing(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        demo_graph(options(**given), cast())


def test_a_film_may_be_watched_for_a_moment_or_for_hours() -> None:
    for seconds in (0.5, 7200.0):
        _, camera = demo_graph(options(seconds=seconds, camera="0", people=9), cast())
        assert camera == "video_camera"


def test_a_bundle_that_cannot_look_is_refused(tmp_path: Path) -> None:
    bundle = str(write_tiny_bundle(tmp_path / "tiny").path)
    with pytest.raises(ConfigurationError, match="'tiny' has none"):
        choose_cast(bundle, "", rgb=True)
    assert choose_cast(bundle, "").comparison is BODY_ALONE
