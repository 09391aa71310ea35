"""A GPU made of host memory: a stand-in for the CUDA driver's library and for TensorRT.

What is queued on the stream happens at its synchronisation, in order, so a missing one is seen.
The "network" of an engine is the ONNX graph itself, run on the CPU from and to the addresses that
were bound.
"""

from __future__ import annotations

import ctypes
import enum
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.bundle import Bundle
from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine

OUT_OF_MEMORY = 2


class FakeDriver:
    """The functions of libcuda.so.1 that are used. limit: bytes of GPU memory."""

    def __init__(self, gpus: tuple[str, ...] = ("Orin",), limit: int = 1 << 30) -> None:
        self.gpus = gpus
        self.limit = limit
        self.calls: list[str] = []
        self.fail: dict[str, int] = {}
        self.memory: dict[int, Any] = {}
        self.pinned: set[int] = set()
        self.live: set[tuple[str, int]] = set()
        self.queue: list[Callable[[], None]] = []
        self.captured: list[Callable[[], None]] | None = None
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self._handle = 100
        for name in (n for n in dir(FakeDriver) if n.startswith("_cu")):
            setattr(self, name[1:], self._wrapped(name))

    @property
    def used(self) -> int:
        return sum(ctypes.sizeof(b) for at, b in self.memory.items() if at not in self.pinned)

    def enqueue(self, work: Callable[[], None]) -> None:
        (self.queue if self.captured is None else self.captured).append(work)

    def _wrapped(self, name: str) -> Callable[..., int]:
        method = getattr(self, name)

        def call(*arguments: Any) -> int:
            self.calls.append(name[1:])
            code = self.fail.get(name[1:], 0)
            return code or method(*arguments) or 0

        return call

    def _new(self, kind: str, reference: Any) -> None:
        self._handle += 1
        reference._obj.value = self._handle
        self.live.add((kind, self._handle))

    def _gone(self, kind: str, handle: Any) -> None:
        self.live.remove((kind, getattr(handle, "value", handle)))

    def _cuInit(self, flags: int) -> None: ...

    def _cuDriverGetVersion(self, version: Any) -> None:
        version._obj.value = 12060

    def _cuDeviceGetCount(self, count: Any) -> None:
        count._obj.value = len(self.gpus)

    def _cuDeviceGet(self, device: Any, index: int) -> None:
        device._obj.value = index

    def _cuDeviceGetName(self, name: Any, size: int, device: Any) -> None:
        name.value = self.gpus[device.value].encode()

    def _cuDeviceTotalMem_v2(self, size: Any, device: Any) -> None:
        size._obj.value = self.limit

    def _cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> None:
        value._obj.value = {75: 8, 76: 7, 16: 14}[attribute]

    def _cuGetErrorName(self, code: int, text: Any) -> None:
        names = {2: b"CUDA_ERROR_OUT_OF_MEMORY", 100: b"CUDA_ERROR_NO_DEVICE"}
        text._obj.value = names.get(code, b"CUDA_ERROR_UNKNOWN")

    def _cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> None:
        context._obj.value = 7
        self.live.add(("context", device))

    def _cuDevicePrimaryCtxRelease_v2(self, device: int) -> None:
        self._gone("context", device)

    def _cuCtxSetCurrent(self, context: Any) -> None: ...

    def _cuMemGetInfo_v2(self, free: Any, total: Any) -> None:
        free._obj.value, total._obj.value = self.limit - self.used, self.limit

    def _cuMemAlloc_v2(self, address: Any, size: int) -> int:
        if self.used + size > self.limit:
            return OUT_OF_MEMORY
        block = (ctypes.c_uint8 * size)(*([0xFF] * min(size, 64)))
        address._obj.value = ctypes.addressof(block)
        self.memory[ctypes.addressof(block)] = block
        return 0

    def _cuMemFree_v2(self, address: int) -> None:
        del self.memory[address]

    def _cuMemHostAlloc(self, address: Any, size: int, flags: int) -> int:
        code = self._cuMemAlloc_v2(address, size)
        self.pinned.add(address._obj.value)
        return code

    def _cuMemFreeHost(self, address: Any) -> None:
        del self.memory[address.value]

    def _cuStreamCreate(self, stream: Any, flags: int) -> None:
        assert flags == 1, "the stream must not wait for the default one"
        self._new("stream", stream)

    def _cuStreamDestroy_v2(self, stream: Any) -> None:
        self._gone("stream", stream)

    def _cuStreamSynchronize(self, stream: Any) -> None:
        assert self.captured is None, "synchronising ends a capture with an error"
        queue, self.queue = self.queue, []
        for work in queue:
            work()

    def _cuMemcpyHtoDAsync_v2(self, device: int, host: int, size: int, stream: Any) -> None:
        self.enqueue(lambda: ctypes.memmove(device, host, size))

    def _cuMemcpyDtoHAsync_v2(self, host: int, device: int, size: int, stream: Any) -> None:
        self.enqueue(lambda: ctypes.memmove(host, device, size))

    def _cuStreamBeginCapture_v2(self, stream: Any, mode: int) -> None:
        self.captured = []

    def _cuStreamEndCapture(self, stream: Any, graph: Any) -> None:
        self._new("graph", graph)
        self.graphs[graph._obj.value], self.captured = self.captured or [], None

    def _cuGraphInstantiateWithFlags(self, executable: Any, graph: Any, flags: int) -> None:
        self._new("executable", executable)
        self.graphs[executable._obj.value] = self.graphs[graph.value]

    def _cuGraphLaunch(self, executable: Any, stream: Any) -> None:
        self.queue.extend(self.graphs[executable.value])

    def _cuGraphExecDestroy(self, executable: Any) -> None:
        self._gone("executable", executable)

    def _cuGraphDestroy(self, graph: Any) -> None:
        self._gone("graph", graph)


