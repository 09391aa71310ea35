"""A stand-in for TensorRT's runtime, on the GPU of `fake_driver`.

The "network" of an engine is the ONNX graph itself, run on the CPU from and to the addresses that
were bound.
"""

from __future__ import annotations

import ctypes
import enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from fake_driver import FakeDriver

from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine


class _Logger:
    Severity = enum.Enum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")


class FakeTensorRT:
    """The runtime half of the package `tensorrt`. refused: plans that it cannot deserialize.
    kinds: of tensors that hold other numbers than float32. shared: whether a profile may belong
    to several contexts."""

    shared = True

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

    def new_engine(self, logger: Any) -> _FakeEngine:
        return _FakeEngine(self, logger)

    def Runtime(self, logger: Any) -> Any:
        def deserialize(plan: bytes) -> Any:
            if plan in self.refused:
                logger.log(_Logger.Severity.ERROR, "serialization version mismatch")
                return None
            return self.new_engine(logger)

        return SimpleNamespace(deserialize_cuda_engine=deserialize)


class _FakeEngine:
    def __init__(self, trt: FakeTensorRT, logger: Any) -> None:
        self.trt, self.logger = trt, logger
        self.network = OnnxRuntimeEngine(trt.graph)
        self.shapes = {**self.network.inputs, **self.network.outputs}
        self.num_io_tensors = len(self.shapes)
        self.device_memory_size_v2 = trt.scratch
        self.owners: dict[int, _FakeContext] = {}

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
        return self.new_context()

    def new_context(self) -> Any:
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
        engine = self.engine
        if engine.owners.setdefault(index, self) is not self and not engine.trt.shared:
            text = f"Profile {index} has been chosen by another IExecutionContext."
            engine.logger.log(_Logger.Severity.ERROR, text)
            raise RuntimeError("Error in set optimization profile async.")
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


class FakeTensorRT8(FakeTensorRT):
    """As before version 10."""

    __version__ = "8.6.2"
    ExecutionContextAllocationStrategy = property()  # type: ignore[assignment]  # there is none
    shared = False

    def new_engine(self, logger: Any) -> _FakeEngine:
        return _FakeEngine8(self, logger)


class _FakeEngine8(_FakeEngine):
    def create_execution_context_without_device_memory(self) -> Any:
        return self.new_context()


def _array(address: int, shape: tuple[int, ...], kind: str = "float32") -> np.ndarray:
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    block = (ctypes.c_uint8 * size).from_address(address)
    return np.frombuffer(block, kind).reshape(shape)
