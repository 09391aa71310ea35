"""The networks inside the mediapipe wheel: finding their files and running them.

mediapipe itself is never imported (it would drag in jax and old pins of numpy and protobuf);
only its .tflite files are read, by ai_edge_litert. Both are optional packages.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.pose.mediapipe.trim import trim
from bharnet_ros.types import Image

RUNTIME_INSTALL = "pip install ai-edge-litert"
MODELS_INSTALL = "pip install --no-deps mediapipe==0.10.21"


def runtime_available() -> bool:
    """Whether ai_edge_litert can be found (it is not imported)."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def model_folder(model_dir: str | Path | None = None) -> Path:
    """The folder that holds the .tflite files, searched recursively by `find_model`.

    model_dir: a folder of the user's own; None means the installed mediapipe wheel.
    Raises ConfigurationError (no such folder) or BackendUnavailable (no wheel).
    """
    if model_dir is not None:
        folder = Path(model_dir).expanduser()
        if not folder.is_dir():
            raise ConfigurationError(
                f"model_dir '{model_dir}' is not a folder; name the folder with the .tflite files "
                f"or leave the option empty to use those of the mediapipe package"
            )
        return folder
    spec = importlib.util.find_spec("mediapipe")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    for place in places:
        if (Path(place) / "modules").is_dir():
            return Path(place) / "modules"
    raise BackendUnavailable(
        "The mediapipe pose backend needs the network files of the mediapipe package, "
        f"which is not installed: {MODELS_INSTALL}"
    )


def find_model(folder: Path, name: str) -> Path:
    """The file `name` in `folder` or one level below it; BackendUnavailable when missing."""
    for candidate in (folder / name, *sorted(folder.glob(f"*/{name}"))):
        if candidate.is_file():
            return candidate
    raise BackendUnavailable(
        f"The network file {name} is missing in '{folder}'; version 0.10.21 of the mediapipe "
        f"package is the last one that carries it: {MODELS_INSTALL}"
    )


class Network:
    """One network: a square RGB image in, float arrays out.

    path: a .tflite file. side: expected input side in pixels. outputs: the expected shape of
    each output in the order in which the file lists them, None for one that is not wanted and
    then not computed (nor is any after the last one named). value_range: (low, high) that 0 and
    255 are mapped to. num_threads: CPU threads of one run.
    """

    def __init__(
        self,
        path: Path,
        side: int,
        outputs: Sequence[tuple[int, ...] | None],
        value_range: tuple[float, float] = (0.0, 1.0),
        num_threads: int = 1,
    ) -> None:
        self.side = side
        keep = [i for i, shape in enumerate(outputs) if shape is not None]
        expected = [shape for shape in outputs if shape is not None]
        self._interpreter, trimmed = _open(path, keep, num_threads)
        given = [tuple(int(n) for n in d["shape"]) for d in self._interpreter.get_input_details()]
        if given != [(1, side, side, 3)]:
            raise ConfigurationError(
                f"'{path}' takes inputs of shape {given}, expected one of (1, {side}, {side}, 3); "
                f"use the files of mediapipe 0.10.21"
            )
        details = self._interpreter.get_output_details()
        if not trimmed:
            details = [details[i] for i in keep if i < len(details)]
        found = [tuple(int(n) for n in d["shape"]) for d in details]
        if found != expected:
            raise ConfigurationError(
                f"'{path}' gives outputs of shapes {found}, expected {expected}; "
                f"use the files of mediapipe 0.10.21"
            )
        self._input = int(self._interpreter.get_input_details()[0]["index"])
        self._outputs = [int(d["index"]) for d in details]
        low, high = value_range
        self._scale, self._low = (high - low) / 255.0, low
        self._buffer = np.empty((1, side, side, 3), dtype=np.float32)

    def run(self, image_bgr: Image) -> list[npt.NDArray[np.float32]]:
        """(side, side, 3) uint8 BGR -> the wanted outputs, each with its batch axis.

        A fourth channel is left out.
        """
        wide = image_bgr.shape[2] == 4
        rgb = cv2.cvtColor(image_bgr, cv2.COLOR_BGRA2RGB if wide else cv2.COLOR_BGR2RGB)
        np.multiply(rgb, np.float32(self._scale), out=self._buffer[0])
        if self._low:
            self._buffer += np.float32(self._low)
        self._interpreter.set_tensor(self._input, self._buffer)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def _open(path: Path, keep: Sequence[int], num_threads: int) -> tuple[Any, bool]:
    """An interpreter with its tensors allocated, and whether it has the outputs `keep` only."""
    try:
        module = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise BackendUnavailable(
            "The mediapipe pose backend runs its networks with ai_edge_litert, which cannot be "
            f"imported ({error}): {RUNTIME_INSTALL}"
        ) from error
    try:
        content = trim(path, keep)
        source = {"model_path": str(path)} if content is None else {"model_content": content}
        interpreter = module.Interpreter(**source, num_threads=num_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise BackendUnavailable(
            f"'{path}' is not a network that ai_edge_litert can run ({error}); "
            f"reinstall it: {MODELS_INSTALL}"
        ) from error
    return interpreter, content is not None
