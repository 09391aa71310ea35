from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the tiny networks are built with onnx")
from onnx_networks import constant_graph, pose_graph, yolox_rows

from benchmarks.reduced_precision import compare_detector, compare_pose, halved


def test_a_pose_network_that_16_bits_do_not_change(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    graph = pose_graph(tmp_path / "a" / "g.onnx", keypoints=133)
    (graph.parent / "pose.yaml").write_text("mean: [0, 0, 0]\nstd: [1, 1, 1]\nfull_score: 255\n")
    image = np.zeros((80, 60, 3), np.uint8)
    image[40:44, 30:34] = 200
    box = np.array([10, 10, 50, 70], np.float32)
    half = halved(graph, tmp_path)
    assert half.with_name("pose.yaml").is_file()
    row = compare_pose(graph, half, [(image, box)])
    assert (row.people, row.same, row.moved_px) == (1, 1.0, 0.0)
    assert row.score < 0.002


def test_a_detector_that_16_bits_move_a_little(tmp_path: Path) -> None:
    rows = yolox_rows([(8.0, 8.0, 24.3, 56.7, 0.8, 0)], (64, 64))
    graph = constant_graph(tmp_path / "a" / "g.onnx", {"output": rows})
    images = [np.full((640, 640, 3), 114, np.uint8)]
    row = compare_detector(graph, halved(graph, tmp_path), images)
    assert row.boxes == (1, 1)
    assert 0.0 < row.edge_px < 2.0
    assert 0.0 < row.score < 0.002
