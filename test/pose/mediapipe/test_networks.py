from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.pose.mediapipe import networks
from bharnet_ros.pose.mediapipe.models import BODY_FILE, HAND_FILES, RECROP_FILE
from bharnet_ros.pose.mediapipe.networks import Network, find_model, model_folder
from bharnet_ros.pose.mediapipe.trim import trim

BODY_OUTPUTS = [(1, 195), (1, 1), None, (1, 64, 64, 39)]


@pytest.fixture(scope="module")
def wheel() -> Path:
    return model_folder()


def test_a_missing_model_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        model_folder(tmp_path / "nowhere")


def test_a_missing_wheel_gives_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable, match=re.escape(networks.MODELS_INSTALL)):
        model_folder()


def test_a_missing_runtime_gives_the_install_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    path = tmp_path / "any.tflite"
    path.write_bytes(b"\0" * 16)
    with pytest.raises(BackendUnavailable, match="pip install ai-edge-litert"):
        Network(path, 224, [(1, 63)])


def test_a_missing_file_is_named(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match=r"pose_detection\.tflite"):
        create_pose_estimator("mediapipe", model_dir=tmp_path)
    for source in wheel.glob("pose_*/*.tflite"):
        shutil.copy(source, tmp_path)
    with pytest.raises(BackendUnavailable, match=r"hand_recrop\.tflite"):
        create_pose_estimator("mediapipe", model_dir=tmp_path)
    create_pose_estimator("mediapipe", model_dir=tmp_path, hands=False).close()


def test_a_damaged_file_is_named(wheel: Path, tmp_path: Path) -> None:
    whole = find_model(wheel, RECROP_FILE).read_bytes()
    for content in (b"", b"not a network at all", whole[:1000], b"\0" * len(whole)):
        path = tmp_path / RECROP_FILE
        path.write_bytes(content)
        with pytest.raises(BackendUnavailable, match=RECROP_FILE):
            Network(path, 256, [(1, 1, 1, 4)])


def test_another_network_is_refused_by_its_shapes(wheel: Path) -> None:
    path = find_model(wheel, HAND_FILES["full"])
    with pytest.raises(ConfigurationError, match=r"takes inputs of shape .*224.* expected .*256"):
        Network(path, 256, [(1, 63), (1, 1), (1, 1)])
    with pytest.raises(ConfigurationError, match=r"gives outputs .*\(1, 63\).* expected"):
        Network(path, 224, [(1, 99), (1, 1), (1, 1)])
    with pytest.raises(ConfigurationError, match="gives outputs"):
        Network(find_model(wheel, RECROP_FILE), 256, [(1, 1, 1, 4), (1, 1)])


def test_leaving_outputs_out_changes_nothing_in_the_others(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = find_model(wheel, BODY_FILE)
    image = np.random.default_rng(3).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    trimmed = trim(path, [0, 1, 3])
    assert trimmed is not None and len(trimmed) < path.stat().st_size
    fast = Network(path, 256, BODY_OUTPUTS).run(image)
    monkeypatch.setattr(networks, "trim", lambda path, keep: None)
    plain = Network(path, 256, BODY_OUTPUTS).run(image)
    assert [a.shape for a in fast] == [(1, 195), (1, 1), (1, 64, 64, 39)]
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_trim_leaves_other_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(b"\0" * 64)
    assert trim(path, [0]) is None
