"""The runtime half of the TensorRT engine, on a GPU made of host memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic_split import write_tiny_split_bundle
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BackendUnavailable, BundleError, EngineError
from bharnet_ros.inference import build_engine, create_engine, open_graph

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
from onnx import helper
from onnx_networks import constant_graph, save_graph


def windows(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "body": rng.normal(size=(count, 3, 16, 19, 1)).astype(np.float32),
        "hand": rng.normal(size=(count, 3, 16, 21, 2)).astype(np.float32),
    }


def same(engine: Any, reference: Any, count: int, seed: int = 0) -> None:
    given = windows(count, seed)
    found, expected = engine.run(given), reference.run(given)
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6)


@pytest.mark.parametrize("cuda_graphs", [True, False])
def test_results_are_those_of_the_graph_in_any_order_of_batch_sizes(
    tiny: Bundle, tensorrt: Any, cuda_graphs: bool
) -> None:
    engine = create_engine(tiny, "tensorrt", max_batch=4, cuda_graphs=cuda_graphs, report=print)
    reference = create_engine(tiny)
    assert dict(engine.inputs) == dict(reference.inputs)
    for seed, count in enumerate((1, 3, 1, 4, 3, 2, 1)):
        same(engine, reference, count, seed)
    assert engine.identity == "TensorRT 10.3.0, Orin, fp32, up to 4 people in one run"
    assert engine.last_ms > 0.0


def test_more_people_than_fit_are_run_in_turns(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", max_batch=4, report=print)
    same(engine, create_engine(tiny), 30)


def test_from_the_second_time_a_batch_size_is_one_launch(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    engine.warm_up((1, 3))
    calls = tensorrt.driver.calls
    for count in (3, 1):
        calls.clear()
        engine.run(windows(count))
        assert calls == ["cuCtxSetCurrent", "cuGraphLaunch", "cuStreamSynchronize"]
    assert tensorrt.contexts == 3, "each captured size has a context, and every profile one"


@pytest.mark.parametrize("cuda_graphs", [True, False])
def test_before_version_10_a_profile_belongs_to_one_context(
    tiny: Bundle, tensorrt8: Any, cuda_graphs: bool
) -> None:
    engine = create_engine(tiny, "tensorrt", max_batch=4, cuda_graphs=cuda_graphs, report=print)
    reference = create_engine(tiny)
    for seed, count in enumerate((1, 2, 3, 4, 1, 3)):
        same(engine, reference, count, seed)
    assert tensorrt8.contexts == 2, "one for each profile"
    assert "cuGraphLaunch" not in tensorrt8.driver.calls


def test_a_profile_that_is_refused_is_an_error_of_ours(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    tensorrt.shared = False
    with pytest.raises(EngineError, match=r"has no profile 1 .*chosen by another"):
        engine.run(windows(3))


def test_results_are_not_overwritten_by_the_next_run(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    first = engine.run(windows(1, 1))
    kept = {name: value.copy() for name, value in first.items()}
    engine.run(windows(1, 2))
    assert all(np.array_equal(first[name], kept[name]) for name in kept)


def test_a_graph_for_two_images_with_labels(tmp_path: Path, tensorrt: Any) -> None:
    """As detectors are exported: one batch size, and an output of whole numbers."""
    values = {"dets": np.full((5, 5), 0.5, np.float32), "labels": np.arange(5, dtype=np.int64)}
    graph = constant_graph(tmp_path / "g.onnx", values, batch=2)
    tensorrt.graph, tensorrt.kinds = graph, {"labels": "int64"}
    engine = open_graph(graph, "tensorrt", tmp_path, max_batch=4, report=print)
    assert dict(engine.inputs) == {"input": (2, 3, 64, 64)}
    assert engine.identity.endswith("up to 2 people in one run")
    reference = open_graph(graph)
    for _ in range(3):
        given = {"input": np.full((2, 3, 64, 64), 114, np.float32)}
        found, expected = engine.run(given), reference.run(given)
        for name, value in values.items():
            assert found[name].dtype == expected[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], np.stack([value] * 2))
            np.testing.assert_array_equal(expected[name], found[name])


def test_an_output_without_a_row_per_image_is_refused(tmp_path: Path, tensorrt: Any) -> None:
    largest = helper.make_node("ReduceMax", ["input"], ["largest"], keepdims=0)
    shapes = {"input": ("N", 3, 4, 4)}
    graph = save_graph(tmp_path / "g.onnx", [largest], shapes, {"largest": ()})
    tensorrt.graph = graph
    with pytest.raises(BundleError, match=r"'largest' of the graph is \[\]; there must be a first"):
        open_graph(graph, "tensorrt", tmp_path, report=print)


def test_closing_gives_everything_back(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    engine.run(windows(2))
    assert tensorrt.driver.memory
    engine.close()
    engine.close()
    assert not tensorrt.driver.memory
    assert not tensorrt.driver.live
    with pytest.raises(EngineError, match="was closed"):
        engine.run(windows(1))


def test_memory_that_ends_at_the_inputs_is_said_and_given_back(
    tiny: Bundle, tensorrt: Any
) -> None:
    tensorrt.driver.limit = tensorrt.scratch + 20_000
    with pytest.raises(EngineError, match=r"Orin has no .* MB of GPU memory for 'body' of 16"):
        create_engine(tiny, "tensorrt", report=print)
    assert not tensorrt.driver.memory
    assert not tensorrt.driver.live
    create_engine(tiny, "tensorrt", max_batch=1, report=print)  # the remedy that is named


def test_memory_that_ends_at_the_scratch_memory_is_said(tiny: Bundle, tensorrt: Any) -> None:
    tensorrt.scratch = 1 << 31
    with pytest.raises(EngineError, match=r"intermediate results.*lower max_batch"):
        create_engine(tiny, "tensorrt", report=print)


def test_a_context_that_the_library_has_no_memory_for(tiny: Bundle, tensorrt: Any) -> None:
    tensorrt.no_context = True
    with pytest.raises(EngineError, match=r"no memory to run in .*out of memory"):
        create_engine(tiny, "tensorrt", report=print)
    assert not tensorrt.driver.live


def test_memory_that_ends_while_it_runs_leaves_what_works(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    same(engine, create_engine(tiny), 1)
    tensorrt.no_context = True  # a batch size that was not met before needs a context
    with pytest.raises(EngineError, match="no memory to run in"):
        engine.run(windows(7))
    same(engine, create_engine(tiny), 1, seed=5)
    tensorrt.no_context = False
    same(engine, create_engine(tiny), 7)


def test_a_failed_run_is_an_error_of_ours(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    tensorrt.run_fails = True
    with pytest.raises(EngineError, match=r"failed on a batch of 2 .*illegal memory access"):
        engine.run(windows(2))


def test_a_lost_device_is_an_error_of_ours(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    engine.run(windows(1))
    tensorrt.driver.fail["cuStreamSynchronize"] = 719
    with pytest.raises(EngineError, match="cuStreamSynchronize"):
        engine.run(windows(1))


def test_a_failed_capture_leaves_the_stream_usable(tiny: Bundle, tensorrt: Any) -> None:
    engine = create_engine(tiny, "tensorrt", report=print)
    tensorrt.driver.fail["cuGraphInstantiateWithFlags"] = 2
    with pytest.raises(EngineError, match="cuGraphInstantiateWithFlags"):
        engine.run(windows(2))
    tensorrt.driver.fail.clear()
    same(engine, create_engine(tiny), 2)


def test_an_engine_the_library_refuses_is_built_again_once(tiny: Bundle, tensorrt: Any) -> None:
    create_engine(tiny, "tensorrt", report=print).close()
    tensorrt.refused = {b"plan 1"}
    lines: list[str] = []
    create_engine(tiny, "tensorrt", report=lines.append).close()
    assert len(tensorrt.builds) == 2
    assert any("version mismatch" in line and "built again" in line for line in lines)


def test_an_engine_refused_right_after_its_build_is_an_error(tiny: Bundle, tensorrt: Any) -> None:
    tensorrt.refused = {b"plan 1", b"plan 2"}
    with pytest.raises(EngineError, match="cannot load the engine that it built"):
        create_engine(tiny, "tensorrt", report=print)
    assert len(tensorrt.builds) == 1
    assert not tensorrt.driver.live


def test_a_device_that_is_not_there(tiny: Bundle, tensorrt: Any) -> None:
    with pytest.raises(BackendUnavailable, match=r"GPU 3 is asked for.*Orin"):
        create_engine(tiny, "tensorrt", device=3)


def test_an_engine_is_built_on_the_gpu_that_it_is_for(tiny: Bundle, tensorrt: Any) -> None:
    tensorrt.driver.gpus = ("RTX 4090", "Tesla T4")
    path = build_engine(tiny, "tensorrt", device=1, report=print)
    assert path is not None
    assert path.name.startswith("model-tensorrt-fp32-tesla_t4")
    assert not tensorrt.driver.live
    create_engine(tiny, "tensorrt", device=0, report=print).close()
    assert tensorrt.built_on == [1, 0]
    assert not tensorrt.driver.live


@pytest.mark.parametrize("damage", ["truncated", "other gpu", "no sidecar", "foreign"])
def test_damaged_and_foreign_files_are_built_again(
    tiny: Bundle, tensorrt: Any, damage: str
) -> None:
    create_engine(tiny, "tensorrt", report=print).close()
    [path] = (tiny.path / "engines").glob("*.engine")
    sidecar = Path(f"{path}.json")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:3])
    elif damage == "other gpu":
        sidecar.write_text(sidecar.read_text().replace("SM 8.7 x 14", "SM 8.7 x 8"))
    elif damage == "no sidecar":
        sidecar.unlink()
    else:
        path.write_bytes(b"an engine of somebody else")
    engine = create_engine(tiny, "tensorrt", report=print)
    assert len(tensorrt.builds) == 2
    same(engine, create_engine(tiny), 2)
    engine.close()
    create_engine(tiny, "tensorrt", report=print)
    assert len(tensorrt.builds) == 2


def test_of_a_split_bundle_the_experts_run_on_the_gpu_and_the_fusion_on_the_cpu(
    tmp_path: Path, tensorrt: Any
) -> None:
    bundle = write_tiny_split_bundle(tmp_path / "split")
    path = build_engine(bundle, "tensorrt", report=print, precision="fp16")
    assert [graph.name for _, _, graph, *_ in tensorrt.builds] == ["body.onnx", "hand.onnx"]
    assert path is not None
    assert path.name.startswith("hand-tensorrt-fp16-orin")
