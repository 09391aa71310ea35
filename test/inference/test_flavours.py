"""What differs between TensorRT and TensorRT-RTX, and between their versions."""

from __future__ import annotations

import enum
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.inference import create_engine
from bharnet_ros.inference.driver import load_driver
from bharnet_ros.inference.options import TensorRTOptions
from bharnet_ros.inference.tensorrt.build import build_plan, use_timing_cache
from bharnet_ros.inference.tensorrt.contexts import RtxContexts, SharedMemoryContexts
from bharnet_ros.inference.tensorrt.flavours import FLAVOURS

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

VERSION_8 = SimpleNamespace(
    __version__="8.6.2", NetworkDefinitionCreationFlag=SimpleNamespace(EXPLICIT_BATCH=0)
)
VERSION_10 = SimpleNamespace(
    __version__="10.3.0",
    NetworkDefinitionCreationFlag=SimpleNamespace(EXPLICIT_BATCH=0, STRONGLY_TYPED=1),
)
VERSION_11 = SimpleNamespace(
    __version__="11.4.0", NetworkDefinitionCreationFlag=SimpleNamespace(STRONGLY_TYPED=1)
)


@pytest.mark.parametrize(("trt", "flags"), [(VERSION_8, 1), (VERSION_10, 3), (VERSION_11, 2)])
def test_networks_are_strongly_typed_where_there_is_such_a_thing(trt: Any, flags: int) -> None:
    assert FLAVOURS["tensorrt"].network_flags(trt) == flags


def test_half_precision_is_refused_where_types_of_the_graph_are_not_kept() -> None:
    flavour = FLAVOURS["tensorrt"]
    for precision in ("fp16", "int8"):
        with pytest.raises(ConfigurationError, match=r"TensorRT 8\.6\.2 chooses .*JetPack 6\.1"):
            flavour.check_precision(VERSION_8, precision)
        flavour.check_precision(VERSION_10, precision)
        flavour.check_precision(VERSION_11, precision)
    flavour.check_precision(VERSION_8, "fp32")


def test_turing_is_refused_where_engines_leave_it_out(tiny: Bundle, driver: Any) -> None:
    driver.capability = (7, 5)
    with pytest.raises(BackendUnavailable, match=r"Orin has .*7\.5.*Ampere.*use the engine"):
        create_engine(tiny, "tensorrt_rtx")
    gpu = load_driver().gpu(0)
    FLAVOURS["tensorrt"].check_gpu(gpu)
    FLAVOURS["tensorrt_rtx"].check_gpu(replace(gpu, compute_capability=(8, 0)))
    FLAVOURS["tensorrt_rtx"].check_gpu(replace(gpu, compute_capability=(12, 0)))


@pytest.mark.parametrize(
    ("name", "remedy"), [("tensorrt", "JetPack"), ("tensorrt_rtx", "pip install tensorrt-rtx")]
)
def test_a_missing_package_gives_the_remedy(
    tiny: Bundle, driver: Any, monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendUnavailable, match=f"The engine {name} cannot be loaded.*{remedy}"):
        create_engine(tiny, name)


def test_the_adapter_of_tensorrt_builds_with_a_real_parser_and_builder(tmp_path: Path) -> None:
    """The library of the other adapter stands in for its own: it has the same interface."""
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    graph = load_bundle("asl_words").graphs["body"]
    options = TensorRTOptions(max_batch=1, timing_cache=False)
    plan = build_plan(
        FLAVOURS["tensorrt"], trt, graph, options, tmp_path / "tensorrt.timing", print
    )
    assert len(plan) > 100_000


class FakeConfig:
    """Takes timing caches of its own version, which begin with "10"."""

    def create_timing_cache(self, content: bytes) -> Any:
        if content == b"broken":
            raise RuntimeError("cannot be read")
        return SimpleNamespace(serialize=lambda: b"10 measured", content=content)

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch, "what another GPU measured is worth nothing here"
        self.cache = cache
        return cache.content[:2] in (b"10", b"")

    def get_timing_cache(self) -> Any:
        return self.cache


