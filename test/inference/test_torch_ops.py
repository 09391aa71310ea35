"""Operators of the torch engine give what ONNX Runtime gives, or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import BundleError
from bharnet_ros.inference import open_graph

onnx = pytest.importorskip("onnx", reason="graphs are written with onnx")
pytest.importorskip("torch", reason="torch is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

FLOAT = np.float32


def graph_of(
    path: Path,
    nodes: list[Any],
    inputs: dict[str, tuple],
    constants: dict[str, np.ndarray],
    version: int = 18,
) -> Path:
    """A graph that ends in "out"."""
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    weights = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    graph = helper.make_graph(nodes, "g", value, [out], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)
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
    ("Flatten", {"axis": -1}, {}),
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
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 2]}, {}),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 0, 0, 1], "count_include_pad": 1}, {}),
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


@pytest.mark.parametrize("attributes", [{}, {"axis": 1}, {"axis": -1}])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax_of_older_operator_sets(
    tmp_path: Path, op: str, attributes: dict[str, Any]
) -> None:
    node = helper.make_node(op, ["x"], ["out"], **attributes)
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 3, 4)}, {}, version=11)
    given = {"x": np.random.default_rng(1).normal(size=(2, 3, 4)).astype(FLOAT)}
    expected = open_graph(path).run(given)["out"]
    found = open_graph(path, "torch", device="cpu").run(given)["out"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("version", "attributes"), [(11, {"split": [2, 4, 1]}), (18, {"num_outputs": 3})]
)
def test_unequal_parts(tmp_path: Path, version: int, attributes: dict[str, Any]) -> None:
    nodes = [
        helper.make_node("Split", ["x"], ["a", "b", "c"], axis=1, **attributes),
        helper.make_node("Concat", ["c", "a", "b"], ["out"], axis=1),
    ]
    path = graph_of(tmp_path / "g.onnx", nodes, {"x": ("N", 7)}, {}, version)
    given = {"x": np.arange(14, dtype=FLOAT).reshape(2, 7)}
    expected = open_graph(path).run(given)["out"]
    np.testing.assert_array_equal(
        open_graph(path, "torch", device="cpu").run(given)["out"], expected
    )


HALF, FIRST = np.array([1, 1, 0.5, 0.5], FLOAT), np.array([1, 4, 1, 1])


@pytest.mark.parametrize(
    ("op", "attributes", "constants"),
    [
        ("Resize", {"mode": "cubic"}, {"": NONE, "a": HALF}),
        ("Resize", {"mode": "linear", "antialias": 1}, {"": NONE, "a": HALF}),
        ("Resize", {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"},
         {"": NONE, "b": NONE, "a": FIRST}),
        ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}, {}),
        ("MaxPool", {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1}, {}),
        ("AveragePool", {"kernel_shape": [2, 2], "dilations": [2, 2]}, {}),
    ],
)  # fmt: skip
def test_what_torch_does_otherwise_is_refused(
    tmp_path: Path, op: str, attributes: dict[str, Any], constants: dict[str, np.ndarray]
) -> None:
    given_names = [name if value is not NONE else "" for name, value in constants.items()]
    node = helper.make_node(op, ["x", *given_names], ["out"], **attributes)
    kept = {name: value for name, value in constants.items() if value is not NONE}
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 4, 6, 8)}, kept, version=19)
    engine = open_graph(path, "torch", device="cpu")
    with pytest.raises(BundleError, match=f"fails at {op} 'out'"):
        engine.run({"x": np.zeros((1, 4, 6, 8), FLOAT)})


def test_a_graph_for_one_batch_size_is_run_whole(tmp_path: Path) -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["out"])
    path = graph_of(tmp_path / "g.onnx", [node], {"x": (6, 4)}, {"shape": np.array([6, 2, 2])})
    given = np.arange(24, dtype=FLOAT).reshape(6, 4)
    found = open_graph(path, "torch", device="cpu", max_batch=4).run({"x": given})["out"]
    np.testing.assert_array_equal(found, given.reshape(6, 2, 2))


@pytest.mark.parametrize(("name", "options"), [("onnxruntime", {}), ("torch", {"device": "cpu"})])
def test_inputs_of_other_numbers_are_refused(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    node = helper.make_node("Cast", ["x"], ["out"], to=TensorProto.FLOAT)
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 2)}, {})
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    onnx.save(model, path)
    with pytest.raises(BundleError, match="inputs must be float32, and outputs numbers: export it"):
        open_graph(path, name, **options)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.INT64])
def test_outputs_of_other_numbers_come_as_float32(tmp_path: Path, kind: int) -> None:
    node = helper.make_node("Cast", ["x"], ["out"], to=kind)
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 2)}, {})
    model = onnx.load(path)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("out", kind, ["N", 2]))
    onnx.save(model, path)
    for name, options in (("onnxruntime", {}), ("torch", {"device": "cpu"})):
        found = open_graph(path, name, **options).run({"x": np.ones((1, 2), FLOAT)})["out"]
        assert found.dtype == FLOAT and found.tolist() == [[1.0, 1.0]]


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


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_nothing_can_be_flattened_too(tmp_path: Path, axis: int) -> None:
    """As where a graph goes on with what it found, and found nothing."""
    nodes = [
        helper.make_node("Slice", ["x", "zero", "zero", "one"], ["none"]),
        helper.make_node("Flatten", ["none"], ["flat"], axis=axis),
        helper.make_node("ReduceSum", ["flat", "one"], ["out"], keepdims=1),
    ]
    constants = {"zero": np.array([0]), "one": np.array([1])}
    path = graph_of(tmp_path / "g.onnx", nodes, {"x": ("N", 3, 4)}, constants)
    given = {"x": np.ones((2, 3, 4), FLOAT)}
    expected = open_graph(path).run(given)["out"]
    found = open_graph(path, "torch", device="cpu").run(given)["out"]
    assert found.shape == expected.shape and not found.any()


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    node = helper.make_node("Det", ["x"], ["out"])
    path = graph_of(tmp_path / "g.onnx", [node], {"x": ("N", 3, 3)}, {})
    with pytest.raises(BundleError, match="operator Det, which the engine torch does not know"):
        open_graph(path, "torch", device="cpu")
