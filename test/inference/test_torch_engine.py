"""The torch engine against ONNX Runtime: whole bundles, and the operators one by one."""

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
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
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


def graph_of(
    path: Path, nodes: list[Any], inputs: dict[str, tuple], constants: dict[str, np.ndarray]
) -> Path:
    """A graph that ends in "out"."""
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    weights = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    graph = helper.make_graph(nodes, "g", value, [out], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    return path


NONE = np.array([], FLOAT)
"""An input that is left out."""

CASES: list[tuple[str, dict[str, Any], dict[str, np.ndarray]]] = [
    ("Slice", {}, {"a": np.array([1, 7]), "b": np.array([3, -99]), "c": np.array([1, -1]),
                   "d": np.array([1, -2])}),
    ("Slice", {}, {"a": np.array([-3]), "b": np.array([99]), "c": np.array([2])}),
    ("Slice", {}, {"a": np.array([0]), "b": np.array([8]), "c": np.array([3]),
                   "d": np.array([3])}),
    ("Gather", {"axis": 3}, {"a": np.array([[0, -1], [2, 1]])}),
    ("Gather", {"axis": 1}, {"a": np.array(2)}),
    ("Reshape", {}, {"a": np.array([0, -1, 4])}),
    ("Flatten", {"axis": 2}, {}),
    ("Flatten", {"axis": 0}, {}),
    ("Unsqueeze", {}, {"a": np.array([-1, 1])}),
    ("Transpose", {"perm": [0, 3, 1, 2]}, {}),
    ("Expand", {}, {"a": np.array([2, 1, 1, 1, 8])}),
    ("Tile", {}, {"a": np.array([1, 2, 1, 3])}),
    ("ReduceMean", {}, {"a": np.array([1, -1])}),
    ("ReduceMax", {"keepdims": 0}, {"a": np.array([2])}),
    ("ReduceSum", {"keepdims": 0}, {"a": np.array([2, 3])}),
    ("ReduceL2", {}, {"a": np.array([1])}),
    ("ReduceLogSumExp", {"keepdims": 0}, {"a": np.array([1, -1])}),
    ("Softmax", {"axis": 1}, {}),
    ("Clip", {}, {"a": np.array(-0.2, FLOAT), "b": np.array(0.3, FLOAT)}),
    ("Clip", {}, {"a": np.array(0.1, FLOAT)}),
    ("Mul", {}, {"a": np.array([[2.0]], FLOAT)}),
    ("MaxPool", {"kernel_shape": [3, 1], "pads": [1, 0, 1, 0], "strides": [2, 1]}, {}),
    ("MaxPool", {"kernel_shape": [3, 1], "pads": [0, 0, 2, 0]}, {}),
    ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}, {}),
    ("GlobalAveragePool", {}, {}),
    ("Conv", {"pads": [2, 0, 2, 0], "dilations": [2, 1], "group": 2},
     {"a": np.linspace(-1, 1, 6 * 2 * 3).reshape(6, 2, 3, 1).astype(FLOAT),
      "b": np.linspace(0, 1, 6).astype(FLOAT)}),
    ("Conv", {"pads": [2, 0, 0, 0]}, {"a": np.ones((2, 4, 3, 1), FLOAT)}),
    ("BatchNormalization", {"epsilon": 1e-3},
     {n: np.linspace(0.5, 2.0, 4).astype(FLOAT) for n in "abcd"}),
    ("LayerNormalization", {"axis": -1},
     {"a": np.linspace(0.5, 2.0, 8).astype(FLOAT), "b": np.ones(8, FLOAT)}),
    ("MatMul", {}, {"a": np.linspace(-1, 1, 24).reshape(8, 3).astype(FLOAT)}),
    ("Pad", {}, {"a": np.array([0, 0, 2, 1, 0, 0, 3, 0])}),
    ("Pad", {"mode": "edge"}, {"a": np.array([0, 0, 2, 1, 0, 0, 3, 0])}),
    ("Pad", {"mode": "edge"}, {"a": np.array([0, 0, 0, -1, 0, 0, 0, 2])}),
    ("Pad", {}, {"a": np.array([1, 2]), "b": np.array(0.5, FLOAT), "c": np.array([-2])}),
    ("LeakyRelu", {"alpha": 0.2}, {}),
    ("DepthToSpace", {"blocksize": 2}, {}),
    ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, {}),
    ("Resize", {"mode": "nearest", "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor"},
     {"": NONE, "a": np.array([1, 1, 2, 2], FLOAT)}),
    ("Resize", {"mode": "nearest"}, {"": NONE, "a": np.array([1, 1, 1.7, 0.6], FLOAT)}),
    ("Resize", {"mode": "nearest", "nearest_mode": "ceil"},
     {"": NONE, "a": NONE, "b": np.array([2, 4, 9, 5])}),
    ("Resize", {"mode": "linear"}, {"": NONE, "a": np.array([1, 1, 2, 3], FLOAT)}),
    ("Resize", {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
     {"": NONE, "a": NONE, "b": np.array([2, 4, 9, 15])}),
    ("HardSigmoid", {}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "attributes", "constants"), CASES)
