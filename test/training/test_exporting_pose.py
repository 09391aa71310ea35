from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.inference import build_graph, open_graph
from bharnet_ros.pose.mmpose.network import open_network
from bharnet_ros.pose.mmpose.packages import load_mmpose
from bharnet_ros.pose.rtmpose.description import PoseDescription, read_description
from bharnet_ros.pose.rtmpose.keypoints import RTMPoseKeypoints
from training import exporting_pose
from training.cli import main
from training.exporting_pose import describe, export_pose

sys.path.append(str(Path(__file__).parents[1] / "pose" / "mmpose"))

from tiny_networks import random_state, save_checkpoint, tiny_config


@pytest.fixture(scope="module", autouse=True)
def mmpose() -> Any:
    return pytest.importorskip("mmpose", reason="mmpose is not installed (docs/mmpose.md)")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_config(tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="module")
def checkpoint(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("weights") / "tiny.pth", random_state(config))


@pytest.fixture(scope="module")
def exported(
    config: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The graph of a small RTMW, and what the command told."""
    folder = tmp_path_factory.mktemp("exported") / "network"
    told = io.StringIO()
    arguments = ["--config", str(config), "--checkpoint", str(checkpoint), "--output", str(folder)]
    with contextlib.redirect_stdout(told):
        assert main(["export-pose", *arguments]) == 0
    return folder / "model.onnx", told.getvalue()


def test_the_graph_gives_what_the_network_gives(exported: tuple[Path, str]) -> None:
    assert "133 keypoints, 192 x 256 pixels" in exported[1]
    told = re.search(r"differ by at most (\S+)", exported[1])
    assert told and 0.0 < float(told.group(1)) <= 1e-3


def test_the_same_keypoints_from_images(
    exported: tuple[Path, str], config: Path, checkpoint: Path, shared_data: Path
) -> None:
    """Cut out, run and decoded by the backend rtmpose and by mmpose's inference."""
    folder = shared_data / "coco_wholebody"
    annotations = json.loads((folder / "test_coco_wholebody.json").read_text("utf-8"))
    names = {entry["id"]: entry["file_name"] for entry in annotations["images"]}
    network = open_network(config, checkpoint, device="cpu")
    ours = RTMPoseKeypoints(exported[0], num_threads=1)
    differ, count = 0, 0
    for key, name in names.items():
        image = cv2.imread(str(folder / name))
        people = [a["bbox"] for a in annotations["annotations"] if a["image_id"] == key]
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in people], np.float32)
        points, scores = ours.estimate([(image, box) for box in boxes])
        theirs = load_mmpose().inference_topdown(network.module, image, boxes)
        expected = np.stack([s.pred_instances.keypoints[0] for s in theirs])
        raw = np.stack([s.pred_instances.keypoint_scores[0] for s in theirs])
        np.testing.assert_allclose(scores, np.clip(raw / 10.0, 0.0, 1.0), atol=1e-3)
        assert 0.2 < scores.mean() < 0.95
        differ += int((np.abs(points - expected).max(-1) > 1e-2).sum())
        count += scores.size
    assert count == 14 * 133
    # A keypoint is one of 384 x 512 bins: where two are equally high, a rounding decides.
    assert differ <= 0.001 * count, f"{differ} of {count} keypoints differ"


def test_the_batch_is_free_and_everything_is_inside(exported: tuple[Path, str]) -> None:
    graph = exported[0]
    engine = open_graph(graph)
    assert dict(engine.inputs)["input"][1:] == (3, 256, 192)
    for count in (1, 3):
        rows = engine.run({"input": np.zeros((count, 3, 256, 192), np.float32)})
        assert rows["simcc_x"].shape == (count, 133, 384)
        assert rows["simcc_y"].shape == (count, 133, 512)
    assert sorted(path.name for path in graph.parent.iterdir()) == ["model.onnx", "pose.yaml"]
    model = onnx.load(graph)
    assert str(Path.home()) not in str(model.graph.node)[:100_000]


def test_pose_yaml_says_how_to_use_it(exported: tuple[Path, str]) -> None:
    description = read_description(exported[0])
    assert description == PoseDescription(
        keypoints=133, input_size=(192, 256), color="rgb", split_ratio=2.0, padding=1.25,
        full_score=10.0,
    )  # fmt: skip
    text = (exported[0].parent / "pose.yaml").read_text("utf-8")
    assert "checkpoint: tiny.pth" in text and "config: tiny_rtmw" in text


def test_tensorrt_can_build_it(exported: tuple[Path, str], tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    built = build_graph(exported[0], "tensorrt_rtx", tmp_path)
    assert built is not None and built.stat().st_size > 1000


def test_a_graph_that_differs_is_not_kept(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(network, example, inputs, outputs, path) -> None:
        path.write_bytes(b"other")

    monkeypatch.setattr(exporting_pose, "save_graph", write)
    monkeypatch.setattr(exporting_pose, "compare", lambda *_: (3.0, 0.5))
    with pytest.raises(BundleError, match=r"differs from the network by 0\.5.*not kept"):
        export_pose(config, None, tmp_path / "network")
    assert list((tmp_path / "network").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("model['head'].update(decoder=dict(use_dark=True))", "SimCC with use_dark"),
        ("test_dataloader = dict(dataset=dict(pipeline=[dict(type='PackPoseInputs')]))", "cut"),
        ("model.update(test_cfg=dict(output_keypoint_indices=[0, 1]))", "choice of its keypoints"),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_refused(tmp_path: Path, change: str, reason: str) -> None:
    if change.startswith("test_dataloader"):
        change = change.replace("pipeline=", "_delete_=True, pipeline=")
    network = open_network(tiny_config(tmp_path, change + "\n"), None, device="cpu")
    with pytest.raises(ConfigurationError, match=reason):
        describe(network)


def test_heatmaps_are_refused() -> None:
    config = "td-hm_vipnas-mbv3_8xb64-210e_coco-wholebody-256x192"
    with pytest.raises(ConfigurationError, match=r"decoded by .*Heatmap.*backend mmpose"):
        describe(open_network(config, None, device="cpu"))


def test_colours_and_statistics_follow_the_config(tmp_path: Path) -> None:
    more = (
        "model['data_preprocessor'] = dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], "
        "bgr_to_rgb=False)\n"
    )
    found = describe(open_network(tiny_config(tmp_path, more), None, device="cpu"))
    assert (found.color, found.mean, found.std) == ("bgr", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def test_the_command_asks_for_weights_or_none(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export-pose", "--config", str(config), "--output", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "either --checkpoint FILE or --random" in capsys.readouterr().err
    assert main([*arguments, "--checkpoint", "absent.pth"]) == 2
    assert "absent.pth is not a file" in capsys.readouterr().err
