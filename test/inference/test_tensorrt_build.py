"""Every shipped graph through a real parser and builder: TensorRT-RTX has them on any CPU."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_networks import pose_graph

from bharnet_ros.bundle import Bundle, find_bundle, load_bundle, shipped_bundles
from bharnet_ros.errors import BackendUnavailable, BundleError, ConfigurationError
from bharnet_ros.inference import build_engine, build_graph, open_graph
from bharnet_ros.inference.calibration import save_calibration
from bharnet_ros.inference.digest import graph_sha256, sha256_of
from bharnet_ros.inference.driver import driver_problem

pytest.importorskip("onnx", reason="graphs are changed with onnx")
trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")

SMALL = {"max_batch": 1}  # one profile, half the time; the shapes are as free as with more


def nothing(text: str) -> None: ...


GRAPHS = [path for name in shipped_bundles() for path in sorted(find_bundle(name).glob("*.onnx"))]


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_graph_parses_and_builds(tmp_path: Path, graph: Path) -> None:
    lines: list[str] = []
    path = build_graph(graph, "tensorrt_rtx", tmp_path, report=lines.append, **SMALL)
    assert path == tmp_path / f"{graph.stem}-tensorrt_rtx-fp32-any.engine"
    key = json.loads(Path(f"{path}.json").read_text())["key"]
    assert key["version"] == trt.__version__
    assert key["profiles"] == [[1, 1, 1]]
    assert lines[0].startswith("Building ")
    lines.clear()
    assert build_graph(graph, "tensorrt_rtx", tmp_path, report=lines.append, **SMALL) == path
    assert lines == [], "found, not built again"


@pytest.mark.parametrize("batch", ["N", 1])
def test_pose_graphs_build_for_any_number_of_people_and_for_one(
    tmp_path: Path, batch: int | str
) -> None:
    graph = pose_graph(tmp_path / "pose.onnx", keypoints=21, batch=batch)
    options = {"precision": "fp16", "max_batch": 2}
    path = build_graph(graph, "tensorrt_rtx", tmp_path, report=nothing, **options)
    assert path is not None
    assert path.stat().st_size > 1000


def test_a_build_beside_the_bundle_with_batches(tiny: Bundle) -> None:
    path = build_engine(tiny, "tensorrt_rtx", report=nothing)
    assert path is not None
    assert path.parent == tiny.path / "engines"
    load_bundle(tiny.path)  # what lies beside the graph does not break the bundle


def test_a_truncated_engine_is_built_again(tiny: Bundle) -> None:
    path = build_engine(tiny, "tensorrt_rtx", report=nothing, **SMALL)
    assert path is not None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    lines: list[str] = []
    build_engine(tiny, "tensorrt_rtx", report=lines.append, **SMALL)
    assert f"{len(whole) // 2} bytes instead of {len(whole)}" in lines[0]
    assert len(path.read_bytes()) > len(whole) // 2


@pytest.mark.parametrize("precision", ["tf32", "fp16", "int8"])
def test_other_number_types_build(tiny: Bundle, tmp_path: Path, precision: str) -> None:
    options: dict = {"precision": precision, **SMALL}
    if precision == "int8":
        rng = np.random.default_rng(0)
        options["calibration"] = str(tmp_path / "windows.npz")
        save_calibration(
            options["calibration"],
            {
                "body": rng.normal(size=(16, 3, 16, 19, 1)).astype(np.float32),
                "hand": rng.normal(size=(16, 3, 16, 21, 2)).astype(np.float32),
            },
        )
    path = build_engine(tiny, "tensorrt_rtx", report=nothing, **options)
    assert path is not None
    key = json.loads(Path(f"{path}.json").read_text())["key"]
    assert (key["precision"], bool(key["calibration_sha256"])) == (precision, precision == "int8")


def test_a_long_build_says_that_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bharnet_ros.inference.tensorrt.build.PROGRESS_EVERY_S", 0.02)
    lines: list[str] = []
    graph = load_bundle("asl_words").graphs["body"]
    build_graph(graph, "tensorrt_rtx", tmp_path, report=lines.append, **SMALL)
    assert any(line.startswith("Still building after ") and ": " in line for line in lines)


def test_an_operator_that_is_unknown_is_named_with_its_node(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 4]) for n in ("x", "y")]
    node = helper.make_node("Gizmo", ["x"], ["y"], name="the_gizmo", domain="my.ops")
    graph = helper.make_graph([node], "g", value[:1], value[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.ops", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "g.onnx")
    with pytest.raises(BundleError, match=r"(?s)the_gizmo.*use the engine onnxruntime|Gizmo"):
        build_graph(tmp_path / "g.onnx", "tensorrt_rtx", tmp_path, report=nothing)


def test_files_that_are_no_graph(tmp_path: Path) -> None:
    (tmp_path / "g.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match="cannot use the graph"):
        build_graph(tmp_path / "g.onnx", "tensorrt_rtx", tmp_path, report=nothing)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        build_graph(tmp_path / "none.onnx", "tensorrt_rtx", tmp_path, report=nothing)


def external_graph(path: Path, seed: int, beside: str) -> Path:
    """y = x w, with w in the file `beside` it, as torch.onnx.export writes by default."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(seed).normal(size=(64, 64)).astype(np.float32)
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 64]) for n in ("x", "y")]
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    initial = [numpy_helper.from_array(weights, "w")]
    graph = helper.make_graph([node], "g", value[:1], value[1:], initial)
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    (path.parent / beside).unlink(missing_ok=True)
    onnx.save(model, path, save_as_external_data=True, location=beside, size_threshold=0)
    return path


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_weights_in_a_file_beside_the_graph(tmp_path: Path, precision: str) -> None:
    options: dict[str, Any] = {"precision": precision, **SMALL}
    if precision == "int8":
        options["calibration"] = str(tmp_path / "windows.npz")
        given = np.random.default_rng(0).normal(size=(16, 64)).astype(np.float32)
        save_calibration(options["calibration"], {"x": given})
    graph = external_graph(tmp_path / "g.onnx", 1, "g.onnx.data")
    lines: list[str] = []
    path = build_graph(graph, "tensorrt_rtx", tmp_path, report=lines.append, **options)
    assert path is not None
    first = path.read_bytes()
    external_graph(graph, 2, "g.onnx.data")
    lines.clear()
    build_graph(graph, "tensorrt_rtx", tmp_path, report=lines.append, **options)
    assert "it was built from another graph" in lines[0]
    assert path.read_bytes() != first