@pytest.mark.parametrize("known", [None, b"10 earlier", b"9 earlier", b"broken"])
def test_timing_caches_are_kept_and_those_of_other_versions_begun_anew(
    tmp_path: Path, known: bytes | None
) -> None:
    file = tmp_path / "tensorrt.timing"
    if known is not None:
        file.write_bytes(known)
    config = FakeConfig()
    remember = use_timing_cache(config, file)
    assert remember is not None
    assert config.cache.content == (b"10 earlier" if known == b"10 earlier" else b"")
    remember()
    assert file.read_bytes() == b"10 measured"
    file.unlink()
    file.mkdir()
    remember()  # cannot be written: the next build measures again


class FakeCuda:
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def allocate(self, size: int, purpose: str) -> int:
        self.sizes.append(size)
        return 4096


def test_contexts_share_their_memory_in_new_and_in_old_versions() -> None:
    class New:
        def set_device_memory(self, address: int, size: int) -> None:
            self.memory = (address, size)

    class Old:
        device_memory = 0

    strategy = enum.Enum("strategy", "STATIC USER_MANAGED")
    newer = SimpleNamespace(
        device_memory_size_v2=100,
        create_execution_context=lambda s: New() if s is strategy.USER_MANAGED else None,
    )
    older = SimpleNamespace(
        device_memory_size=100, create_execution_context_without_device_memory=Old
    )
    cuda: Any = FakeCuda()
    contexts = SharedMemoryContexts(
        SimpleNamespace(ExecutionContextAllocationStrategy=strategy), newer, cuda
    )
    assert contexts.share_profiles
    assert [contexts.create().memory for _ in range(2)] == [(4096, 100)] * 2
    before = SharedMemoryContexts(SimpleNamespace(), older, cuda)
    assert before.create().device_memory == 4096
    assert not before.share_profiles, "since version 10 only"
    assert cuda.sizes == [100, 100], "one piece for all contexts of an engine"
    assert not contexts.captures


class FakeCache:
    def __init__(self) -> None:
        self.content = b""

    def deserialize(self, content: bytes) -> None:
        if not content.startswith(b"kernels"):
            raise RuntimeError("another version")
        self.content = content

    def reset(self) -> None:
        self.content = b""

    def serialize(self) -> bytes:
        return b"kernels of " + self.content


def rtx(kernels: Path, cuda_graphs: bool = True) -> tuple[RtxContexts, Any]:
    config = SimpleNamespace(create_runtime_cache=FakeCache, cuda_graph_strategy=None)
    config.set_runtime_cache = lambda cache: setattr(config, "cache", cache)
    engine = SimpleNamespace(
        create_runtime_config=lambda: config, create_execution_context=lambda given: given
    )
    trt = SimpleNamespace(CudaGraphStrategy=SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole"))
    return RtxContexts(trt, engine, cuda_graphs, kernels), config


def test_rtx_keeps_compiled_kernels_and_captures_by_itself(tmp_path: Path) -> None:
    kernels = tmp_path / "model.kernels"
    contexts, config = rtx(kernels)
    assert contexts.create() is config
    assert contexts.captures
    assert config.cuda_graph_strategy == "whole"
    contexts.keep_kernels()
    assert kernels.read_bytes() == b"kernels of "
    assert rtx(kernels)[1].cache.content == b"kernels of "


def test_rtx_compiles_again_what_another_version_kept(tmp_path: Path) -> None:
    kernels = tmp_path / "model.kernels"
    kernels.write_bytes(b"older")
    contexts, config = rtx(kernels, cuda_graphs=False)
    assert config.cache.content == b""
    assert not contexts.captures
    assert config.cuda_graph_strategy is None
    rtx(tmp_path / "none" / "model.kernels")[0].keep_kernels()  # cannot be written: no matter
