"""What every inference engine offers, and what all of them share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from bharnet_ros.errors import ConfigurationError, EngineError
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.types import FloatArray

Report = Callable[[str], None]
"""Takes the lines that tell a person what takes long: a build begins, goes on, is done."""


class Engine(Protocol):
    """Runs one graph with named inputs and outputs on batches of any size."""

    @property
    def identity(self) -> str:
        """One line for diagnostics: engine, version, device, precision or threads."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """Shapes of the inputs by name; a text instead of a number is a free dimension."""

    @property
    def outputs(self) -> Mapping[str, Shape]:
        """Shapes of the outputs by name."""

    @property
    def last_ms(self) -> float:
        """Duration of the last `run` in milliseconds; 0 before the first."""

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """All outputs by name for float32 inputs that share their first dimension N >= 1.

        Outputs that the graph gives as whole numbers, such as labels, come as float32 too.
        Raises ConfigurationError if names or shapes do not fit, EngineError if the run fails.
        """

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        """Run zeros of these batch sizes, so that the first real run is not the slow one."""

    def close(self) -> None:
        """Free its memory now, on the GPU too; `run` raises EngineError from then on."""


class GraphEngine(ABC):
    """The part of an engine that does not depend on what runs the graph.

    Checks what it is given, measures, warms up; an implementation fills in `_execute`.
    """

    def __init__(
        self, identity: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
    ) -> None:
        self._identity = identity
        self._inputs = dict(inputs)
        self._outputs = dict(outputs)
        self._last_ms = 0.0
        self._closed = False

    @property
    def identity(self) -> str:
        """Engine, version, device, precision or threads."""
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
        """All outputs by name. Raises ConfigurationError (names, shapes) or EngineError."""
        begin = time.perf_counter()
        if self._closed:
            raise EngineError(f"The engine ({self._identity}) was closed; create it again.")
        count = check_inputs(self._inputs, inputs)
        outputs = self._execute(inputs, count)
        self._last_ms = (time.perf_counter() - begin) * 1e3
        return outputs

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

    def close(self) -> None:
        """Free its memory; a second time does nothing."""
        if not self._closed:
            self._closed = True
            self._release()

    @abstractmethod
    def _execute(self, inputs: Mapping[str, FloatArray], count: int) -> dict[str, FloatArray]:
        """All outputs by name for checked inputs of batch size `count`."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of everything; nothing is run afterwards."""


def check_inputs(shapes: Mapping[str, Shape], inputs: Mapping[str, FloatArray]) -> int:
    """The batch size of inputs that fit these shapes; ConfigurationError if they do not."""
    if set(inputs) != set(shapes):
        raise ConfigurationError(
            f"The graph takes the inputs {', '.join(shapes)}; it was given "
            f"{', '.join(inputs) or 'none'}."
        )
    sizes = set()
    for name, shape in shapes.items():
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
    if len(sizes) != 1 or 0 in sizes:
        raise ConfigurationError(
            f"The inputs have batch sizes {sorted(sizes)}; they must share one of at least 1."
        )
    return int(sizes.pop())


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, or its class if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