@pytest.mark.parametrize("beside", ["g.onnx.data", "weights of the pose network.bin", "w" * 200])
def test_the_checksum_of_a_graph_covers_the_weights_beside_it(tmp_path: Path, beside: str) -> None:
    graph = external_graph(tmp_path / "g.onnx", 1, beside)
    (tmp_path / "g.onnx.backup").write_bytes(b"of no concern")
    digests = [graph_sha256(graph)]
    content = graph.read_bytes()
    external_graph(graph, 2, beside)
    assert graph.read_bytes() == content
    digests.append(graph_sha256(graph))
    (tmp_path / beside).unlink()
    assert len({*digests, graph_sha256(graph)}) == 3
    assert graph_sha256(graph) == sha256_of(graph), "a builder will miss what is not there"


def test_the_checksum_of_a_graph_of_one_file_is_that_of_the_file(tmp_path: Path) -> None:
    for graph in GRAPHS:
        assert graph_sha256(graph) == sha256_of(graph)
    (tmp_path / "g.onnx").write_bytes(b"")
    assert graph_sha256(tmp_path / "g.onnx") == sha256_of(tmp_path / "g.onnx")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        graph_sha256(tmp_path / "none.onnx")


def test_windows_in_the_home_of_an_unknown_user(tiny: Bundle) -> None:
    options = {"precision": "int8", "calibration": "~nosuchuser/windows.npz"}
    with pytest.raises(ConfigurationError, match=r"nosuchuser/windows\.npz cannot be read"):
        build_engine(tiny, "tensorrt_rtx", report=nothing, **options)


def test_two_free_dimensions_are_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", "T"]) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "g.onnx")
    with pytest.raises(BundleError, match="first dimension, and only that, must be free"):
        build_graph(tmp_path / "g.onnx", "tensorrt_rtx", tmp_path, report=nothing)


@pytest.mark.skipif(driver_problem() == "", reason="there is a GPU here")
def test_running_without_a_gpu_is_refused_and_not_a_crash(tiny: Bundle) -> None:
    with pytest.raises(BackendUnavailable, match="NVIDIA driver"):
        open_graph(tiny.onnx_path, "tensorrt_rtx", tiny.path / "engines")


def test_the_librarys_chatter_stays_out_of_the_log(
    tiny: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        build_engine(tiny, "tensorrt_rtx", report=nothing, **SMALL)
    assert not caplog.records
