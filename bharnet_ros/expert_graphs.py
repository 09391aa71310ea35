"""A bundle whose body expert, hand expert and fusion are graphs of their own, as one engine.

So that an expert runs only for the people it can say something about: hands are rarely seen from
across a room. The fusion learns of it as it does from the undivided graph: people left out get
what the expert answers when it is shown nothing, measured once, so every output is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import BundleError
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import FUSION, RGB, Shape
from bharnet_ros.types import FloatArray
from bharnet_ros.workers import Workers, blocks, joined

if TYPE_CHECKING:  # the engines' own module chooses this one for split bundles
    from bharnet_ros.inference import Engine

_ROUNDING = 1e-6
"""A share this close below `min_share` may be on either side in the graph: let the graph decide."""


class ExpertGraphs:
    """The graphs of one bundle behind the Engine protocol.

    manifest: of a bundle that is split. engines: one for each of its graphs, by role; the one for
    pixels may be left out.
    workers: of a processor: both experts and blocks of people run side by side, each on one core
    (see `bharnet_ros.workers`). None: one expert after the other with everybody, as on a
    GPU.
    Raises BundleError if the graphs do not fit each other or the manifest.
    """

    def __init__(
        self,
        manifest: Manifest,
        engines: Mapping[str, Engine],
        workers: Workers | None = None,
    ) -> None:
        self._manifest = manifest
        self._workers = workers
        self._engines = {role: engines[role] for role in manifest.graphs if role in engines}
        missing = [role for role in (*manifest.streams, FUSION) if role not in self._engines]
        if missing:
            raise BundleError(
                f"The bundle '{manifest.name}' needs the graph {missing[0]}, which is not there; "
                "export the bundle again."
            )
        self._fusion = self._engines[FUSION]
        self._evidence: dict[str, dict[str, Shape]] = {}
        for stream in manifest.streams:
            self._evidence[stream] = self._check_expert(stream)
        self._check_fusion()
        # Whoever takes the last block makes the others wait: it should be a small one.
        self._costly_first = sorted(
            manifest.streams, key=lambda stream: -manifest.graphs[stream].row_bytes
        )
        self._silence: dict[str, dict[str, FloatArray]] = {}
        self._rows: dict[str, tuple[int, int]] = {}
        self._last_ms = 0.0

    @property
    def identity(self) -> str:
        """That of the experts' engine, and that there are several graphs."""
        return f"{self._engines[self._manifest.streams[0]].identity}, {len(self._engines)} graphs"

    @property
    def rgb(self) -> Engine | None:
        """The graph that looks at pixels, which `run` does not ask; None if it is not there."""
        return self._engines.get(RGB)

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """Those of the experts of skeletons."""
        return {
            name: shape
            for stream in self._manifest.streams
            for name, shape in self._engines[stream].inputs.items()
        }

    @property
    def outputs(self) -> Mapping[str, Shape]:
        """Those the manifest states, whichever graph gives them."""
        found = {**self._fusion.outputs}
        for shapes in self._evidence.values():
            found |= shapes
        return {name: found[name] for name in self._manifest.outputs}

    @property
    def last_ms(self) -> float:
        """Duration of the last `run` in milliseconds, the graphs it asks together."""
        return self._last_ms

    @property
    def rows(self) -> Mapping[str, tuple[int, int]]:
        """Of the last `run`, by expert: for how many people it ran, of how many."""
        return dict(self._rows)

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """All outputs by name. inputs: as for an undivided graph, and refused as there: raises
        ConfigurationError (names, shapes) or EngineError."""
        from bharnet_ros.inference.engine import check_inputs  # whose package imports this module

        begin = time.perf_counter()
        check_inputs(self.inputs, inputs)
        evidence = self._judge(inputs)
        fused = self._fusion.run({name: evidence[name] for name in self._fusion.inputs})
        self._last_ms = (time.perf_counter() - begin) * 1e3
        found = {**evidence, **fused}
        return {name: found[name] for name in self._manifest.outputs}

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        """Run zeros of these batch sizes."""
        for role, engine in self._engines.items():
            sizes = batch_sizes
            if role in self._manifest.streams:
                cut = [block for count in batch_sizes for block in self._blocks(role, count)]
                sizes = sorted({block.stop - block.start for block in cut})
            engine.warm_up(sizes)
        for stream in self._manifest.streams:
            self._silent(stream)
        self._last_ms = 0.0

    def close(self) -> None:
        """Free all engines."""
        for engine in self._engines.values():
            engine.close()
        if self._workers is not None:
            self._workers.close()

    def _judge(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """The outputs of all experts for everybody, each run for those of whom enough was seen."""
        rows: dict[str, npt.NDArray[np.intp]] = {}
        tasks: list[tuple[str, Callable[[], dict[str, FloatArray]]]] = []
        for stream in self._costly_first:
            windows = inputs[stream]
            seen = np.flatnonzero(_share(windows) >= self._least_share(stream))
            rows[stream] = seen
            self._rows[stream] = (len(seen), len(windows))
            if len(seen) < len(windows):
                windows = np.ascontiguousarray(windows[seen])
            run = self._engines[stream].run
            for block in self._blocks(stream, len(seen)):
                tasks.append((stream, partial(run, {stream: windows[block]})))
        runs = [run for _, run in tasks]
        found = [run() for run in runs] if self._workers is None else self._workers.run(runs)
        outputs: dict[str, FloatArray] = {}
        for stream in self._manifest.streams:
            parts = [part for (name, _), part in zip(tasks, found, strict=True) if name == stream]
            outputs |= self._for_everybody(stream, rows[stream], len(inputs[stream]), parts)
        return outputs

    def _blocks(self, stream: str, count: int) -> list[slice]:
        if not count:
            return []
        if self._workers is None:
            return [slice(0, count)]
        return blocks(count, self._workers.count, self._manifest.graphs[stream].row_bytes)

    def _for_everybody(
        self,
        stream: str,
        rows: npt.NDArray[np.intp],
        count: int,
        parts: Sequence[Mapping[str, FloatArray]],
    ) -> dict[str, FloatArray]:
        """What an expert said of those in `rows`, in parts, and of the others what it says when it
        is shown nothing."""
        said = joined(parts)
        if len(rows) == count:
            return said
        outputs = {}
        for name, nothing in self._silent(stream).items():
            values = np.repeat(nothing, count, axis=0)
            if len(rows):
                values[rows] = said[name]
            outputs[name] = values
        return outputs

    def _silent(self, stream: str) -> dict[str, FloatArray]:
        """(1, ...) what the expert answers to a person of whom nothing is seen."""
        if stream not in self._silence:
            _, *rest = self._manifest.inputs[stream]
            nothing = np.zeros([1, *(int(size) for size in rest)], np.float32)
            self._silence[stream] = self._engines[stream].run({stream: nothing})
        return self._silence[stream]

    def _least_share(self, stream: str) -> float:
        stated = self._manifest.graphs[stream].min_share
        return max(stated - _ROUNDING, _ROUNDING)

    def _check_expert(self, stream: str) -> dict[str, Shape]:
        """The outputs of an expert's graph, which must read its stream and nothing else."""
        engine = self._engines[stream]
        if set(engine.inputs) != {stream}:
            raise BundleError(
                f"The graph {stream} of the bundle '{self._manifest.name}' reads "
                f"{', '.join(engine.inputs) or 'nothing'} instead of '{stream}'; export the bundle "
                "again."
            )
        return dict(engine.outputs)

    def _check_fusion(self) -> None:
        """What the fusion reads, the experts must give; what nobody gives is missing."""
        given = {name for shapes in self._evidence.values() for name in shapes}
        lacking = sorted(set(self._fusion.inputs) - given)
        lacking += sorted(set(self._manifest.outputs) - given - set(self._fusion.outputs))
        if lacking:
            raise BundleError(
                f"No graph of the bundle '{self._manifest.name}' gives '{lacking[0]}'; export the "
                "bundle again."
            )


def _share(windows: FloatArray) -> npt.NDArray[np.float32]:
    """(N, 3, T, V, I) -> (N,) share of the steps at which an instance was seen, of the instance
    that was seen most; as the networks' own "usable"."""
    count, steps, joints, instances = windows[:, 2].shape
    seen = (windows[:, 2] > 0.0).reshape(count, steps, joints * instances)
    # One instance after the other: loops over one or two values are slow.
    shares = [
        seen[..., i::instances].any(axis=2).mean(axis=1, dtype=np.float32) for i in range(instances)
    ]
    share: npt.NDArray[np.float32] = np.max(shares, axis=0)
    return share
