"""The detector on networks that find known people, and YOLOX-nano on photographs."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from bharnet_ros.boxes import box_overlap
from bharnet_ros.errors import BharnetError, BundleError, ConfigurationError, WeightsError
from bharnet_ros.pose.detection import open_detector
from bharnet_ros.pose.detection.onnx import OnnxPersonDetector
from bharnet_ros.pose.image_graph import MAX_RUN

pytest.importorskip("onnx", reason="the tiny networks are built with onnx")
from onnx import helper
from onnx_networks import constant_graph, save_graph, yolox_rows

PERSON, DOG = (8.0, 8.0, 24.0, 56.0, 0.8, 0), (30.0, 10.0, 60.0, 30.0, 0.9, 1)
GREY = 114


def image(height: int, width: int, grey: int = GREY) -> np.ndarray:
    return np.full((height, width, 3), grey, np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detectors")
    rows = yolox_rows([PERSON, DOG], (64, 64))
    constant_graph(folder / "free.onnx", {"output": rows})
    constant_graph(folder / "one.onnx", {"output": rows}, batch=1)
    ends = {
        "dets": np.array([PERSON[:5], DOG[:5], [9, 9, 25, 57, 0.1]], np.float32),
        "labels": np.array([0, 1, 0], np.int64),
    }
    constant_graph(folder / "yolox" / "end2end.onnx", ends)
    constant_graph(folder / "end2end.onnx", ends)
    return folder


@pytest.mark.parametrize("name", ["free.onnx", "one.onnx", "yolox/end2end.onnx"])
def test_the_person_is_found_in_pixels_of_each_image(folder: Path, name: str) -> None:
    detector = OnnxPersonDetector(folder / name)
    images = [image(64, 64), image(128, 64), image(32, 64), image(640, 640)]
    found = detector.detect(images)
    for (boxes, scores), (x, y, cut) in zip(
        found, [(1, 1, 64), (2, 2, 128), (1, 1, 32), (10, 10, 640)], strict=True
    ):
        expected = np.array(PERSON[:4]) * (x, y, x, y)
        expected[3] = min(expected[3], cut)
        np.testing.assert_allclose(boxes, [expected], atol=0.01)
        np.testing.assert_allclose(scores, [0.8], atol=1e-5)
        assert boxes.dtype == scores.dtype == np.float32
    assert detector.identity.startswith(Path(name).parts[0] + ", onnxruntime")


def test_a_crowd_of_cameras(folder: Path) -> None:
    detector = OnnxPersonDetector(folder / "free.onnx")
    found = detector.detect([image(64 + i, 64) for i in range(MAX_RUN + 5)])
    assert [len(boxes) for boxes, _ in found] == [1] * (MAX_RUN + 5)
    assert detector.detect([]) == []


def test_end_to_end_graphs_that_fail_on_two_images(tmp_path: Path) -> None:
    """mmdeploy's: the batch is free by name, the suppression inside was traced for one image."""
    nodes = [
        helper.make_node("ReduceMax", ["input"], ["most"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["most", "one"], ["single"]),
        helper.make_node("Mul", ["single", "values"], ["dets"]),
    ]
    path = save_graph(
        tmp_path / "yolox.onnx", nodes, {"input": ("batch", 3, 64, 64)},
        {"dets": ("batch", "num_dets", 5)},
        {"one": np.array([1, 1, 1]), "values": np.array([[[8, 8, 24, 56, 0.8]]], np.float32) / 114},
    )  # fmt: skip
    found = OnnxPersonDetector(path).detect([image(64, 64)] * 3)
    assert [len(boxes) for boxes, _ in found] == [1, 1, 1]


def test_rows_of_a_batch_are_not_mixed(tmp_path: Path) -> None:
    dets = np.array([[8, 8, 24, 56, 1.0]], np.float32)
    constant_graph(tmp_path / "yolox.onnx", {"dets": dets}, follows=True)
    images = [image(64, 64, grey) for grey in (114, 57, 0, 38)]
    found = OnnxPersonDetector(tmp_path / "yolox.onnx", min_score=0.0).detect(images)
    assert [round(float(scores[0]), 3) if len(scores) else 0.0 for _, scores in found] == [
        1.0, 0.5, 0.0, 0.333,
    ]  # fmt: skip
    rows = yolox_rows([PERSON], (64, 64))  # a raw graph takes all four at once
    constant_graph(tmp_path / "raw.onnx", {"output": rows}, follows=True)
    found = OnnxPersonDetector(tmp_path / "raw.onnx", min_score=0.05).detect(images)
    best = [float(scores.max(initial=0.0)) for _, scores in found]
    np.testing.assert_allclose(best, [0.8, 0.8 / 4, 0.0, 0.8 / 9], atol=1e-4)


def test_min_score(folder: Path) -> None:
    (boxes, scores), = OnnxPersonDetector(folder / "free.onnx", min_score=0.81).detect(
        [image(64, 64)]
    )
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))
    for value in (-0.1, 1.5, float("nan")):
        with pytest.raises(ConfigurationError, match="min_score is"):
            OnnxPersonDetector(folder / "free.onnx", min_score=value)


