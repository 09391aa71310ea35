"""Running a serialized TensorRT engine: pinned buffers, asynchronous copies, CUDA graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import BundleError, EngineError
from bharnet_ros.inference.cache import discard, engine_folder
from bharnet_ros.inference.cuda import Cuda
from bharnet_ros.inference.driver import load_driver
from bharnet_ros.inference.engine import GraphEngine, Report
from bharnet_ros.inference.options import TensorRTOptions
from bharnet_ros.inference.tensorrt.finding import find_or_build
from bharnet_ros.inference.tensorrt.flavours import Flavour
from bharnet_ros.inference.tensorrt.log import make_logger
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.types import FloatArray

_KINDS: dict[str, type[np.generic]] = {
    "float32": np.float32, "int32": np.int32, "int64": np.int64, "float16": np.float16,
}  # fmt: skip
"""What outputs may hold, by TensorRT's names; inputs are float32."""


@dataclass(frozen=True)
class _Tensor:
    """An input or output: its address on the GPU and the host memory it is copied from or to.

    row: bytes of one person. kind: of its numbers.
    """

    name: str
    shape: Shape
    device: int
    host: npt.NDArray[np.uint8]
    row: int
    kind: type[np.generic]

    def rows(self, count: int) -> npt.NDArray[Any]:
        """The first `count` people of the host memory, as an array of the tensor's shape."""
        values = self.host[: count * self.row].view(self.kind)
        return values.reshape(count, *(int(d) for d in self.shape[1:]))


