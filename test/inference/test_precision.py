from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.inference import open_graph
from bharnet_ros.inference.calibration import load_calibration, read_windows, save_calibration
from bharnet_ros.inference.comparing import compare
from bharnet_ros.inference.precision import quantized, to_fp16
from bharnet_ros.inference.sample_windows import sample_inputs

onnx = pytest.importorskip("onnx", reason="graphs are changed with onnx")
BUNDLE = "asl_words"
STEPS = load_bundle(BUNDLE).manifest.num_steps
SHAPES = {"body": ("N", 3, STEPS, 19, 1), "hand": ("N", 3, STEPS, 21, 2)}
GRAPH = load_bundle(BUNDLE).graphs["body"]


@pytest.fixture(scope="module")
def windows() -> dict[str, np.ndarray]:
    return sample_inputs(load_bundle(BUNDLE), 48)


@pytest.fixture(scope="module")
def calibration(
    tmp_path_factory: pytest.TempPathFactory, windows: dict[str, np.ndarray]
) -> Path:
    path = tmp_path_factory.mktemp("calibration") / "windows.npz"
    save_calibration(path, {name: value[:32] for name, value in windows.items()})
    return path


def test_acted_windows_are_inputs_that_the_bundle_recognises(
    windows: dict[str, np.ndarray],
) -> None:
    bundle = load_bundle(BUNDLE)
    assert {k: v.shape[1:] for k, v in windows.items()} == {
        k: s[1:] for k, s in bundle.manifest.inputs.items()
    }
    assert np.isfinite(windows["body"]).all()
    assert (windows["body"][:, 2].max(axis=(1, 2, 3)) > 0).all(), "somebody is seen in each"
    again = sample_inputs(bundle, 8)
    assert all(np.array_equal(again[name], value[:8]) for name, value in windows.items())


def test_acted_windows_of_any_length(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path / "slow", window_s=20.0)
    assert {len(value) for value in sample_inputs(bundle, 3).values()} == {3}


def test_values_that_several_nodes_want_in_32_bits(tmp_path: Path) -> None:
    """As torch exports pose networks: two Resize share their scales, whose type is noted; two Max
    (which stay in 32 bits) read the same value."""
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Resize", ["r", "", "scales"], ["a"], mode="nearest"),
        helper.make_node("Resize", ["a", "", "scales"], ["b"], mode="nearest"),
        helper.make_node("Max", ["b", "half"], ["c"]),
        helper.make_node("Max", ["b", "quarter"], ["d"]),
        helper.make_node("Add", ["c", "d"], ["y"]),
    ]
    constants = {"scales": [1, 1, 2, 2], "half": [0.5], "quarter": [0.25]}
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["N", 1, 2, 2])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, ["N", 1, 8, 8])],
        [onnx.numpy_helper.from_array(np.array(v, np.float32), k) for k, v in constants.items()],
        value_info=[helper.make_tensor_value_info("scales", kinds.FLOAT, [4])],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "g.onnx")
    (tmp_path / "half.onnx").write_bytes(to_fp16(tmp_path / "g.onnx"))
    half = onnx.load(tmp_path / "half.onnx")
    written = [name for node in half.graph.node for name in node.output]
    assert len(written) == len(set(written)), "every value has one node that writes it"
    scales = [node.input[2] for node in half.graph.node if node.op_type == "Resize"]
    assert scales == ["scales", "scales"], "builders want them as constants"
    given = {"x": np.array([[[[-1, 0.3], [0.4, 2]]]], np.float32)}
    expected = open_graph(tmp_path / "g.onnx").run(given)["y"]
    np.testing.assert_allclose(open_graph(tmp_path / "half.onnx").run(given)["y"], expected, 2e-3)


def test_fp16_computes_in_fp16_and_names_the_same_classes(
    tmp_path: Path, windows: dict[str, np.ndarray]
) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes(to_fp16(GRAPH))
    model = onnx.load(path)
    halves = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT16]
    assert len(halves) > 20
    found = compare(open_graph(path), open_graph(GRAPH), {"body": windows["body"]})
    assert 0.0 < found.largest < 0.1
    assert found.same_class == 1.0


