"""A graph that takes images, run on any number of them, whatever batch it was exported for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import BundleError, ConfigurationError, EngineError
from bharnet_ros.inference import Engine, Report, engine_options, open_graph
from bharnet_ros.inference.options import check_options
from bharnet_ros.pose.sidecars import pipeline_size, read_pipeline
from bharnet_ros.types import FloatArray

MAX_RUN = 16
"""Images in one run at most; a crowd costs time, not memory without end."""


class ImageGraph:
    """One input (N, 3, H, W), any outputs whose first dimension is N; single numbers are left out.

    path: the graph. size: (width, height) where the graph leaves it free, None = as mmdeploy's
    pipeline.json beside it says. Graphs with a free batch take up to MAX_RUN images in one run;
    those exported for B images take B at a time. It may be used by several threads.
    Raises ConfigurationError for a graph of another kind, and what `open_graph` raises.
    """

    def __init__(self, path: Path, engine: Engine, size: tuple[int, int] | None = None) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._input, shape = _image_input(path, engine)
        self._fixed = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else 0
        height, width = (d if isinstance(d, int) and d > 0 else 0 for d in shape[2:])
        if size is None and not (width and height):
            size = pipeline_size(read_pipeline(path))
        if size is None and not (width and height):
            raise ConfigurationError(
                f"The graph {path} leaves its input size open ({list(shape)}); write input_size: "
                "[width, height] into the YAML file beside it."
            )
        if size is not None and ((width or size[0]), (height or size[1])) != size:
            raise ConfigurationError(
                f"The graph {path} takes images of {width} x {height} pixels; the file beside it "
                f"says input_size: {list(size)}: correct or remove that."
            )
        self.size = size or (int(width), int(height))
        self._path, self._open = path, not (width and height)
        self._rows = self._fixed or MAX_RUN
        self._buffer = np.zeros((0, 3, self.size[1], self.size[0]), np.float32)

    @property
    def identity(self) -> str:
        """Of the engine."""
        return self._engine.identity

    def one_by_one(self) -> None:
        """From now on, run a single image at a time wherever the graph allows it."""
        self._rows = self._fixed or 1

    def try_batches(self) -> bool:
        """Whether several images in one run give what each alone gives; else `one_by_one`.

        Exporters write a free batch into graphs whose inside was traced for one image.
        """
        if self._fixed:
            return True
        shape = (2, 3, self.size[1], self.size[0])
        images = np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)
        try:
            together = self._engine.run({self._input: images})
            alone = self._engine.run({self._input: images[1:]})
            fits = all(_alike(together[n][1:], value) for n, value in alone.items() if value.ndim)
        except (BundleError, EngineError):  # torch blames the graph
            fits = False
        if not fits:
            self.one_by_one()
        return fits

    def map(
        self, count: int, fill: Callable[[int, FloatArray], None]
    ) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
        """Run the graph on `count` images, a few at a time.

        fill(i, out): writes image i into out (3, H, W). Yields which images were run and their
        outputs by name, (n, ...). Raises EngineError.
        """
        for start in range(0, count, self._rows):
            end = min(start + self._rows, count)
            with self._lock:
                batch = self._room(self._fixed or end - start)
                for row, index in enumerate(range(start, end)):
                    fill(index, batch[row])
                batch[end - start :] = 0.0
                found = self._engine.run({self._input: batch})
            yield slice(start, end), {n: v[: end - start] for n, v in found.items() if v.ndim}

    def probe(self, value: float = 0.0) -> dict[str, FloatArray]:
        """What it gives for one image of this value; also makes the first real run a fast one.

        Raises EngineError, or ConfigurationError if a size that the graph leaves open is none
        that it can take.
        """
        try:
            ((_, outputs),) = self.map(1, lambda _, out: out.fill(value))
        except (BundleError, EngineError) as error:
            if not self._open:
                raise
            raise ConfigurationError(
                f"The graph {self._path} leaves its input size open and fails on an image of "
                f"{self.size[0]} x {self.size[1]} pixels, which the file beside it states "
                f"({error}) Correct input_size there."
            ) from error
        return outputs

    def close(self) -> None:
        """Free the network; a second time does nothing."""
        self._engine.close()

    def _room(self, rows: int) -> FloatArray:
        if len(self._buffer) < rows:
            self._buffer = np.zeros((rows, *self._buffer.shape[1:]), np.float32)
        return self._buffer[:rows]


def title(path: Path) -> str:
    """A graph's name for people; in the store and in archives all files have the same one."""
    return path.parent.name if path.stem in ("model", "end2end") else path.name


def _alike(a: FloatArray, b: FloatArray) -> bool:
    """Equal but for the number types and orders of sums that a batch may be computed with."""
    if a.shape != b.shape:
        return False
    scale = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
    return bool(np.allclose(a, b, rtol=0.0, atol=0.02 * scale, equal_nan=True))


EngineSettings = Mapping[str, Any] | Sequence[str] | None
"""Options of an engine: by name, or texts such as "precision=fp16", or one text of several with
semicolons."""


def settings_of(engine: str, options: EngineSettings, num_threads: int) -> dict[str, Any]:
    """Checked options for `open_graph`; `num_threads` goes to engines that have threads.

    Raises ConfigurationError.
    """
    if not isinstance(engine, str):
        raise ConfigurationError(f"engine is {engine!r}; it must be a name, such as onnxruntime.")
    if isinstance(options, Mapping):
        given = {**engine_options(engine, (), num_threads), **options}
        check_options(engine, given)
        return given
    texts = options.split(";") if isinstance(options, str) else options or ()
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise ConfigurationError(
            f"engine_options is {options!r}; it must be texts, such as precision=fp16."
        )
    return engine_options(engine, texts, num_threads)


@contextmanager
def opened(
    path: Path, engine: str, options: EngineSettings, num_threads: int, report: Report | None
) -> Iterator[Engine]:
    """An engine with the graph, which is closed again if what follows fails."""
    opened_engine = open_graph(
        path, engine, report=report, **settings_of(engine, options, num_threads)
    )
    try:
        yield opened_engine
    except BaseException:
        opened_engine.close()
        raise


def _image_input(path: Path, engine: Engine) -> tuple[str, tuple[int | str, ...]]:
    shapes = {name: list(shape) for name, shape in engine.inputs.items()}
    for name, shape in engine.inputs.items():
        if len(shapes) == 1 and len(shape) == 4 and (shape[1] == 3 or isinstance(shape[1], str)):
            return name, shape
    raise ConfigurationError(
        f"The graph {path} takes {shapes}; one input of shape [N, 3, height, width] is expected: "
        "use a pose or detection network exported to ONNX."
    )
