"""ONNX Runtime on GPUs: what its providers are told, and that none falls back in silence."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BackendUnavailable, BundleError, EngineError
from bharnet_ros.inference import build_engine, create_engine, open_graph
from bharnet_ros.inference.onnxruntime import provider_settings
from bharnet_ros.inference.options import PROVIDERS, OnnxRuntimeOptions

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
from onnx_networks import constant_graph

SHAPES = {"body": ("N", 3, 16, 19, 1), "hand": ("N", 3, 16, 21, 2)}


def test_cuda_does_not_search_again_for_every_batch_size(tmp_path: Path) -> None:
    options = OnnxRuntimeOptions(providers=("cuda",), device=1)
    found = provider_settings(PROVIDERS["cuda"], options, tmp_path, SHAPES)
    assert found == {"device_id": "1", "cudnn_conv_algo_search": "HEURISTIC"}


def test_tensorrt_keeps_its_engines_and_knows_the_shapes(tmp_path: Path) -> None:
    options = OnnxRuntimeOptions(providers=("tensorrt",), precision="fp16", max_batch=8)
    found = provider_settings(PROVIDERS["tensorrt"], options, tmp_path / "engines", SHAPES)
    assert found["trt_fp16_enable"] == "True"
    assert found["trt_engine_cache_path"] == str(tmp_path / "engines")
    assert (tmp_path / "engines").is_dir()
    assert found["trt_profile_min_shapes"] == "body:1x3x16x19x1,hand:1x3x16x21x2"
    assert found["trt_profile_opt_shapes"] == "body:4x3x16x19x1,hand:4x3x16x21x2"
    assert found["trt_profile_max_shapes"] == "body:8x3x16x19x1,hand:8x3x16x21x2"


def test_tensorrt_cannot_know_sizes_that_the_graph_leaves_open(tmp_path: Path) -> None:
    options = OnnxRuntimeOptions(providers=("tensorrt",))
    with pytest.raises(BundleError, match=r"'input' is \['N', 3, 'h', 'w'\]; .* fixed size"):
        provider_settings(PROVIDERS["tensorrt"], options, tmp_path, {"input": ("N", 3, "h", "w")})


class FakeRuntime:
    """onnxruntime-gpu; `starts`: the providers that a session gets in the end."""

    __version__ = "1.31.1"
    SessionOptions = onnxruntime.SessionOptions

    def __init__(self, starts: list[str]) -> None:
        self.starts = starts
        self.asked: list[Any] = []

    def get_available_providers(self) -> list[str]:
        return [PROVIDERS["tensorrt"], PROVIDERS["cuda"], PROVIDERS["cpu"]]

    def InferenceSession(self, path: str, sess_options: Any = None, providers: Any = ()) -> Any:
        self.asked.append(providers)
        real = onnxruntime.InferenceSession(path, sess_options, [PROVIDERS["cpu"]])
        return SimpleNamespace(
            get_inputs=real.get_inputs, get_outputs=real.get_outputs, run=real.run,
            get_providers=lambda: self.starts,
        )  # fmt: skip


@pytest.fixture
def gpu_build(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    fake = FakeRuntime([PROVIDERS["cuda"], PROVIDERS["cpu"]])
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    return fake


def test_cuda_runs_and_is_named(tiny: Bundle, driver: Any, gpu_build: FakeRuntime) -> None:
    engine = create_engine(tiny, "onnxruntime", providers="cuda,cpu", threads=2)
    assert engine.identity == "onnxruntime 1.31.1, CUDA, fp32"
    [(first, settings), second] = gpu_build.asked[-1]
    assert (first, second) == (PROVIDERS["cuda"], (PROVIDERS["cpu"], {}))
    assert settings["device_id"] == "0"


def test_a_provider_that_does_not_start_is_no_silent_fallback(
    tiny: Bundle, driver: Any, gpu_build: FakeRuntime
) -> None:
    gpu_build.starts = [PROVIDERS["cpu"]]
    with pytest.raises(BackendUnavailable, match="could not start its provider CUDAExecution"):
        create_engine(tiny, "onnxruntime", providers="cuda")


def test_without_a_driver_the_providers_are_not_even_tried(
    tiny: Bundle, gpu_build: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str) -> Any:
        raise OSError

    monkeypatch.setattr("ctypes.CDLL", none)
    with pytest.raises(BackendUnavailable, match="There is no NVIDIA driver"):
        create_engine(tiny, "onnxruntime", providers="tensorrt")
    assert not gpu_build.asked


def test_building_with_the_provider_tensorrt_runs_it_once_at_the_largest_batch(
    tiny: Bundle, driver: Any, gpu_build: FakeRuntime
) -> None:
    gpu_build.starts = [PROVIDERS["tensorrt"], PROVIDERS["cpu"]]
    found = build_engine(tiny, "onnxruntime", providers="tensorrt", max_batch=2)
    assert found == tiny.path / "engines"
    assert build_engine(tiny, "onnxruntime") is None


def test_networks_of_one_architecture_do_not_share_engines_of_the_provider_tensorrt(
    tmp_path: Path, driver: Any, gpu_build: FakeRuntime
) -> None:
    """ONNX Runtime tells them apart by their nodes; a network trained again has the same."""
    gpu_build.starts = [PROVIDERS["tensorrt"], PROVIDERS["cpu"]]
    places = []
    for value in (1.0, 2.0, 1.0):
        graph = constant_graph(tmp_path / "g.onnx", {"y": np.full(3, value, np.float32)}, batch=1)
        open_graph(graph, "onnxruntime", providers="tensorrt")
        [(_, settings)] = gpu_build.asked[-1]
        places.append(Path(settings["trt_engine_cache_path"]))
    assert places[0] == places[2] != places[1]
    assert {place.parent for place in places} == {tmp_path / "engines"}


def test_a_run_that_fails_is_an_error_of_ours(tiny: Bundle) -> None:
    engine: Any = open_graph(tiny.onnx_path)

    def full(*arguments: Any) -> None:
        raise RuntimeError("Failed to allocate memory for requested buffer of size 4294967296")

    engine._session = SimpleNamespace(run=full)


    given = {n: np.zeros((2, *s[1:]), np.float32) for n, s in engine.inputs.items()}
    with pytest.raises(EngineError, match=r"batch of 2 \(Failed to allocate memory"):
        engine.run(given)
