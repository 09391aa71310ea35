"""The serialized engine for a graph: the one on disk if it fits, else a new one."""

from __future__ import annotations

import os
from pathlib import Path

from bharnet_ros.inference.cache import BuiltEngine, EngineKey, engine_folder, obtain
from bharnet_ros.inference.digest import graph_sha256, sha256_of
from bharnet_ros.inference.engine import Report
from bharnet_ros.inference.options import TensorRTOptions
from bharnet_ros.inference.tensorrt.build import build_plan
from bharnet_ros.inference.tensorrt.flavours import Flavour


def engine_key(flavour: Flavour, graph: Path, options: TensorRTOptions) -> EngineKey:
    """What an engine must have been built from, for and by to be used here.

    Raises BackendUnavailable (library, driver) or ConfigurationError (graph, calibration).
    """
    calibration = os.path.expanduser(options.calibration)
    return EngineKey(
        engine=flavour.name,
        version=str(flavour.load().__version__),
        gpu=flavour.gpu_of_build(options.device),
        precision=options.precision,
        onnx_sha256=graph_sha256(graph),
        profiles=options.profiles,
        calibration_sha256=sha256_of(Path(calibration)) if calibration else "",
    )


def find_or_build(
    flavour: Flavour, graph: Path, folder: Path, options: TensorRTOptions, report: Report
) -> BuiltEngine:
    """The engine of `graph` from `folder`, or built now and kept there.

    Raises what `engine_key` and `build_plan` do.
    """
    key = engine_key(flavour, graph, options)
    folder = engine_folder(folder)
    timing = folder / f"{flavour.name}.timing"

    def build() -> bytes:
        with flavour.building_on(options.device):
            return build_plan(flavour, flavour.load(), graph, options, timing, report)

    return obtain(folder, key, build, report, prefix=f"{graph.stem}-")
