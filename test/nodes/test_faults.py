"""The most telling faults of `python -m benchmarks.faults` in short, on the real graph."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.fault_cases import Case, behaves, frozen, killed
from benchmarks.faults import steady, try_case
from benchmarks.films import HELD, RATE_HZ, FilmScript, film
from benchmarks.graph_world import GraphWorld
from benchmarks.ros_domains import second
from benchmarks.synthetic import BODY_INPUTS, HAND_INPUTS, tiny_manifest, tiny_model
from bharnet_ros.bundle import write_bundle

pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")

_STALE_S = 2.0
"""Twice what the measurements allow, for machines that are busy with other things."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A graph that takes a raised right hand for the film's gesture. It bears with an estimator
    that gets little of a busy machine: up to a second between two frames."""
    pytest.importorskip("onnx", reason="the graph is built with onnx")
    body = np.zeros((BODY_INPUTS, 2), np.float32)
    body[1 * 19 + 10, 1], body[2 * 19 + 10, 1] = -16.0, -8.0
    manifest = tiny_manifest(("idle", HELD), name="held", max_gap_s=1.0)
    model = tiny_model(body, np.zeros((HAND_INPUTS, 2), np.float32), manifest.num_steps)
    return str(write_bundle(tmp_path_factory.mktemp("bundles") / "held", manifest, model).path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, bundle: str) -> Iterator[GraphWorld]:
    """A graph with respawn, and a camera that films one person's gesture; recognised already."""
    folder = tmp_path_factory.mktemp("faults")
    path = film(FilmScript("held", 1.0), folder)
    # Not the domain of the other tests of this session, whose nodes need not be seen here.
    with GraphWorld(folder, second()) as world:
        world.start_graph("--visualizer", "false", "--bundle", bundle)
        world.start_camera(path, rate_hz=RATE_HZ)
        steady(world)
        yield world
        seconds = world.stop("graph", "camera")
        assert max(seconds) < 8.0, "the graph did not end in time"


CASES = (
    Case("kill_estimator", "", "", killed("pose_estimator")),
    Case("kill_recognizer", "", "", killed("action_recognizer")),
    Case("hang", "", "", frozen("pose_estimator", 2.5)),
    Case(
        "camera", "", "", behaves(
            0.8, {"stamps": "zero"}, {"stamps": "disordered"}, {"stamps": "clock", "loss": 0.3},
            {"encoding": "mono8", "width": 320, "height": 240}, {"claimed": "h264"},
        ),
    ),
    Case("clock", "", "", behaves(1.5, {"offset_s": 60.0}), time_restarts=1),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_it_recovers_and_nothing_wrong_is_said(world: GraphWorld, case: Case) -> None:
    result = try_case(world, case, after_s=0.5, stale_s=_STALE_S)
    assert result["wrong"] == [] and result["crashes"] == []
    assert result["messages"] > 0 and "recognised_after_s" in result
    if case.name == "kill_recognizer":
        assert result["left_open"] == 1
    if case.name == "camera":
        said = " ".join(result["diagnostics"])
        assert "stamp is zero" in said and "unsupported encoding" in said
