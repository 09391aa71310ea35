"""Windows that show int8 which numbers occur: a plain .npz with an array per input of the graph."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference.engine import first_line
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.types import FloatArray

LEAST = 16
MOST = 4096
_MAX_BYTES = 1 << 30


def save_calibration(path: str | Path, inputs: Mapping[str, FloatArray]) -> None:
    """Write inputs of a graph, each (N, ...) float32 with the same N.

    path: of the file, whatever it ends in. Raises ConfigurationError if it cannot be written.
    """
    arrays: dict[str, Any] = {k: np.asarray(v, np.float32) for k, v in inputs.items()}
    try:
        with Path(path).open("wb") as file:  # given a name, NumPy would add .npz to it
            np.savez_compressed(file, **arrays)
    except OSError as error:
        raise ConfigurationError(
            f"The file of windows {path} cannot be written ({error.strerror or error}); free some "
            "room or choose another place."
        ) from None


def load_calibration(path: Path, graph: Path) -> dict[str, FloatArray]:
    """Inputs of the graph, for int8. Raises ConfigurationError, also for too few windows."""
    from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine

    found = read_windows(path, OnnxRuntimeEngine(graph).inputs)
    count = len(next(iter(found.values())))
    if not LEAST <= count <= MOST:
        raise ConfigurationError(
            f"The calibration file {path} has {count} windows; it must have from {LEAST} to {MOST}."
        )
    return found


def read_windows(path: Path, shapes: Mapping[str, Shape]) -> dict[str, FloatArray]:
    """Inputs (N, ...) float32 by name, checked against the shapes that are wanted.

    Raises ConfigurationError for a file that is missing, no .npz, too large, or whose arrays do
    not fit; nothing in it is unpickled.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                raise ValueError(f"it unpacks to more than {_MAX_BYTES >> 20} MiB")
        with np.load(path, allow_pickle=False) as data:
            missing = [name for name in shapes if name not in data.files]
            if missing:
                raise ValueError(f"it has no array '{missing[0]}'")
            found = {name: np.asarray(data[name], np.float32) for name in shapes}
    except FileNotFoundError:
        raise ConfigurationError(
            f"The file of windows {path} does not exist; write one with "
            "`python -m bharnet_ros engines windows`."
        ) from None
    except Exception as error:  # of a damaged file zipfile, zlib and NumPy raise anything
        raise ConfigurationError(
            f"The file of windows {path} cannot be used ({first_line(error)}); write one with "
            "`python -m bharnet_ros engines windows`."
        ) from None
    for name, shape in shapes.items():
        rows = found[name].shape
        if len(rows) != len(shape) or rows[1:] != shape[1:] or not np.isfinite(found[name]).all():
            raise ConfigurationError(
                f"The file of windows {path} has '{name}' of shape {list(found[name].shape)}, "
                f"the graph takes {list(shape)}, finite; write the file for this bundle."
            )
    counts = sorted({len(value) for value in found.values()})
    if len(counts) != 1 or counts[0] < 1:
        raise ConfigurationError(
            f"The file of windows {path} has {counts} windows of its inputs; it must have the same "
            "number of each, at least one."
        )
    return found
