"""From an ONNX graph to a serialized TensorRT engine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bharnet_ros.errors import BundleError, EngineError
from bharnet_ros.inference.engine import Report
from bharnet_ros.inference.options import TensorRTOptions
from bharnet_ros.inference.precision import quantized, to_fp16
from bharnet_ros.inference.tensorrt.flavours import Flavour
from bharnet_ros.inference.tensorrt.log import make_logger

PROGRESS_EVERY_S = 5.0


def build_plan(
    flavour: Flavour,
    trt: Any,
    graph: Path,
    options: TensorRTOptions,
    timing_cache: Path,
    report: Report,
) -> bytes:
    """The serialized engine. trt: the library. timing_cache: file that later builds learn from.

    Raises BundleError if the graph cannot be parsed, with the node that is to blame, and
    EngineError if the builder gives up.
    """
    flavour.check_precision(trt, options.precision)
    content = _with_precision(graph, options)
    logger, log = make_logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(flavour.network_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(content, str(graph)):  # weights may lie in files beside it
        raise BundleError(
            f"{flavour.title} {trt.__version__} cannot use the graph {graph}: "
            f"{_parser_errors(parser) or log.errors()}. Use the engine onnxruntime for it."
        )
    config = builder.create_builder_config()
    if options.precision != "tf32":  # on by default, and off by a few thousandths
        config.clear_flag(trt.BuilderFlag.TF32)
    if options.workspace_mb:
        pool = trt.MemoryPoolType.WORKSPACE
        config.set_memory_pool_limit(pool, options.workspace_mb * 1_000_000)
    _add_profiles(builder, network, config, options)
    timed = options.timing_cache and flavour.times_kernels
    remember = use_timing_cache(config, timing_cache) if timed else None
    with _progress(trt, config, report):
        plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(
            f"{flavour.title} could not build an engine of {graph} ({log.errors() or 'no reason'}"
            " given); if memory was short, end other programs, lower max_batch or set workspace_mb."
        )
    if remember is not None:
        remember()
    return bytes(plan)


def _with_precision(graph: Path, options: TensorRTOptions) -> bytes:
    """Networks are strongly typed: what is to run in 16 or 8 bits says so in the graph."""
    if options.precision == "int8":
        return quantized(graph, Path(os.path.expanduser(options.calibration)))
    return to_fp16(graph) if options.precision == "fp16" else graph.read_bytes()


def _parser_errors(parser: Any) -> str:
    """What the parser complains about, node by node."""
    texts = []
    for index in range(min(parser.num_errors, 3)):
        error = parser.get_error(index)
        node = getattr(error, "node_name", lambda: "")() or f"number {error.node()}"
        kind = getattr(error, "node_operator", lambda: "")()
        texts.append(f"node {node}{f' ({kind})' if kind else ''}: {error.desc().strip()}")
    return "; ".join(texts)


def _add_profiles(builder: Any, network: Any, config: Any, options: TensorRTOptions) -> None:
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    shapes = ", ".join(f"{t.name} {list(t.shape)}" for t in inputs)
    if all(min(tuple(tensor.shape)) >= 1 for tensor in inputs):
        return  # exported for one batch size: there is nothing to choose
    if any(tensor.shape[0] != -1 or min(tuple(tensor.shape)[1:]) < 1 for tensor in inputs):
        raise BundleError(
            f"The graph's inputs are {shapes}; the first dimension, and only that, must be free "
            "(-1): export it again so."
        )
    for sizes in options.profiles:
        profile = builder.create_optimization_profile()
        for tensor in inputs:
            rest = tuple(tensor.shape)[1:]
            profile.set_shape(tensor.name, *((size, *rest) for size in sizes))
        if config.add_optimization_profile(profile) < 0:
            raise EngineError(
                f"The batch sizes {sizes} do not suit the graph's inputs ({shapes}); use another "
                "max_batch."
            )


def use_timing_cache(config: Any, file: Path) -> Callable[[], None] | None:
    """Give the builder what earlier builds measured; returns what writes the new state down."""
    try:
        known = file.read_bytes()
    except OSError:
        known = b""
    cache = None
    for content in (known, b""):  # one of another version is refused: begin anew
        with contextlib.suppress(RuntimeError, TypeError, ValueError):
            cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
            break
        cache = None
    if cache is None:
        return None

    def remember() -> None:
        with contextlib.suppress(OSError, RuntimeError, TypeError):
            file.write_bytes(bytes(config.get_timing_cache().serialize()))

    return remember


@contextlib.contextmanager
def _progress(trt: Any, config: Any, report: Report) -> Iterator[None]:
    """Report every few seconds that the build goes on, and what it does where the version tells."""
    phase = [""]
    monitor = _monitor(trt, phase)
    if monitor is not None:
        config.progress_monitor = monitor
    done = threading.Event()
    begin = time.monotonic()

    def tell() -> None:
        while not done.wait(PROGRESS_EVERY_S):
            doing = f": {phase[0]}" if phase[0] else ""
            report(f"Still building after {time.monotonic() - begin:.0f} s{doing}.")

    thread = threading.Thread(target=tell, name="engine build", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _monitor(trt: Any, phase: list[str]) -> Any:
    """Keeps the text of what the builder does in `phase`; None where a version cannot tell."""
    if not hasattr(trt, "IProgressMonitor"):
        return None
    base = trt.IProgressMonitor

    class Monitor(base):  # type: ignore[misc, valid-type]  # known at run time only
        def __init__(self) -> None:
            base.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = num_steps
            phase[0] = phase_name

        def step_complete(self, phase_name: str, step: int) -> bool:
            phase[0] = f"{phase_name}, step {step + 1} of {self._steps.get(phase_name, '?')}"
            return True

        def phase_finish(self, phase_name: str) -> None:
            self._steps.pop(phase_name, None)

    return Monitor()