def test_operators_one_by_one(
    tmp_path: Path, op: str, attributes: dict[str, Any], constants: dict[str, np.ndarray]
) -> None:
    given_names = [name if value is not NONE else "" for name, value in constants.items()]
    node = helper.make_node(op, ["x", *given_names], ["out"], **attributes)
    constants = {name: value for name, value in constants.items() if value is not NONE}
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 4, 6, 8)}, constants)
    given = {"x": np.random.default_rng(1).normal(size=(2, 4, 6, 8)).astype(FLOAT)}
    expected = open_graph(path).run(given)["out"]
    found = open_graph(path, "torch", device="cpu").run(given)["out"]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_resize_that_is_not_known_is_named(tmp_path: Path) -> None:
    constants = {"a": np.array([1, 1, 2, 2], FLOAT)}
    node = helper.make_node("Resize", ["x", "", "a"], ["out"], mode="cubic")
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 4, 6, 8)}, constants)
    engine = open_graph(path, "torch", device="cpu")
    with pytest.raises(BundleError, match="fails at Resize 'out'"):
        engine.run({"x": np.zeros((1, 4, 6, 8), FLOAT)})


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


def test_shapes_computed_in_the_graph_and_unequal_parts(tmp_path: Path) -> None:
    """As exporters write them: Shape, Gather, Concat, Reshape; Split; Where; Gemm; Einsum."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"], axis=0),
        helper.make_node("Concat", ["n", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["flat"]),
        helper.make_node("Split", ["flat", "parts"], ["p", "q"], axis=1),
        helper.make_node("Greater", ["p", "zero"], ["positive"]),
        helper.make_node("Where", ["positive", "p", "zero"], ["chosen"]),
        helper.make_node("Gemm", ["chosen", "w", "bias"], ["g"], transB=1, alpha=0.5),
        helper.make_node("Einsum", ["g", "m"], ["e"], equation="nc,cd->nd"),
        helper.make_node("ReduceSum", ["q", "one"], ["total"], keepdims=1),
        helper.make_node("Cast", ["positive"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["count", "one"], ["share"]),
        helper.make_node("Concat", ["e", "total", "share"], ["out"], axis=1),
    ]
    rng = np.random.default_rng(2)
    constants = {
        "first": np.array([0]), "rest": np.array([-1]), "parts": np.array([5, 7]),
        "zero": np.array(0.0, FLOAT), "w": rng.normal(size=(3, 5)).astype(FLOAT),
        "bias": rng.normal(size=3).astype(FLOAT), "m": rng.normal(size=(3, 2)).astype(FLOAT),
        "one": np.array([1]),
    }  # fmt: skip
    path = graph_of(tmp_path / "g.onnx", nodes, {"x": ("N", 3, 4)}, constants)
    given = {"x": rng.normal(size=(3, 3, 4)).astype(FLOAT)}
    expected = open_graph(path).run(given)["out"]
    np.testing.assert_allclose(
        open_graph(path, "torch", device="cpu").run(given)["out"], expected, atol=1e-5
    )


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    node = helper.make_node("Det", ["x"], ["out"])
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 3, 3)}, {})
    with pytest.raises(BundleError, match="operator Det, which the engine torch does not know"):
        open_graph(path, "torch", device="cpu")


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
