"""Running a graph with PyTorch: on a GPU as a captured CUDA graph per batch size."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bharnet_ros.errors import BackendUnavailable, ConfigurationError, EngineError
from bharnet_ros.inference.driver import driver_problem
from bharnet_ros.inference.engine import GraphEngine, first_line
from bharnet_ros.inference.options import TorchOptions
from bharnet_ros.inference.torch.graph import TorchGraph
from bharnet_ros.types import FloatArray
from bharnet_ros.workers import joined

_WARM_UPS = 3  # before a capture, so that libraries have chosen their algorithms
_CAPTURING = threading.Lock()  # PyTorch allows one capture at a time in a process


class _Captured(NamedTuple):
    """A CUDA graph with the tensors it reads and writes."""

    graph: Any
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class TorchEngine(GraphEngine):
    """An ONNX graph run by PyTorch; for GPU machines without TensorRT.

    graph: the ONNX file. options: see TorchOptions. More people than max_batch run in turns.
    Raises BackendUnavailable (GPU, package onnx), ConfigurationError (device), BundleError
    (graph), EngineError (memory).
    """

    def __init__(self, graph: Path, options: TorchOptions) -> None:
        self._device = _device(options.device)
        self._options = options
        network = TorchGraph(graph)
        # A graph for one batch size takes no other; one that also gives what has no row per
        # person is shown everybody.
        shapes = (*network.input_shapes.values(), *network.output_shapes.values())
        self._in_turns = all(shape and isinstance(shape[0], str) for shape in shapes)
        with self._failing("cannot take the network"):
            self._network = network.to(self._device).eval()
        self._captured: dict[int, _Captured] = {}
        on_gpu = self._device.type == "cuda"
        self._capture = options.cuda_graphs and on_gpu
        where = torch.cuda.get_device_name(self._device) if on_gpu else "CPU"
        graphs = ", CUDA graphs" if self._capture else ""
        super().__init__(
            f"torch {torch.__version__}, {where}, {options.precision}{graphs}",
            network.input_shapes,
            network.output_shapes,
        )

    def _execute(self, inputs: Mapping[str, FloatArray], count: int) -> dict[str, FloatArray]:
        parts: list[dict[str, FloatArray]] = []
        most = self._options.max_batch if self._in_turns else count
        for start in range(0, count, most):
            given = {
                name: torch.from_numpy(np.ascontiguousarray(value[start : start + most]))
                for name, value in inputs.items()
            }
            with self._failing(f"failed on a batch of {count}"):
                found = self._captured_run(given) if self._capture else self._run(given)
                # Copies: the next replay writes over the tensors of a captured graph.
                parts.append({k: np.array(v.float().cpu().numpy()) for k, v in found.items()})
        return joined(parts)

    def _release(self) -> None:
        self._captured.clear()
        del self._network
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        with self._numbers():
            outputs: dict[str, Tensor] = self._network(
                {name: value.to(self._device) for name, value in inputs.items()}
            )
        return outputs

    def _captured_run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        size = len(next(iter(inputs.values())))
        captured = self._captured.get(size)
        if captured is None:
            captured = self._captured[size] = self._record(inputs)
        with torch.inference_mode():  # they were made in it: nothing else may write to them
            for name, value in inputs.items():
                captured.inputs[name].copy_(value)
        captured.graph.replay()
        return captured.outputs

    def _record(self, inputs: Mapping[str, Tensor]) -> _Captured:
        """See "CUDA graphs" in PyTorch's documentation: warm up on another stream, then capture."""
        with _CAPTURING, torch.cuda.device(self._device), self._numbers():
            held = {name: value.to(self._device, copy=True) for name, value in inputs.items()}
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(_WARM_UPS):
                    self._network(held)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            # Not on the stream it would choose: that is one for all GPUs, made on the first.
            with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                outputs = self._network(held)
        return _Captured(graph, held, outputs)

    @contextlib.contextmanager
    def _numbers(self) -> Iterator[None]:
        """No gradients, and only the number types that were asked for."""
        half = self._options.precision == "fp16"
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
            torch.autocast(self._device.type, torch.float16, enabled=half, cache_enabled=False),
        ):
            yield

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        try:
            yield
        except torch.cuda.OutOfMemoryError as error:
            raise EngineError(
                f"torch {what}: the GPU has too little memory ({first_line(error)}); lower "
                "max_batch, or end other programs that use the GPU."
            ) from None
        except RuntimeError as error:
            raise EngineError(f"torch {what} on {self._device} ({first_line(error)}).") from error


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(
            f"device is '{name}', which torch does not know ({first_line(error)}); use cuda, "
            "cuda:1 or cpu."
        ) from None
    if device.type not in ("cuda", "cpu"):
        raise ConfigurationError(f"device is '{name}'; the engine torch runs on cuda or cpu.")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise BackendUnavailable(
                "torch sees no GPU: "
                + (driver_problem() or "it was installed without CUDA; install the vendor's build.")
            )
        if (device.index or 0) >= torch.cuda.device_count():
            raise BackendUnavailable(
                f"device is '{name}', but torch sees {torch.cuda.device_count()} GPU(s)."
            )
    return device