def test_int8_has_quantised_products_and_mostly_the_same_classes(
    tmp_path: Path, windows: dict[str, np.ndarray], calibration: Path
) -> None:
    path = tmp_path / "int8.onnx"
    path.write_bytes(quantized(GRAPH, calibration))
    model = onnx.load(path)
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    q_nodes = [n for n in model.graph.node if n.op_type == "QuantizeLinear"]
    assert len(q_nodes) > 10
    for node in q_nodes:  # TensorRT takes symmetric int8 only
        zero = constants[node.input[2]]
        assert zero.dtype == np.int8
        assert not zero.any()
    assert not any(v.dtype == np.int32 and "bias" in n for n, v in constants.items())
    found = compare(open_graph(path), open_graph(GRAPH), {"body": windows["body"]})
    assert found.same_class > 0.9


def test_files_that_are_no_graph(tmp_path: Path) -> None:
    (tmp_path / "g.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match="cannot be made float16"):
        to_fp16(tmp_path / "g.onnx")


def archive(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def bodies(count: int, joints: int = 19) -> np.ndarray:
    return np.zeros((count, 3, STEPS, joints, 1), np.float32)


def hands(count: int) -> np.ndarray:
    return np.zeros((count, 3, STEPS, 21, 2), np.float32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be used"),
        (b"PK\x03\x04 nonsense", "cannot be used"),
        (archive(body=bodies(20)), "no array 'hand'"),
        (archive(body=bodies(20, 17), hand=hands(20)), "'body' of shape"),
        (archive(body=bodies(20), hand=hands(19)), r"has \[19, 20\] windows of its inputs"),
        (archive(body=bodies(0), hand=hands(0)), "at least one"),
        (archive(body=bodies(20), hand=hands(20) * np.nan), "finite"),
        (archive(body=bodies(20), hand=np.array(["x"] * 20)), "cannot be used"),
        (archive(body=bodies(20), hand=np.array([{}] * 20, dtype=object)), "cannot be used"),
        (archive(body=np.zeros((), np.float32), hand=hands(20)), "'body' of shape"),
    ],
)
def test_calibration_files_that_do_not_fit(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "windows.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        read_windows(path, SHAPES)


def test_damaged_calibration_files(tmp_path: Path) -> None:
    path, rng = tmp_path / "windows.npz", np.random.default_rng(0)
    save_calibration(path, {"body": rng.normal(size=bodies(4).shape), "hand": hands(4)})
    whole = path.read_bytes()
    for place in rng.choice(len(whole), 300, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        with contextlib.suppress(ConfigurationError):
            read_windows(path, SHAPES)


def test_calibration_files_lie_where_they_are_wanted(tmp_path: Path) -> None:
    save_calibration(tmp_path / "windows", {"body": bodies(1), "hand": hands(1)})
    assert len(read_windows(tmp_path / "windows", SHAPES)["body"]) == 1
    with pytest.raises(ConfigurationError, match=r"none/w\.npz cannot be written"):
        save_calibration(tmp_path / "none" / "w.npz", {"body": bodies(1)})


def test_a_calibration_file_that_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bharnet_ros.inference.calibration._MAX_BYTES", 1 << 20)
    path = tmp_path / "windows.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("body.npy", bytes(2 << 20))
    with pytest.raises(ConfigurationError, match="unpacks to more than"):
        read_windows(path, SHAPES)


def test_too_few_windows_to_calibrate_with(tmp_path: Path) -> None:
    save_calibration(tmp_path / "windows.npz", {"body": bodies(3)})
    with pytest.raises(ConfigurationError, match="has 3 windows; it must have from 16 to 4096"):
        load_calibration(tmp_path / "windows.npz", GRAPH)


def test_no_calibration_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        load_calibration(tmp_path / "none.npz", GRAPH)


def test_int8_writes_nothing_beside_the_graph(
    calibration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed bundle is for reading only."""
    written: list[Path] = []
    plain = onnx.shape_inference.infer_shapes_path

    def infer(model: str, output: str, *more: Any, **options: Any) -> None:
        written.append(Path(output))
        plain(model, output, *more, **options)

    monkeypatch.setattr(onnx.shape_inference, "infer_shapes_path", infer)
    quantized(GRAPH, calibration)
    assert written and GRAPH.parent not in [path.parent for path in written]
