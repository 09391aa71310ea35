from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.normalization import IMAGENET_MEAN, IMAGENET_STD
from bharnet_ros.pose.rtmpose.description import (
    PoseDescription,
    full_score_of,
    read_description,
    write_description,
)


def test_without_a_file_it_is_rtmpose(tmp_path: Path) -> None:
    found = read_description(tmp_path / "model.onnx")
    assert found == PoseDescription()
    assert (found.mean, found.std, found.color) == (IMAGENET_MEAN, IMAGENET_STD, "rgb")
    assert found.padding == 1.25


def test_what_is_written_is_read(tmp_path: Path) -> None:
    wanted = PoseDescription(
        keypoints=133, input_size=(288, 384), mean=(1, 2, 3), color="bgr", split_ratio=2.0,
        padding=1.5, full_score=10,
    )  # fmt: skip
    path = write_description(tmp_path, wanted, {"config": "rtmw.py", "max_difference": 1e-5})
    assert path == tmp_path / "pose.yaml"
    assert read_description(tmp_path / "model.onnx") == wanted
    assert "config: rtmw.py" in path.read_text()


def test_a_file_of_the_graphs_own_name_counts_first(tmp_path: Path) -> None:
    (tmp_path / "pose.yaml").write_text("padding: 2.0")
    (tmp_path / "b.pose.yaml").write_text("padding: 3.0")
    assert read_description(tmp_path / "a.onnx").padding == 2.0
    assert read_description(tmp_path / "b.onnx").padding == 3.0


def test_mmdeploys_pipeline(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {
            "name": "preprocess",
            "transforms": [
                {"type": "LoadImageFromFile"},
                {"type": "TopDownGetBboxCenterScale", "padding": 1.4},
                {"type": "TopDownAffine", "image_size": [9, 9]},
                {"type": "Normalize", "mean": [1, 2, 3], "std": [4, 5, 6], "to_rgb": False},
            ],
        },
        {"component": "SimCCLabelDecode", "params": {"simcc_split_ratio": 2.0}},
    ]
    (tmp_path / "pipeline.json").write_text(json.dumps({"pipeline": {"tasks": steps}}))
    found = read_description(tmp_path / "end2end.onnx")
    assert (found.mean, found.std, found.color) == ((1, 2, 3), (4, 5, 6), "bgr")
    assert (found.padding, found.split_ratio, found.input_size) == (1.4, 2.0, None)
    (tmp_path / "pose.yaml").write_text("color: rgb")
    assert read_description(tmp_path / "end2end.onnx") == PoseDescription()


def test_a_pixel_shuffle_tells_rtmw(tmp_path: Path) -> None:
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"...\x0cDepthToSpace...")
    assert full_score_of(graph, PoseDescription()) == 10.0
    assert full_score_of(graph, PoseDescription(full_score=2.5)) == 2.5
    graph.write_bytes(b"...Conv...")
    assert full_score_of(graph, PoseDescription()) == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour: rgb", "unknown name 'colour'; it may have keypoints, input_size"),
        ("color: yuv", "color is 'yuv'; it must be 'rgb' or 'bgr'"),
        ("mean: [1, 2]", r"mean is \[1, 2\]; it must be three finite numbers"),
        ("mean: abc", "mean is 'abc'; it must be three finite numbers"),
        ("std: [1, 0, 1]", "std is .*; its numbers must be above 0"),
        ("std: [1, .nan, 1]", "std is .*; it must be three finite numbers"),
        ("keypoints: 0", "keypoints is 0; it must be a whole number"),
        ("input_size: [192]", r"input_size is \[192\]; it must be \[width, height\]"),
        ("input_size: [192, true]", "input_size"),
        ("split_ratio: -1", "split_ratio is -1; it must be a number above 0"),
        ("padding: wide", "padding is 'wide'"),
        ("full_score: .inf", "full_score is inf"),
        ("- 1", "must hold names and values"),
        ("a: [", "is not YAML"),
        ("a: &b 1\nc: *b", "is not YAML"),
        ("1: 2", "must hold names and values"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pose.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_description(tmp_path / "model.onnx")
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "cannot be read"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (json.dumps([{"type": "Normalize", "mean": 1}]).encode(), "mean is 1"),
        (b" " * 1_000_001, "far too long"),
    ],
)
def test_a_bad_pipeline_is_refused_in_words(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "pipeline.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_description(tmp_path / "model.onnx")
    assert str(tmp_path / "pipeline.json") in str(caught.value)
