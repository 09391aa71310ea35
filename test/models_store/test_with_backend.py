"""The whole way: registered, fetched, found by name, run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_networks import constant_graph, pose_graph, yolox_rows
from store_pieces import sha256, use_models, zipped

from bharnet_ros.__main__ import main
from bharnet_ros.errors import WeightsError
from bharnet_ros.models_store.registry import Model
from bharnet_ros.pose.base import create_pose_estimator

SIZE = (64, 64)


@pytest.fixture
def registered(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole-body network in an archive, and a detector that sees one person always."""
    body = pose_graph(tmp_path / "made" / "body.onnx").read_bytes()
    rows = yolox_rows([(8, 8, 56, 60, 0.9, 0)], SIZE)
    boxes = constant_graph(tmp_path / "made" / "boxes.onnx", {"output": rows}, SIZE).read_bytes()
    server.files = {"/body.zip": zipped({"sdk/end2end.onnx": body}), "/boxes.onnx": boxes}
    plain = {"summary": "s", "source": "s", "license": "Apache-2.0"}
    use_models(
        monkeypatch,
        Model(
            "body", "pose", **plain, urls=(f"{server.root}/body.zip",),
            sha256=sha256(server.files["/body.zip"]), member="end2end.onnx",
            member_sha256=sha256(body),
            settings=(("mean", [0, 0, 0]), ("std", [1, 1, 1]), ("full_score", 255.0)),
        ),
        Model(
            "boxes", "detector", **plain, urls=(f"{server.root}/boxes.onnx",),
            sha256=sha256(boxes), settings=(("family", "yolox"),),
        ),
    )  # fmt: skip


def test_fetched_networks_run_by_name(registered: None, server: Any) -> None:
    for missing, present in (("body", ()), ("boxes", ("body",))):
        if present:
            assert main(["models", "fetch", *present]) == 0
        with pytest.raises(WeightsError, match=f"python -m bharnet_ros models fetch {missing}`"):
            create_pose_estimator("rtmpose", model="body", detector="boxes")
    assert main(["models", "fetch", "boxes"]) == 0
    asked = len(server.paths)
    estimator = create_pose_estimator("rtmpose", model="body", detector="boxes", min_person_px=2.0)
    try:
        image = np.zeros((64, 64, 3), np.uint8)
        image[28:33, 38:43] = 255
        frame = estimator.estimate(image, 0)
    finally:
        estimator.close()
    assert len(server.paths) == asked  # a start never asks the network
    (person,) = frame.skeletons
    assert person.keypoints.shape == (133, 2)
    np.testing.assert_allclose(person.keypoints[0], (40, 30), atol=4.0)
