"""ONNX Runtime behind the Engine protocol: the CPU everywhere, CUDA and TensorRT where built in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import BackendUnavailable, BundleError, ConfigurationError, EngineError
from bharnet_ros.inference.cache import engine_folder
from bharnet_ros.inference.digest import graph_sha256
from bharnet_ros.inference.driver import driver_problem, load_driver
from bharnet_ros.inference.engine import GraphEngine, first_line
from bharnet_ros.inference.options import PROVIDERS, OnnxRuntimeOptions
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.types import FloatArray

_CPU = PROVIDERS["cpu"]
_NUMBERS = ("tensor(int64)", "tensor(int32)", "tensor(float16)", "tensor(double)")
"""What outputs may hold beside float32; labels are whole numbers."""
_ON_NVIDIA = (PROVIDERS["cuda"], PROVIDERS["tensorrt"])


class OnnxRuntimeEngine(GraphEngine):
    """Runs an ONNX graph with ONNX Runtime.

    model: path of the graph. folder: where the provider tensorrt keeps what it builds, `engines`
    beside the graph if None. one_core: of a processor, for graphs of which several runs go on side
    by side: each stays on one core, and `threads` is how many may be in use at a time.
    Raises BackendUnavailable (package, driver), ConfigurationError (threads, providers) or
    BundleError (graph).
    """

    def __init__(
        self,
        model: str | Path,
        *,
        folder: str | Path | None = None,
        options: OnnxRuntimeOptions | None = None,
        one_core: bool = False,
    ) -> None:
        chosen = options or OnnxRuntimeOptions()
        ort = _package()
        offered = ort.get_available_providers()
        missing = [name for name in chosen.providers if name not in offered]
        if missing:
            raise ConfigurationError(
                f"ONNX Runtime provider {', '.join(missing)} is not in this build of onnxruntime; "
                f"it has {', '.join(offered)}. For GPUs install onnxruntime-gpu in its place "
                "(JetPack has a build of its own), for Intel onnxruntime-openvino."
            )
        if set(chosen.providers) & set(_ON_NVIDIA):
            load_driver().gpu(chosen.device)
        self._session = _session(
            ort, Path(model), folder, chosen, 1 if one_core else chosen.threads
        )
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        for node in (*inputs, *outputs):
            if node.type != "tensor(float)" and (node in inputs or node.type not in _NUMBERS):
                raise BundleError(
                    f"'{node.name}' of the graph {model} is {node.type}; inputs must be float32, "
                    "and outputs numbers: export it again so."
                )
        self._names = [node.name for node in outputs]
        first = chosen.providers[0]
        if first not in self._session.get_providers():
            raise BackendUnavailable(
                f"ONNX Runtime could not start its provider {first} "
                f"({driver_problem() or 'the CUDA, cuDNN or TensorRT libraries it was built for'} "
                "are missing or of another version); install what its release notes name, or use "
                "providers=cpu."
            )
        name = first.removesuffix("ExecutionProvider")
        plural = "" if chosen.threads == 1 else "s"
        detail = f"{chosen.threads} thread{plural}" if first == _CPU else chosen.precision
        super().__init__(
            f"onnxruntime {ort.__version__}, {name}, {detail}",
            {node.name: _shape(node.shape) for node in inputs},
            {node.name: _shape(node.shape) for node in outputs},
        )

    def _execute(self, inputs: Mapping[str, FloatArray], count: int) -> dict[str, FloatArray]:
        try:
            values = self._session.run(None, dict(inputs))
        except Exception as error:  # ONNX Runtime's own exceptions share no public base class.
            raise EngineError(
                f"ONNX Runtime failed on a batch of {count} ({first_line(error)}); if memory is "
                "short, end other programs or use fewer threads and a smaller bundle."
            ) from error
        return {
            name: np.asarray(value, np.float32)
            for name, value in zip(self._names, values, strict=True)
        }

    def _release(self) -> None:
        del self._session


def _package() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendUnavailable(
            f"The engine onnxruntime cannot be loaded ({error}); install it with "
            "`pip install onnxruntime`."
        ) from None
    return onnxruntime


def _session(
    ort: Any, model: Path, folder: str | Path | None, chosen: OnnxRuntimeOptions, threads: int
) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors reach the caller as exceptions
    # Spinning threads would keep cores busy between ticks that the pose networks need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    settings = [
        provider_settings(name, chosen, _place(name, model, folder), _shapes(ort, model))
        if name != _CPU
        else {}
        for name in chosen.providers
    ]
    try:
        return ort.InferenceSession(
            str(model),
            sess_options=options,
            providers=list(zip(chosen.providers, settings, strict=True)),
        )
    except Exception as error:
        raise _refused(model, error) from None


def _place(name: str, model: Path, folder: str | Path | None) -> Path:
    """Where a provider keeps its engines. That of TensorRT tells graphs apart by their nodes, not
    by their weights: it would take the engine of the network before it was trained again."""
    place = model.parent / "engines" if folder is None else Path(folder)
    if name != PROVIDERS["tensorrt"] or not model.is_file():
        return place
    return place / f"{model.stem}-{graph_sha256(model)[:12]}"


def _refused(model: Path, error: Exception) -> BundleError:
    return BundleError(
        f"ONNX Runtime refuses the graph {model} ({first_line(error)}); export or copy it again."
    )


def _shapes(ort: Any, model: Path) -> dict[str, Shape]:
    """Of the inputs; the providers that prepare for shapes want them before there is a session."""
    try:
        session = ort.InferenceSession(str(model), providers=[_CPU])
    except Exception as error:
        raise _refused(model, error) from None
    return {node.name: _shape(node.shape) for node in session.get_inputs()}


def provider_settings(
    name: str, options: OnnxRuntimeOptions, folder: str | Path, inputs: Mapping[str, Shape]
) -> dict[str, str]:
    """What a provider other than the CPU's is told.

    folder: where engines are kept. inputs: shapes by name, the first dimension free. Raises
    BundleError for the provider tensorrt if others are free, too: what they may be, nobody says.
    """
    if name == PROVIDERS["cuda"]:
        # The exhaustive search would measure every convolution again for every new batch size.
        return {"device_id": str(options.device), "cudnn_conv_algo_search": "HEURISTIC"}
    if name != PROVIDERS["tensorrt"]:
        return {}
    for input_name, shape in inputs.items():
        if any(isinstance(size, str) for size in shape[1:]):
            raise BundleError(
                f"The graph's input '{input_name}' is {list(shape)}; for the provider tensorrt the "
                "first dimension, and only that, may be free: export it again with a fixed size, "
                "or use providers=cuda."
            )
    cache, most = str(engine_folder(folder)), options.max_batch
    shapes = {
        kind: ",".join(
            f"{name}:{'x'.join(str(size if isinstance(d, str) else d) for d in shape)}"
            for name, shape in inputs.items()
        )
        for kind, size in (("min", 1), ("opt", min(4, most)), ("max", most))
    }
    return {
        "device_id": str(options.device),
        "trt_fp16_enable": str(options.precision == "fp16"),
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": cache,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": cache,
        **{f"trt_profile_{kind}_shapes": text for kind, text in shapes.items()},
    }


def _shape(shape: Sequence[Any]) -> Shape:
    """ONNX Runtime names free dimensions, or gives None for those without a name."""
    return tuple(d if isinstance(d, int) else str(d or "?") for d in shape)
