"""The few calls of the CUDA driver that feeding a network takes: memory, copies, graphs.

Through ctypes on the driver's own library, which every machine with a GPU has, so that TensorRT
needs no further Python package. The driver shares the primary context of the device with the
CUDA runtime inside TensorRT, so streams and addresses mean the same to both.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import EngineError
from bharnet_ros.inference.driver import Driver, error_name

_OUT_OF_MEMORY = 2
_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: never waits for the legacy default stream
_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: what other threads do stays legal

_P, _U64, _SIZE, _INT, _UINT = (
    ctypes.c_void_p, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint,
)  # fmt: skip
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuDevicePrimaryCtxRetain": (_P, _INT),
    "cuDevicePrimaryCtxRelease_v2": (_INT,),
    "cuCtxSetCurrent": (_P,),
    "cuMemGetInfo_v2": (_P, _P),
    "cuMemAlloc_v2": (_P, _SIZE),
    "cuMemFree_v2": (_U64,),
    "cuMemHostAlloc": (_P, _SIZE, _UINT),
    "cuMemFreeHost": (_P,),
    "cuStreamCreate": (_P, _UINT),
    "cuStreamDestroy_v2": (_P,),
    "cuStreamSynchronize": (_P,),
    "cuMemcpyHtoDAsync_v2": (_U64, _P, _SIZE, _P),
    "cuMemcpyDtoHAsync_v2": (_P, _U64, _SIZE, _P),
    "cuStreamBeginCapture_v2": (_P, _INT),
    "cuStreamEndCapture": (_P, _P),
    "cuGraphInstantiateWithFlags": (_P, _P, _U64),
    "cuGraphLaunch": (_P, _P),
    "cuGraphExecDestroy": (_P,),
    "cuGraphDestroy": (_P,),
}


class Cuda:
    """One GPU with one stream. Memory and graphs live until the object is gone.

    Raises EngineError whenever the driver refuses; if memory is short, with how much is free.
    """

    def __init__(self, driver: Driver, device: int = 0) -> None:
        self.gpu = driver.gpu(device)
        self._calls = _Calls(driver.library)
        context = ctypes.c_void_p()
        self._calls("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._context = context
        self._undo: list[tuple[str, Any]] = [("cuDevicePrimaryCtxRelease_v2", device)]
        self._finalizer = weakref.finalize(self, _free, self._calls, context, self._undo)
        self.activate()
        stream = ctypes.c_void_p()
        self._calls("cuStreamCreate", ctypes.byref(stream), _NON_BLOCKING)
        self._undo.append(("cuStreamDestroy_v2", stream))
        self._stream = stream

    @property
    def stream(self) -> int:
        """The stream's handle, as TensorRT takes it."""
        return int(self._stream.value or 0)

    def activate(self) -> None:
        """Make the GPU current in this thread; a node's callbacks may come from any."""
        self._calls("cuCtxSetCurrent", self._context)

    def close(self) -> None:
        """Free everything; the object cannot be used afterwards."""
        self._finalizer()

    def free_bytes(self) -> int:
        """GPU memory that nobody uses."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._calls("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value

    def allocate(self, size: int, purpose: str) -> int:
        """The address of `size` bytes of GPU memory. purpose: for the message if there are none."""
        address = ctypes.c_uint64()
        with self._memory(size, purpose, "GPU"):
            self._calls("cuMemAlloc_v2", ctypes.byref(address), size)
        self._undo.append(("cuMemFree_v2", address.value))
        return address.value

    def allocate_pinned(self, size: int, purpose: str) -> npt.NDArray[np.uint8]:
        """`size` bytes of host memory that the GPU copies from and to without a detour."""
        address = ctypes.c_void_p()
        with self._memory(size, purpose, "pinned host"):
            self._calls("cuMemHostAlloc", ctypes.byref(address), size, 0)
        self._undo.append(("cuMemFreeHost", address))
        block = (ctypes.c_uint8 * size).from_address(address.value or 0)
        memory: npt.NDArray[np.uint8] = np.ctypeslib.as_array(block)
        return memory

    def copy_in(self, device: int, host: npt.NDArray[np.uint8], size: int) -> None:
        """Queue a copy of the first `size` bytes to the GPU."""
        self._calls("cuMemcpyHtoDAsync_v2", device, host.ctypes.data, size, self._stream)

    def copy_out(self, host: npt.NDArray[np.uint8], device: int, size: int) -> None:
        """Queue a copy of `size` bytes back."""
        self._calls("cuMemcpyDtoHAsync_v2", host.ctypes.data, device, size, self._stream)

    def synchronize(self) -> None:
        """Wait until everything queued is done."""
        self._calls("cuStreamSynchronize", self._stream)

    def capture(self, work: Callable[[], None]) -> ctypes.c_void_p:
        """What `work` queues, as a graph that `launch` repeats with the same addresses."""
        graph, executable = ctypes.c_void_p(), ctypes.c_void_p()
        self._calls("cuStreamBeginCapture_v2", self._stream, _THREAD_LOCAL)
        try:
            work()
        finally:  # the stream must leave capture whatever happened, or it is lost
            ended = self._calls.code("cuStreamEndCapture", self._stream, ctypes.byref(graph))
        self._calls.check("cuStreamEndCapture", ended)
        try:
            self._calls("cuGraphInstantiateWithFlags", ctypes.byref(executable), graph, 0)
        finally:
            self._calls.code("cuGraphDestroy", graph)
        self._undo.append(("cuGraphExecDestroy", executable))
        return executable

    def launch(self, graph: ctypes.c_void_p) -> None:
        """Queue a captured graph."""
        self._calls("cuGraphLaunch", graph, self._stream)

    @contextmanager
    def _memory(self, size: int, purpose: str, kind: str) -> Iterator[None]:
        try:
            yield
        except _CudaError as error:
            if error.code != _OUT_OF_MEMORY:
                raise
            raise EngineError(
                f"{self.gpu.name} has no {_amount(size)} of {kind} memory for {purpose} "
                f"({_amount(self.free_bytes())} of GPU memory are free); lower max_batch, or end "
                "other programs that use the GPU."
            ) from None


def _amount(size: int) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"


class _CudaError(EngineError):
    """A call that the driver refused, with its code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class _Calls:
    """The library's functions with their argument types; handles are 64 bits, not C ints."""

    def __init__(self, library: Any) -> None:
        self._library = library
        for name, types in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = types, ctypes.c_int

    def __call__(self, name: str, *arguments: Any) -> None:
        self.check(name, self.code(name, *arguments))

    def code(self, name: str, *arguments: Any) -> int:
        return int(getattr(self._library, name)(*arguments))

    def check(self, name: str, code: int) -> None:
        if code != 0:
            raise _CudaError(
                f"The GPU failed at {name} ({error_name(self._library, code)}); look at `dmesg` "
                "and `nvidia-smi`, and start the node again.",
                code,
            )


def _free(calls: _Calls, context: Any, undo: list[tuple[str, Any]]) -> None:
    """In reverse order. What the driver says matters no more: the process may be ending."""
    calls.code("cuCtxSetCurrent", context)
    while undo:
        name, argument = undo.pop()
        calls.code(name, argument)