class _Logger:
    Severity = enum.Enum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")


class FakeTensorRT:
    """The runtime half of the package `tensorrt`. refused: plans that it cannot deserialize.
    kinds: of tensors that hold other numbers than float32."""

    __version__ = "10.3.0"
    ILogger = _Logger
    float32, int64 = "float32", "int64"
    TensorIOMode = enum.Enum("TensorIOMode", "NONE INPUT OUTPUT")
    ExecutionContextAllocationStrategy = enum.Enum("Strategy", "STATIC USER_MANAGED")

    def __init__(self, driver: FakeDriver, graph: Path) -> None:
        self.driver = driver
        self.graph = graph
        self.refused: set[bytes] = set()
        self.kinds: dict[str, str] = {}
        self.no_context = False
        self.run_fails = False
        self.scratch = 1 << 16
        self.contexts = 0

    def Runtime(self, logger: Any) -> Any:
        def deserialize(plan: bytes) -> Any:
            if plan in self.refused:
                logger.log(_Logger.Severity.ERROR, "serialization version mismatch")
                return None
            return _FakeEngine(self, logger)

        return SimpleNamespace(deserialize_cuda_engine=deserialize)


class _FakeEngine:
    def __init__(self, trt: FakeTensorRT, logger: Any) -> None:
        self.trt, self.logger = trt, logger
        self.network = OnnxRuntimeEngine(trt.graph)
        self.shapes = {**self.network.inputs, **self.network.outputs}
        self.num_io_tensors = len(self.shapes)
        self.device_memory_size_v2 = trt.scratch

    def get_tensor_name(self, index: int) -> str:
        return list(self.shapes)[index]

    def get_tensor_dtype(self, name: str) -> str:
        return self.trt.kinds.get(name, "float32")

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(-1 if isinstance(d, str) else d for d in self.shapes[name])

    def get_tensor_mode(self, name: str) -> Any:
        kinds = FakeTensorRT.TensorIOMode
        return kinds.INPUT if name in self.network.inputs else kinds.OUTPUT

    def create_execution_context(self, strategy: Any) -> Any:
        assert strategy is FakeTensorRT.ExecutionContextAllocationStrategy.USER_MANAGED
        if self.trt.no_context:
            self.logger.log(_Logger.Severity.ERROR, "Cuda Runtime (out of memory)")
            return None
        self.trt.contexts += 1
        return _FakeContext(self)


class _FakeContext:
    def __init__(self, engine: _FakeEngine) -> None:
        self.engine = engine
        self.sizes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}
        self.profile = -1
        self.memory = 0

    def set_device_memory(self, address: int, size: int) -> None:
        assert size == self.engine.trt.scratch
        self.memory = address

    def set_optimization_profile_async(self, index: int, stream: int) -> bool:
        self.profile = index
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert self.engine.trt.driver.captured is None, "shapes are set before a capture"
        low, high = ((1, 1), (2, 1 << 20))[self.profile]
        fixed = self.engine.shapes[name][0]
        if isinstance(fixed, int):
            assert self.profile == 0, "an engine without profiles has one"
            low = high = fixed
        self.sizes[name] = shape
        return low <= shape[0] <= high

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert self.memory in self.engine.trt.driver.memory, "no scratch memory"
        if self.engine.trt.run_fails:
            self.engine.logger.log(_Logger.Severity.ERROR, "an illegal memory access")
            return False
        sizes, addresses = dict(self.sizes), dict(self.addresses)

        def work() -> None:
            inputs = {n: _array(addresses[n], s).copy() for n, s in sizes.items()}
            count = len(next(iter(inputs.values())))
            for name, value in self.engine.network.run(inputs).items():
                kind = self.engine.get_tensor_dtype(name)
                _array(addresses[name], (count, *value.shape[1:]), kind)[:] = value

        self.engine.trt.driver.enqueue(work)
        return True


def _array(address: int, shape: tuple[int, ...], kind: str = "float32") -> np.ndarray:
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    block = (ctypes.c_uint8 * size).from_address(address)
    return np.frombuffer(block, kind).reshape(shape)


@pytest.fixture
def tiny(tmp_path: Path) -> Bundle:
    return write_tiny_bundle(tmp_path / "tiny")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """A machine with one GPU "Orin"."""
    fake = FakeDriver()
    monkeypatch.setattr("ctypes.CDLL", lambda name: fake)
    return fake


@pytest.fixture
def tensorrt(
    driver: FakeDriver, tiny: Bundle, monkeypatch: pytest.MonkeyPatch
) -> FakeTensorRT:
    """TensorRT on that machine; `builds` counts its builds, each gives another plan."""
    fake = FakeTensorRT(driver, tiny.onnx_path)
    fake.builds = []  # type: ignore[attr-defined]

    def build(*arguments: Any) -> bytes:
        fake.builds.append(arguments)  # type: ignore[attr-defined]
        return b"plan %d" % len(fake.builds)  # type: ignore[attr-defined]

    monkeypatch.setitem(sys.modules, "tensorrt", fake)
    monkeypatch.setattr("bharnet_ros.inference.tensorrt.finding.build_plan", build)
    return fake