class TensorRTEngine(GraphEngine):
    """A graph run by TensorRT or TensorRT-RTX.

    graph: the ONNX file. folder: where built engines are kept. options: see TensorRTOptions.
    report: told about builds. More people than max_batch are run in turns.
    Raises what `find_or_build` does, and EngineError if the GPU has too little memory.
    """

    def __init__(
        self, flavour: Flavour, graph: Path, folder: Path, options: TensorRTOptions, report: Report
    ) -> None:
        driver = load_driver()  # before anything that crashes without it
        flavour.check_gpu(driver.gpu(options.device))
        trt = flavour.load()
        folder = engine_folder(folder)
        self._title = f"{flavour.title} {trt.__version__}"
        self._profiles = options.profiles
        self._max_batch = options.max_batch
        self._cuda = Cuda(driver, options.device)
        try:
            self._logger, self._log = make_logger(trt)
            self._runtime = trt.Runtime(self._logger)
            self._engine = self._deserialize(flavour, graph, folder, options, report)
            kernels = folder / f"{graph.stem}-{flavour.name}.kernels"
            self._contexts = flavour.contexts(
                trt, self._engine, self._cuda, options.cuda_graphs, kernels
            )
            # Captured sizes have contexts of their own, and more of them than there are profiles.
            own = self._contexts.share_profiles and not self._contexts.captures
            self._capture = options.cuda_graphs and own
            self._open: dict[int, Any] = {}
            self._graphs: dict[int, Any] = {}
            fixed = self._fixed_batch(trt)
            if fixed:
                self._profiles, self._max_batch = ((fixed, fixed, fixed),), fixed
            self._ins, self._outs = self._tensors(trt, self._max_batch)
            for low, _, _ in self._profiles:
                self._context(low)  # if there is no memory for it, it is said now
        except BaseException:
            self._cuda.close()
            raise
        super().__init__(
            f"{self._title}, {self._cuda.gpu.name}, {options.precision}, up to "
            f"{self._max_batch} people in one run",
            {tensor.name: tensor.shape for tensor in self._ins},
            {tensor.name: tensor.shape for tensor in self._outs},
        )

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        """Run zeros of these batch sizes, and keep the kernels that were compiled meanwhile."""
        super().warm_up(batch_sizes)
        self._contexts.keep_kernels()

    def _execute(self, inputs: Mapping[str, FloatArray], count: int) -> dict[str, FloatArray]:
        self._cuda.activate()
        results = {
            tensor.name: np.empty((count, *(int(d) for d in tensor.shape[1:])), np.float32)
            for tensor in self._outs
        }
        for start in range(0, count, self._max_batch):
            size = min(self._max_batch, count - start)
            for tensor in self._ins:
                np.copyto(tensor.rows(size), inputs[tensor.name][start : start + size])
            self._launch(size)
            for tensor in self._outs:
                results[tensor.name][start : start + size] = tensor.rows(size)
        return results

    def _release(self) -> None:
        self._graphs.clear()
        self._open.clear()
        del self._contexts, self._engine, self._runtime
        self._cuda.close()

    def _launch(self, size: int) -> None:
        """Copy in, run and copy out `size` people; as one graph from the second time on."""
        graph = self._graphs.get(size)
        if graph is not None:
            self._cuda.launch(graph)
            self._cuda.synchronize()
            return
        context = self._bound(size)
        self._enqueue(context, size)  # TensorRT sets up a shape in its first run: not capturable
        self._cuda.synchronize()
        if self._capture:
            self._graphs[size] = self._cuda.capture(lambda: self._enqueue(context, size))

    def _enqueue(self, context: Any, size: int) -> None:
        for tensor in self._ins:
            self._cuda.copy_in(tensor.device, tensor.host, size * tensor.row)
        if not context.execute_async_v3(self._cuda.stream):
            raise self._failed(f"failed on a batch of {size}")
        for tensor in self._outs:
            self._cuda.copy_out(tensor.host, tensor.device, size * tensor.row)

    def _bound(self, size: int) -> Any:
        """The context for this batch size, with its shapes and addresses."""
        context = self._context(size)
        for tensor in self._ins:
            if not context.set_input_shape(tensor.name, (size, *tensor.shape[1:])):
                raise self._failed(f"refuses a batch of {size}")
        for tensor in (*self._ins, *self._outs):
            if not context.set_tensor_address(tensor.name, tensor.device):
                raise self._failed(f"refuses the memory for '{tensor.name}'")
        return context

    def _context(self, size: int) -> Any:
        """One per batch size if we capture it, else one per profile."""
        profile = next(i for i, (low, _, high) in enumerate(self._profiles) if low <= size <= high)
        key = size if self._capture else profile
        context = self._open.get(key)
        if context is None:
            context = self._contexts.create()
            if context is None:
                raise self._failed(
                    f"has no memory to run in ({self._cuda.free_bytes() / 1e6:.0f} MB of GPU memory"
                    " are free; lower max_batch, or end other programs that use the GPU)"
                )
            self._choose(context, profile)
            self._open[key] = context
        return context

    def _choose(self, context: Any, profile: int) -> None:
        """Give a new context its profile."""
        try:
            chosen = context.set_optimization_profile_async(profile, self._cuda.stream)
        except RuntimeError:  # so the Python package says no; why is in the log
            chosen = False
        if not chosen:
            raise self._failed(f"has no profile {profile}")
        self._cuda.synchronize()

    def _deserialize(
        self, flavour: Flavour, graph: Path, folder: Path, options: TensorRTOptions, report: Report
    ) -> Any:
        """The engine; one that its sidecar vouches for and the library refuses is built again."""
        for _ in range(2):
            built = find_or_build(flavour, graph, folder, options, report)
            engine = self._runtime.deserialize_cuda_engine(built.content)
            if engine is not None:
                return engine
            if built.path is None or built.reason:
                break  # it was built just now: a second one would be the same
            report(
                f"{flavour.title} refuses {built.path} "
                f"({self._log.errors() or 'it does not say why'}); it is built again."
            )
            discard(built.path)
        raise EngineError(
            f"{flavour.title} cannot load the engine that it built of {graph} "
            f"({self._log.errors() or 'it does not say why'}); if the GPU has too little memory or "
            "is not supported, use the engine onnxruntime."
        )

    def _fixed_batch(self, trt: Any) -> int:
        """The one batch size the graph was exported for; 0 if that is free."""
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        ins = [n for n in names if self._engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
        return max(max(int(self._engine.get_tensor_shape(name)[0]) for name in ins), 0)

    def _tensors(self, trt: Any, max_batch: int) -> tuple[list[_Tensor], list[_Tensor]]:
        ins: list[_Tensor] = []
        outs: list[_Tensor] = []
        for index in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(index)
            is_input = self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            number = self._engine.get_tensor_dtype(name)
            kinds = {getattr(trt, k, None): kind for k, kind in _KINDS.items()}
            if number not in kinds or (is_input and number != trt.float32):
                raise BundleError(
                    f"'{name}' of the graph is {number}; inputs must be float32, and outputs "
                    "numbers: export it again so."
                )
            shape = tuple(self._engine.get_tensor_shape(name))
            if not shape or min(shape[1:], default=1) < 1:
                raise BundleError(
                    f"'{name}' of the graph is {list(shape)}; there must be a first dimension, and "
                    "only that may be free: export it again, a detector without its non-maximum "
                    "suppression."
                )
            kind = kinds[number]
            row = np.dtype(kind).itemsize * int(np.prod(shape[1:]))
            tensor = _Tensor(
                name,
                ("N" if shape[0] < 0 else int(shape[0]), *(int(d) for d in shape[1:])),
                self._cuda.allocate(max_batch * row, f"'{name}' of {max_batch} people"),
                self._cuda.allocate_pinned(max_batch * row, f"'{name}' of {max_batch} people"),
                row,
                kind,
            )
            (ins if is_input else outs).append(tensor)
        return ins, outs

    def _failed(self, what: str) -> EngineError:
        reason = self._log.errors() or "it does not say why"
        return EngineError(f"{self._title} {what} ({reason}) on {self._cuda.gpu.name}.")


