"""A GPU made of host memory: a stand-in for the CUDA driver's library.

What is queued on the stream happens at its synchronisation, in order, so a missing one is seen.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable
from typing import Any

OUT_OF_MEMORY = 2


class FakeDriver:
    """The functions of libcuda.so.1 that are used. limit: bytes of GPU memory. capability: of all
    its GPUs. current: the GPU that is; None before one was made so."""

    def __init__(self, gpus: tuple[str, ...] = ("Orin",), limit: int = 1 << 30) -> None:
        self.gpus = gpus
        self.limit = limit
        self.capability = (8, 7)
        self.current: int | None = None
        self.retained: Counter[int] = Counter()
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
        major, minor = self.capability
        value._obj.value = {75: major, 76: minor, 16: 14}[attribute]

    def _cuGetErrorName(self, code: int, text: Any) -> None:
        names = {2: b"CUDA_ERROR_OUT_OF_MEMORY", 100: b"CUDA_ERROR_NO_DEVICE"}
        text._obj.value = names.get(code, b"CUDA_ERROR_UNKNOWN")

    def _cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> None:
        context._obj.value = 7 + device
        self.retained[device] += 1
        self.live.add(("context", device))

    def _cuDevicePrimaryCtxRelease_v2(self, device: int) -> None:
        self.retained[device] -= 1
        if not self.retained[device]:
            self._gone("context", device)

    def _cuCtxSetCurrent(self, context: Any) -> None:
        self.current = context.value - 7

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
