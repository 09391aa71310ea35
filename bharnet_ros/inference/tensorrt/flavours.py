"""What differs between TensorRT and TensorRT-RTX; everything else is one implementation."""

from __future__ import annotations

import contextlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.inference.cuda import Cuda
from bharnet_ros.inference.driver import Gpu, load_driver
from bharnet_ros.inference.tensorrt.contexts import Contexts, RtxContexts, SharedMemoryContexts

_RTX_LEAST = (8, 0)


class Flavour(ABC):
    """One of the two libraries.

    name: of the engine. module: of its Python package. title: for people. install: the remedy.
    times_kernels: whether a build measures what is fastest, which a timing cache remembers.
    """

    name: str
    module: str
    title: str
    install: str
    times_kernels: bool

    def load(self) -> Any:
        """The Python package. Raises BackendUnavailable with what to do."""
        try:
            return importlib.import_module(self.module)
        except (ImportError, OSError, RuntimeError) as error:
            raise BackendUnavailable(
                f"The engine {self.name} cannot be loaded ({error}); {self.install}"
            ) from None

    def network_flags(self, trt: Any) -> int:
        """Of `create_network`: types come from the graph, and the batch is a dimension of it.

        Versions that know nothing else ignore the flags; TensorRT 8 has only the second.
        """
        kinds = trt.NetworkDefinitionCreationFlag
        return _flag(kinds, "STRONGLY_TYPED") | _flag(kinds, "EXPLICIT_BATCH")

    def check_precision(self, trt: Any, precision: str) -> None:
        """Raise ConfigurationError where types in the graph would not be kept."""
        typed = hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")
        if precision in ("fp16", "int8") and not typed:
            raise ConfigurationError(
                f"precision is '{precision}', but {self.title} {trt.__version__} chooses number "
                "types by itself and may lose what needs 32 bits; use fp32 or tf32, or update it "
                "(JetPack 6.1 brings TensorRT 10.3)."
            )

    def check_gpu(self, gpu: Gpu) -> None:  # noqa: B027  # nothing to refuse unless said
        """Raise BackendUnavailable for a GPU that engines built here do not run on."""

    def building_on(self, device: int) -> contextlib.AbstractContextManager[None]:
        """Around a build: whatever it takes of the GPU. Raises BackendUnavailable, EngineError."""
        return contextlib.nullcontext()

    @abstractmethod
    def gpu_of_build(self, device: int) -> str:
        """For which GPU an engine is built here; "any" if one engine serves all.

        Raises BackendUnavailable if that takes a GPU and there is none.
        """

    @abstractmethod
    def contexts(
        self, trt: Any, engine: Any, cuda: Cuda, cuda_graphs: bool, kernels: Path
    ) -> Contexts:
        """What makes contexts to run the engine in. kernels: see RtxContexts."""


class TensorRT(Flavour):
    """NVIDIA TensorRT from 8.5: JetPack and servers. Engines hold for one GPU model."""

    name = "tensorrt"
    module = "tensorrt"
    title = "TensorRT"
    install = (
        "on Jetson it comes with JetPack (a virtual environment needs --system-site-packages), "
        "elsewhere install `tensorrt` as its vendor documents."
    )
    times_kernels = True

    def gpu_of_build(self, device: int) -> str:
        """The GPU here: kernels are timed on it."""
        return load_driver().gpu(device).model

    @contextlib.contextmanager
    def building_on(self, device: int) -> Iterator[None]:
        """The builder times kernels on the GPU that is current, by itself the first one."""
        cuda = Cuda(load_driver(), device)
        try:
            yield
        finally:
            cuda.close()

    def contexts(
        self, trt: Any, engine: Any, cuda: Cuda, cuda_graphs: bool, kernels: Path
    ) -> Contexts:
        """CUDA graphs are captured around them."""
        return SharedMemoryContexts(trt, engine, cuda)


class TensorRTRtx(Flavour):
    """NVIDIA TensorRT for RTX: GeForce and RTX GPUs from Ampere on, from PyPI. It builds without
    any GPU, one engine for all of them, and compiles the kernels when the engine first runs."""

    name = "tensorrt_rtx"
    module = "tensorrt_rtx"
    title = "TensorRT-RTX"
    install = "install it with `pip install tensorrt-rtx`."
    times_kernels = False

    def check_gpu(self, gpu: Gpu) -> None:
        """Engines that name no GPU, as ours, leave out Turing."""
        if gpu.compute_capability < _RTX_LEAST:
            major, minor = gpu.compute_capability
            raise BackendUnavailable(
                f"{gpu.name} has compute capability {major}.{minor}, and engines of {self.title} "
                "run from 8.0 (Ampere) on; use the engine tensorrt or torch, or onnxruntime with "
                "providers=cuda."
            )

    def gpu_of_build(self, device: int) -> str:
        """No GPU is looked at."""
        return "any"

    def contexts(
        self, trt: Any, engine: Any, cuda: Cuda, cuda_graphs: bool, kernels: Path
    ) -> Contexts:
        """With its own CUDA graphs and the kernels of earlier starts."""
        return RtxContexts(trt, engine, cuda_graphs, kernels)


FLAVOURS: dict[str, Flavour] = {flavour.name: flavour for flavour in (TensorRT(), TensorRTRtx())}


def _flag(flags: Any, name: str) -> int:
    """1 << the flag's number; 0 where a version does not have it."""
    value = getattr(flags, name, None)
    return 0 if value is None else 1 << int(value)
