from __future__ import annotations

import json
from pathlib import Path

import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.detection.description import (
    FAMILIES,
    DetectorDescription,
    read_description,
)
from bharnet_ros.pose.normalization import IMAGENET_MEAN, Normalization


def test_families() -> None:
    assert FAMILIES["yolox"] == Normalization()
    assert FAMILIES["rtmdet"].mean == tuple(reversed(IMAGENET_MEAN))
    assert FAMILIES["rtmdet"].color == "bgr"


@pytest.mark.parametrize(
    ("graph", "told", "family"),
    [
        ("a/g.onnx", "yolox", "yolox"),
        ("a/g.onnx", "rtmdet", "rtmdet"),
        ("a/RTMDet_nano.onnx", "", "rtmdet"),
        ("yolox_tiny_humanart/model.onnx", "", "yolox"),
        ("yolox_tiny/rtmdet.onnx", "yolox", "yolox"),
    ],
)
def test_who_tells_the_family(graph: str, told: str, family: str) -> None:
    assert DetectorDescription().pixels(Path(graph), told) == FAMILIES[family]


@pytest.mark.parametrize("graph", ["a/g.onnx", "yolox/rtmdet.onnx"])
def test_nobody_tells_the_family(graph: str) -> None:
    with pytest.raises(ConfigurationError, match="write 'family: yolox' or 'family: rtmdet'"):
        DetectorDescription().pixels(Path(graph), "")
    assert DetectorDescription("rtmdet").pixels(Path(graph), "") == FAMILIES["rtmdet"]


def test_a_file_beside_the_graph(tmp_path: Path) -> None:
    (tmp_path / "detector.yaml").write_text(
        "family: rtmdet\ninput_size: [320, 320]\nperson_class: 3\npad: 0\nmean: [1, 2, 3]"
    )
    found = read_description(tmp_path / "g.onnx")
    assert (found.family, found.input_size) == ("rtmdet", (320, 320))
    assert (found.person_class, found.pad) == (3, 0)
    assert found.pixels(tmp_path / "g.onnx", "yolox") == Normalization((1, 2, 3))


def test_mmdeploys_pipeline(tmp_path: Path) -> None:
    graph = tmp_path / "end2end.onnx"
    assert read_description(graph).normalization is None
    steps = [{"type": "Resize"}, {"type": "Normalize", "mean": [1, 2, 3], "std": [1, 1, 1]}]
    (tmp_path / "pipeline.json").write_text(json.dumps({"tasks": steps}))
    assert read_description(graph).normalization == Normalization((1, 2, 3), color="rgb")
    (tmp_path / "pipeline.json").write_text(json.dumps({"tasks": steps[:1]}))
    assert read_description(graph).normalization == Normalization()
    steps[1]["std"] = [1, 0, 1]
    (tmp_path / "pipeline.json").write_text(json.dumps({"tasks": steps}))
    with pytest.raises(ConfigurationError, match=r"In .*pipeline\.json: std is .*detector\.yaml"):
        read_description(graph)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("famly: yolox", "unknown name 'famly'; it may have family, input_size"),
        ("family: [yolox]", "family is .'yolox'.; it must be one of yolox"),
        ("family: ssd", "family is 'ssd'; it must be one of yolox, rtmdet"),
        ("input_size: 320", r"input_size is 320; it must be \[width, height\]"),
        ("input_size: [300, 320]", "both must be multiples of 32"),
        ("pad: 300", "pad is 300; it must be a grey from 0 to 255"),
        ("pad: grey", "pad is 'grey'"),
        ("person_class: -1", "person_class is -1"),
        ("mean: 5", "mean is 5; it must be three finite numbers"),
        ("normalization: 5", "unknown name 'normalization'"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "detector.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_description(tmp_path / "g.onnx")
    assert str(tmp_path) in str(caught.value)
