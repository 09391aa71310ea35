"""Graphs with open sizes, and files beside them that say the size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import open_graph
from bharnet_ros.pose.image_graph import MAX_RUN, ImageGraph, settings_of
from bharnet_ros.pose.sidecars import pipeline_size, read_pipeline

onnx = pytest.importorskip("onnx", reason="the tiny networks are built with onnx")
from onnx_networks import save_graph  # noqa: E402

MEAN = [onnx.helper.make_node("ReduceMean", ["x"], ["y"], axes=[1, 2, 3], keepdims=0)]


def graph_of(path: Path, shape: tuple[int | str, ...], size: Any = None) -> ImageGraph:
    save_graph(path, MEAN, {"x": shape}, {"y": (shape[0],)})
    return ImageGraph(path, open_graph(path), size)


def pipeline(folder: Path, *steps: dict[str, Any]) -> None:
    (folder / "pipeline.json").write_text(json.dumps({"pipeline": {"tasks": list(steps)}}))


def means(graph: ImageGraph, count: int) -> list[float]:
    found: list[float] = []
    for part, outputs in graph.map(count, lambda i, out: out.fill(i + 1)):
        assert len(outputs["y"]) == len(range(count)[part])
        found.extend(outputs["y"].tolist())
    return found


@pytest.mark.parametrize("batch", ["N", 1, 3])
@pytest.mark.parametrize("count", [0, 1, 4, MAX_RUN + 1])
def test_every_image_is_run_once_in_its_place(
    tmp_path: Path, batch: int | str, count: int
) -> None:
    graph = graph_of(tmp_path / "g.onnx", (batch, 3, 8, 6))
    assert graph.size == (6, 8)
    assert means(graph, count) == [float(i + 1) for i in range(count)]
    assert means(graph, 1) == [1.0], "nothing is left of an earlier run"


@pytest.mark.parametrize("engine", [{}, {"name": "torch", "device": "cpu", "max_batch": 2}])
def test_a_single_number_beside_the_answers(tmp_path: Path, engine: dict[str, Any]) -> None:
    largest = onnx.helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0)
    shapes = {"y": ("N",), "largest": ()}
    path = save_graph(tmp_path / "g.onnx", [*MEAN, largest], {"x": ("N", 3, 8, 6)}, shapes)
    graph = ImageGraph(path, open_graph(path, **engine))
    assert graph.probe().keys() == {"y"} and graph.try_batches()
    assert means(graph, 5) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_one_by_one(tmp_path: Path) -> None:
    graph = graph_of(tmp_path / "g.onnx", ("N", 3, 8, 6))
    graph.one_by_one()
    assert [part for part, _ in graph.map(3, lambda i, out: out.fill(i))] == [
        slice(0, 1), slice(1, 2), slice(2, 3),
    ]  # fmt: skip
    assert means(graph, 3) == [1.0, 2.0, 3.0]


def traced_for_one(
    folder: Path, *nodes: Any, engine: dict[str, Any] | None = None, **constants: Any
) -> ImageGraph:
    """A graph with a batch that is free by name only."""
    path = save_graph(
        folder / "traced.onnx", [*nodes], {"x": ("N", 3, 8, 6)}, {"y": ("N",)},
        {name: np.array(value) for name, value in constants.items()},
    )  # fmt: skip
    return ImageGraph(path, open_graph(path, **engine or {}))


@pytest.mark.parametrize("engine", [{}, {"name": "torch", "device": "cpu"}])
def test_batches_are_tried_before_they_are_used(tmp_path: Path, engine: dict[str, Any]) -> None:
    node = onnx.helper.make_node
    assert graph_of(tmp_path / "g.onnx", ("N", 3, 8, 6)).try_batches()
    assert graph_of(tmp_path / "g.onnx", (2, 3, 8, 6)).try_batches()
    fails = traced_for_one(
        tmp_path, node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        node("Reshape", ["m", "one"], ["y"]), engine=engine, one=[1],
    )  # fmt: skip
    assert not fails.try_batches()
    assert means(fails, 3) == [1.0, 2.0, 3.0]
    mixes = traced_for_one(
        tmp_path, node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        node("ReduceSum", ["m", "axes"], ["s"], keepdims=1),
        node("Shape", ["m"], ["n"]), node("Expand", ["s", "n"], ["y"]), engine=engine, axes=[0],
    )  # fmt: skip
    assert means(mixes, 2) == [3.0, 3.0], "both images in both answers"
    assert not mixes.try_batches()
    assert means(mixes, 2) == [1.0, 2.0]


def test_an_open_size_is_stated_somewhere(tmp_path: Path) -> None:
    open_size = ("batch", 3, "height", "width")
    with pytest.raises(ConfigurationError, match="leaves its input size open"):
        graph_of(tmp_path / "g.onnx", open_size)
    assert graph_of(tmp_path / "g.onnx", open_size, (32, 64)).size == (32, 64)
    pipeline(tmp_path, {"transforms": [{"type": "Pad", "size": [320, 256]}]})
    assert graph_of(tmp_path / "g.onnx", open_size).size == (320, 256)
    assert graph_of(tmp_path / "g.onnx", open_size, (32, 64)).size == (32, 64)
    assert graph_of(tmp_path / "g.onnx", ("N", 3, 8, 6)).size == (6, 8), "the graph is believed"


def test_a_size_that_the_graph_does_not_have(tmp_path: Path) -> None:
    for size in ((6, 9), (8, 6)):
        with pytest.raises(ConfigurationError, match=r"6 x 8 pixels; the file beside it says"):
            graph_of(tmp_path / "g.onnx", ("N", 3, 8, 6), size)
    with pytest.raises(ConfigurationError, match="the file beside it says"):
        graph_of(tmp_path / "g.onnx", ("N", 3, "height", 6), (7, 8))
    assert graph_of(tmp_path / "g.onnx", ("N", 3, "height", 6), (6, 8)).size == (6, 8)


@pytest.mark.parametrize("engine", [{}, {"name": "torch", "device": "cpu"}])
def test_an_open_size_that_the_graph_cannot_take(tmp_path: Path, engine: dict[str, Any]) -> None:
    node = onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])
    path = save_graph(
        tmp_path / "g.onnx", [node], {"x": ("N", 3, "h", "w")}, {"y": ("N", 3 * 8 * 6)},
        {"shape": np.array([1, 3 * 8 * 6])},
    )  # fmt: skip
    assert ImageGraph(path, open_graph(path, **engine), (6, 8)).probe()["y"].shape == (1, 144)
    with pytest.raises(ConfigurationError, match=r"an image of 7 x 8 pixels.* Correct input_size"):
        ImageGraph(path, open_graph(path, **engine), (7, 8)).probe()


def test_sizes_in_pipelines(tmp_path: Path) -> None:
    crop = {"transforms": [{"type": "TopDownAffine", "image_size": [1, 1]}]}
    decoder = {"component": "SimCCLabelDecode", "params": {"input_size": [288, 384]}}
    pipeline(tmp_path, crop, decoder)
    assert pipeline_size(read_pipeline(tmp_path / "g.onnx")) == (288, 384)
    for odd in ([0, 5], [1], "ab", [1.5, 2], None):
        pipeline(tmp_path, {"type": "Pad", "size": odd})
        assert pipeline_size(read_pipeline(tmp_path / "g.onnx")) is None


@pytest.mark.parametrize("shape", [("N", 1, 8, 8), ("N", 3, 8), ("N", 8, 8, 3)])
def test_graphs_that_take_no_images(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    node = [onnx.helper.make_node("Relu", ["x"], ["y"])]
    save_graph(tmp_path / "g.onnx", node, {"x": shape}, {"y": shape})
    with pytest.raises(ConfigurationError, match=r"one input of shape \[N, 3, height, width\]"):
        ImageGraph(tmp_path / "g.onnx", open_graph(tmp_path / "g.onnx"))


def test_a_probe_gives_one_image(tmp_path: Path) -> None:
    found = graph_of(tmp_path / "g.onnx", (2, 3, 8, 6)).probe(5.0)
    np.testing.assert_array_equal(found["y"], [5.0])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {"threads": 2}),
        ("", {"threads": 2}),
        (["threads=3"], {"threads": 3}),
        ("threads=3; max_batch=4", {"threads": 3, "max_batch": 4}),
        ({"max_batch": 4}, {"threads": 2, "max_batch": 4}),
    ],
)
def test_options_of_the_engine(given: Any, expected: dict[str, Any]) -> None:
    assert settings_of("onnxruntime", given, 2) == expected
    assert "threads" not in settings_of("tensorrt", None, 2)
