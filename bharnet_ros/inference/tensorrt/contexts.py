"""Execution contexts: where an engine keeps what it computes, and who makes CUDA graphs of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from bharnet_ros.inference.cuda import Cuda


class Contexts(Protocol):
    """Makes the contexts of one engine.

    captures: whether they make CUDA graphs by themselves. share_profiles: whether several may
    have the same optimization profile.
    """

    captures: bool
    share_profiles: bool

    def create(self) -> Any:
        """A new context; None if the library refuses. Raises EngineError if memory is short."""

    def keep_kernels(self) -> None:
        """Write down what the runtime compiled, for the next start."""


class SharedMemoryContexts:
    """TensorRT: as many contexts as there are CUDA graphs, over one piece of scratch memory.

    A context that is bound to another batch size may take its buffers elsewhere, so every
    captured size has a context of its own. They never run at the same time, so they share.
    Before version 10 a profile belongs to one context.
    """

    captures = False

    def __init__(self, trt: Any, engine: Any, cuda: Cuda) -> None:
        # Came with version 10, as did profiles that contexts share.
        self._strategies = getattr(trt, "ExecutionContextAllocationStrategy", None)
        self.share_profiles = self._strategies is not None
        self._engine = engine
        size = getattr(engine, "device_memory_size_v2", None)
        self._size = int(engine.device_memory_size if size is None else size)
        self._memory = cuda.allocate(max(self._size, 1), "the network's intermediate results")

    def create(self) -> Any:
        """A context on the shared memory."""
        if self._strategies is None:
            context = self._engine.create_execution_context_without_device_memory()
        else:
            context = self._engine.create_execution_context(self._strategies.USER_MANAGED)
        if context is None:
            return None
        if hasattr(context, "set_device_memory"):
            context.set_device_memory(self._memory, self._size)
        else:
            context.device_memory = self._memory
        return context

    def keep_kernels(self) -> None:
        """The kernels are in the engine."""


class RtxContexts:
    """TensorRT-RTX: it compiles kernels when they first run, and it alone knows when those for
    a new batch size are ready to be captured; so its own CUDA graphs are used.

    kernels: file that keeps the compiled ones from start to start.
    """

    share_profiles = True

    def __init__(self, trt: Any, engine: Any, cuda_graphs: bool, kernels: Path) -> None:
        self.captures = cuda_graphs
        self._engine = engine
        self._kernels = kernels
        self._config = engine.create_runtime_config()
        self._cache = self._config.create_runtime_cache()
        try:
            self._cache.deserialize(kernels.read_bytes())
        except (OSError, RuntimeError, TypeError, ValueError):
            self._cache.reset()  # none yet, or of another version: they are compiled again
        self._config.set_runtime_cache(self._cache)
        if cuda_graphs:
            self._config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE

    def create(self) -> Any:
        """A context with memory of its own."""
        return self._engine.create_execution_context(self._config)

    def keep_kernels(self) -> None:
        """Where it can be written; otherwise they are compiled again at the next start."""
        try:
            self._kernels.write_bytes(bytes(self._cache.serialize()))
        except (OSError, TypeError):
            return