def test_thin_and_tiny_images(folder: Path) -> None:
    detector = OnnxPersonDetector(folder / "free.onnx")
    for shape in ((8, 8), (8, 4000), (4000, 8), (1, 1)):
        for boxes, _ in detector.detect([image(*shape)]):
            assert np.isfinite(boxes).all()
            assert (boxes >= 0).all()
            assert (boxes <= np.array([shape[1], shape[0]] * 2)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_network_that_gives_no_numbers_finds_nobody(tmp_path: Path, bad: float) -> None:
    rows = yolox_rows([PERSON], (64, 64))
    rows[:, :4] = np.nan if np.isnan(bad) else bad
    rows[:, 4:] = 0.9
    constant_graph(tmp_path / "wild.onnx", {"output": rows})
    for boxes, scores in OnnxPersonDetector(tmp_path / "wild.onnx").detect([image(64, 64)]):
        assert np.isfinite(boxes).all()
        assert np.isfinite(scores).all()
        assert len(boxes) <= 1


def test_an_end_to_end_export_must_say_what_it_is(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="write 'family: yolox' or 'family: rtmdet'"):
        OnnxPersonDetector(folder / "end2end.onnx")


def test_rtmdet_gets_normalised_pixels(tmp_path: Path) -> None:
    dets = np.array([[8, 8, 24, 56, 1.0]], np.float32)
    constant_graph(tmp_path / "rtmdet.onnx", {"dets": dets}, follows=True)
    ((_, scores),) = OnnxPersonDetector(tmp_path / "rtmdet.onnx", min_score=0.0).detect(
        [image(64, 64, 200)]
    )
    np.testing.assert_allclose(scores, [(200 - 103.53) / 57.375 / 114], rtol=1e-4)


def test_other_graphs_are_refused(tmp_path: Path) -> None:
    constant_graph(tmp_path / "g.onnx", {"logits": np.zeros(10, np.float32)})
    with pytest.raises(ConfigurationError, match="use a person detector"):
        open_detector(tmp_path / "g.onnx")
    (tmp_path / "b.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match="refuses the graph"):
        open_detector(tmp_path / "b.onnx")


def test_missing_networks_name_the_command_that_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BHARNET_ROS_MODELS", str(tmp_path / "store"))
    with pytest.raises(WeightsError, match=r"models fetch .*yolox_tiny"):
        open_detector("yolox_tiny")
    with pytest.raises(WeightsError, match="does not exist"):
        open_detector(tmp_path / "none.onnx")


def test_closed(folder: Path) -> None:
    detector = open_detector(folder / "one.onnx")
    detector.close()
    detector.close()
    with pytest.raises(BharnetError, match="was closed"):
        detector.detect([image(64, 64)])


def photographs(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images with the boxes (M, 4) x, y, width, height of their people."""
    truth = json.loads((folder / "test_coco_wholebody.json").read_text())
    return [
        (
            cv2.imread(str(folder / entry["file_name"])),
            np.array([a["bbox"] for a in truth["annotations"] if a["image_id"] == entry["id"]]),
        )
        for entry in truth["images"]
    ]


def test_yolox_nano_finds_the_people_of_photographs(shared_data: Path) -> None:
    detector = open_detector(shared_data / "pose_weights" / "yolox_nano.onnx", num_threads=1)
    pictures = photographs(shared_data / "coco_wholebody")
    answers = detector.detect([picture for picture, _ in pictures])
    best, extra = [], 0
    for (_, people), (boxes, _) in zip(pictures, answers, strict=True):
        sized = np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)
        shared = box_overlap(people[:, None], sized[None])
        best += shared.max(axis=1).tolist()
        extra += int((shared.max(axis=0) < 0.3).sum())
    assert len(best) == 14
    # Three of the 14 are small and cut off or hidden; nobody else may be missed or made up.
    assert sum(value > 0.75 for value in best) == 11
    assert extra <= 1
