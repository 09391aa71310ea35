"""The same graph in other number types, for builders that take the types from the graph.

TensorRT 11 and TensorRT-RTX have no "use fp16" switch; what is to run in 16 or 8 bits has to say
so. The conversions are ONNX Runtime's; they need the package onnx, on the building machine only.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bharnet_ros.errors import BackendUnavailable, BundleError
from bharnet_ros.inference.calibration import load_calibration
from bharnet_ros.inference.engine import first_line

_QUANTIZED = ("Conv", "MatMul", "Gemm")


def to_fp16(graph: Path) -> bytes:
    """The graph computing in float16; its inputs and outputs stay float32.

    Raises BackendUnavailable (package onnx), BundleError (graph).
    """
    onnx = _onnx()
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with _quiet(), _refusing(graph, "float16"):
        source = onnx.load(str(graph))
        _forget_types(source)
        model = convert_float_to_float16(source, keep_io_types=True)
        _drop_twins(model)
        content: bytes = model.SerializeToString()
    return content


def quantized(graph: Path, calibration: Path) -> bytes:
    """The graph with its convolutions and matrix products in int8.

    Symmetric, weights per channel, biases left alone: what TensorRT takes (Q/DQ nodes). The
    ranges of activations are the largest seen on the windows of `calibration`.
    Raises BackendUnavailable (package onnx), ConfigurationError (windows), BundleError (graph).
    """
    onnx = _onnx()
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    windows = load_calibration(calibration, graph)
    count = len(next(iter(windows.values())))

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # a class without types
        def __init__(self) -> None:
            self._rows = iter(range(count))

        def get_next(self) -> dict[str, Any] | None:
            row = next(self._rows, None)
            return None if row is None else {k: v[row : row + 1] for k, v in windows.items()}

    with tempfile.TemporaryDirectory() as scratch, _quiet(), _refusing(graph, "int8"):
        # A copy: the tool writes beside its source, and an installed bundle is for reading only.
        source, target = Path(scratch) / "graph.onnx", Path(scratch) / "int8.onnx"
        onnx.save(onnx.load(str(graph)), str(source))
        quantize_static(
            str(source),
            str(target),
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTIZED),
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options={
                "ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False,
                "DedicatedQDQPair": True,
            },
        )  # fmt: skip
        return target.read_bytes()


def _forget_types(model: Any) -> None:
    """Exporters may note the type of a constant beside the constant itself. The converter then
    casts what must stay float32, such as the scales of a Resize, from float16."""
    constants = {tensor.name for tensor in model.graph.initializer}
    for index in reversed(range(len(model.graph.value_info))):
        if model.graph.value_info[index].name in constants:
            del model.graph.value_info[index]


def _drop_twins(model: Any) -> None:
    """The converter writes a Cast for every reader of a value, all under one name."""
    casts: set[str] = set()
    for index in reversed(range(len(model.graph.node))):
        node = model.graph.node[index]
        if node.op_type == "Cast":
            if node.output[0] in casts:
                del model.graph.node[index]
            casts.add(node.output[0])


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise BackendUnavailable(
            f"This precision changes the graph, which needs the package onnx ({error}); install "
            "it with `pip install onnx`, or use precision=fp32."
        ) from None
    return onnx


@contextlib.contextmanager
def _refusing(graph: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (BackendUnavailable, BundleError):
        raise
    except Exception as error:  # the tools raise whatever onnx, protobuf and NumPy raise
        raise BundleError(
            f"The graph {graph} cannot be made {kind} ({first_line(error)}); use precision=fp32."
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The tools print advice on standard output and as warnings; a node's log needs none of it."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
