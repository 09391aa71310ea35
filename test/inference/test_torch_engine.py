"""The torch engine against ONNX Runtime, on whole bundles and networks of perception."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bharnet_ros.bundle import Bundle, find_bundle, load_bundle, shipped_bundles
from bharnet_ros.continual import STEP_FILE
from bharnet_ros.errors import (
    BackendUnavailable,
    BundleError,
    ConfigurationError,
    EngineError,
)
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference import create_engine, open_graph
from bharnet_ros.inference.sample_windows import sample_pixels
from bharnet_ros.manifest_parts import RGB

onnx = pytest.importorskip("onnx", reason="graphs are read with onnx")
torch = pytest.importorskip("torch", reason="torch is not installed")
from onnx_networks import pose_graph  # noqa: E402

FLOAT, INT = np.float32, np.int64


@pytest.mark.parametrize("name", shipped_bundles())
def test_every_shipped_bundle_gives_what_onnx_runtime_gives(name: str) -> None:
    bundle = load_bundle(name)
    rng = np.random.default_rng(0)
    given = {
        key: rng.normal(size=(3, *shape[1:])).astype(FLOAT)
        for key, shape in bundle.manifest.inputs.items()
    }
    for value in given.values():
        value[:, 2] = np.abs(value[:, 2]).clip(0.0, 1.0)
    given["hand"][1] = 0.0
    expected = create_engine(bundle).run(given)
    engine = create_engine(bundle, "torch", device="cpu", max_batch=2)
    found = engine.run(given)
    assert list(found) == list(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, atol=1e-3, rtol=1e-4)
    assert engine.identity.startswith(f"torch {torch.__version__}, CPU, fp32")


RGB_BUNDLES = [name for name in shipped_bundles() if RGB in load_bundle(name).graphs]


@pytest.mark.parametrize("name", RGB_BUNDLES)
def test_graphs_that_look_at_pixels_too(name: str) -> None:
    bundle = load_bundle(name)
    engine = create_engine(bundle, "torch", rgb=True, device="cpu")
    reference = create_engine(bundle, rgb=True)
    assert isinstance(engine, ExpertGraphs) and isinstance(reference, ExpertGraphs)
    assert engine.rgb is not None and reference.rgb is not None
    given = sample_pixels(bundle.manifest, 3)
    found = engine.rgb.run(given)
    for key, value in reference.rgb.run(given).items():
        np.testing.assert_allclose(found[key], value, atol=1e-3, rtol=1e-4)


STEP_GRAPHS = [
    path for name in shipped_bundles() if (path := find_bundle(name) / STEP_FILE).is_file()
]


@pytest.mark.parametrize("path", STEP_GRAPHS, ids=lambda path: path.parent.name)
def test_step_graphs_too(path: Path) -> None:
    reference, engine = open_graph(path), open_graph(path, "torch", device="cpu")
    rng = np.random.default_rng(0)
    given = {k: rng.normal(size=(2, *s[1:])).astype(FLOAT) for k, s in reference.inputs.items()}
    expected, found = reference.run(given), engine.run(given)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, atol=1e-3, rtol=1e-4)


def test_a_pose_network_and_a_detector(tmp_path: Path, shared_data: Path) -> None:
    graphs = [pose_graph(tmp_path / "pose.onnx"), shared_data / "pose_weights" / "yolox_nano.onnx"]
    for graph in graphs:
        reference, engine = open_graph(graph), open_graph(graph, "torch", device="cpu")
        rng = np.random.default_rng(3)
        (shape,) = reference.inputs.values()
        image = rng.uniform(0, 255, size=(1, *shape[1:])).astype(FLOAT)
        for name, value in reference.run({next(iter(reference.inputs)): image}).items():
            found = engine.run({next(iter(engine.inputs)): image})[name]
            np.testing.assert_allclose(found, value, atol=2e-3, rtol=1e-4)


def test_a_file_that_is_no_graph(tmp_path: Path) -> None:
    (tmp_path / "g.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match="cannot be read"):
        open_graph(tmp_path / "g.onnx", "torch", device="cpu")


@pytest.mark.parametrize("device", ["gpu0", "meta"])
def test_unknown_devices(tiny: Bundle, device: str) -> None:
    with pytest.raises(ConfigurationError, match=f"device is '{device}'"):
        create_engine(tiny, "torch", device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_what_is_missing(tiny: Bundle) -> None:
    with pytest.raises(BackendUnavailable, match="torch sees no GPU: "):
        create_engine(tiny, "torch")


def test_without_onnx_it_says_how_to_get_it(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(BackendUnavailable, match="pip install onnx"):
        create_engine(tiny, "torch", device="cpu")


def test_memory_that_ends_while_it_runs(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(tiny, "torch", device="cpu")
    given = {n: np.zeros((1, *s[1:]), FLOAT) for n, s in engine.inputs.items()}
    engine.run(given)

    def full(*arguments: Any) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    with monkeypatch.context() as patch:
        patch.setattr("bharnet_ros.inference.torch.graph.TorchGraph.forward", full)
        with pytest.raises(EngineError, match=r"too little memory .*Tried to allocate"):
            engine.run(given)
    assert np.isfinite(engine.run(given)["probabilities"]).all()
    engine.close()
    with pytest.raises(EngineError, match="was closed"):
        engine.run(given)
