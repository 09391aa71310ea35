"""ONNX Runtime behind the Engine protocol."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import BackendUnavailable, BundleError, ConfigurationError
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.types import FloatArray


class OnnxRuntimeEngine:
    """Runs an ONNX graph.

    model: path of the graph.
    threads: cores one run may use; 1 or 2 leave the others to the pose networks.
    providers: ONNX Runtime execution providers in order of preference.
    Raises BackendUnavailable, ConfigurationError (threads, providers) or BundleError (graph).
    """

    def __init__(
        self,
        model: str | Path,
        *,
        threads: int = 1,
        providers: Sequence[str] = ("CPUExecutionProvider",),
    ) -> None:
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise BackendUnavailable(
                f"The engine onnxruntime cannot be loaded ({error}); install it with "
                "`pip install onnxruntime`."
            ) from None
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ConfigurationError(
                f"threads is {threads!r}; it must be a whole number of at least 1."
            )
        offered = ort.get_available_providers()
        missing = [name for name in providers if name not in offered]
        if missing or not providers:
            raise ConfigurationError(
                f"ONNX Runtime provider {', '.join(missing) or '(none given)'} is not in this "
                f"build of onnxruntime; it has {', '.join(offered)}."
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors reach the caller as exceptions
        # Spinning threads would keep cores busy between ticks that the pose networks need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        try:
            self._session: Any = ort.InferenceSession(
                str(model), sess_options=options, providers=list(providers)
            )
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class.
            raise BundleError(
                f"ONNX Runtime refuses the graph {model} ({_first_line(error)}); export the "
                "bundle again."
            ) from None
        self._inputs = {node.name: _shape(node.shape) for node in self._session.get_inputs()}
        self._outputs = {node.name: _shape(node.shape) for node in self._session.get_outputs()}
        for node in (*self._session.get_inputs(), *self._session.get_outputs()):
            if node.type != "tensor(float)":
                raise BundleError(
                    f"'{node.name}' of the graph {model} is {node.type}; only float32 is used "
                    "here: export the bundle again."
                )
        used = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        plural = "" if threads == 1 else "s"
        self._identity = f"onnxruntime {ort.__version__}, {used}, {threads} thread{plural}"
        self._last_ms = 0.0

    @property
    def identity(self) -> str:
        """Version, provider and threads."""
        return self._identity

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """Shapes by name."""
        return self._inputs

    @property
    def outputs(self) -> Mapping[str, Shape]:
        """Shapes by name."""
        return self._outputs

    @property
    def last_ms(self) -> float:
        """Duration of the last `run` in milliseconds."""
        return self._last_ms

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """All outputs by name. Raises ConfigurationError if names or shapes do not fit."""
        begin = time.perf_counter()
        self._check(inputs)
        values = self._session.run(None, dict(inputs))
        self._last_ms = (time.perf_counter() - begin) * 1e3
        return dict(zip(self._outputs, values, strict=True))

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        """Run zeros of these batch sizes."""
        for size in batch_sizes:
            self.run(
                {
                    name: np.zeros([d if isinstance(d, int) else size for d in shape], np.float32)
                    for name, shape in self._inputs.items()
                }
            )
        self._last_ms = 0.0

    def _check(self, inputs: Mapping[str, FloatArray]) -> None:
        if set(inputs) != set(self._inputs):
            raise ConfigurationError(
                f"The graph takes the inputs {', '.join(self._inputs)}; it was given "
                f"{', '.join(inputs) or 'none'}."
            )
        sizes = set()
        for name, shape in self._inputs.items():
            value = inputs[name]
            fits = value.ndim == len(shape) and all(
                isinstance(wanted, str) or wanted == got
                for wanted, got in zip(shape, value.shape, strict=True)
            )
            if not fits or value.dtype != np.float32:
                raise ConfigurationError(
                    f"Input '{name}' is {value.dtype} of shape {list(value.shape)}; the graph "
                    f"takes float32 of shape {list(shape)}."
                )
            sizes.add(value.shape[0])
        if len(sizes) != 1:
            raise ConfigurationError(
                f"The inputs have batch sizes {sorted(sizes)}; they must share one."
            )


def _shape(shape: Sequence[Any]) -> Shape:
    """ONNX Runtime names free dimensions, or gives None for those without a name."""
    return tuple(d if isinstance(d, int) else str(d or "?") for d in shape)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
