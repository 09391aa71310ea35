"""One graph whose rows do not depend on each other, run in blocks on several cores at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

from bharnet_ros.inference.engine import Engine, check_inputs
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.types import FloatArray
from bharnet_ros.workers import Workers, blocks, joined


class SharedRows:
    """An engine that shares the rows of a batch out among `workers`.

    engine: may be run by several threads at a time, and takes any number of rows. One that also
    gives what has no row per person is run with everybody.
    """

    def __init__(self, engine: Engine, workers: Workers) -> None:
        self._engine = engine
        self._workers = workers
        self._divisible = all(
            bool(shape) and isinstance(shape[0], str) for shape in engine.outputs.values()
        )
        self._last_ms = 0.0

    @property
    def identity(self) -> str:
        """That of the engine."""
        return self._engine.identity

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """Shapes by name."""
        return self._engine.inputs

    @property
    def outputs(self) -> Mapping[str, Shape]:
        """Shapes by name."""
        return self._engine.outputs

    @property
    def last_ms(self) -> float:
        """Duration of the last `run` in milliseconds."""
        return self._last_ms

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """All outputs by name. Raises ConfigurationError (names, shapes) or EngineError."""
        begin = time.perf_counter()
        count = check_inputs(self._engine.inputs, inputs)
        parts = self._workers.run(
            [
                partial(self._engine.run, {name: value[rows] for name, value in inputs.items()})
                for rows in self._blocks(count)
            ]
        )
        outputs = joined(parts)
        self._last_ms = (time.perf_counter() - begin) * 1e3
        return outputs

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        """Run zeros of these batch sizes, and of the blocks that they are cut into."""
        sizes = {rows.stop - rows.start for n in batch_sizes for rows in self._blocks(n)}
        self._engine.warm_up(sorted(sizes))
        self._last_ms = 0.0

    def close(self) -> None:
        """Free its memory and end the threads; a second time does nothing."""
        self._engine.close()
        self._workers.close()

    def _blocks(self, count: int) -> list[slice]:
        return blocks(count, self._workers.count if self._divisible else 1)
