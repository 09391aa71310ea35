"""A bundle whose body expert, hand expert and fusion are graphs of their own, as one engine.

So that an expert runs only for the people it can say something about: hands are rarely seen from
across a room. The fusion learns of it as it does from the undivided graph: people left out get
what the expert answers when it is shown nothing, measured once, so every output is the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import BundleError
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import FUSION, RGB, Shape
from bharnet_ros.types import FloatArray

if TYPE_CHECKING:  # the engines' own module chooses this one for split bundles
    from bharnet_ros.inference import Engine

CACHE_BYTES = 4 << 20
"""For `cache_bytes` of a processor: what cores commonly have of the caches for themselves."""
_LEAST_ROWS = 2
"""Threads share the rows of a batch; one row alone leaves them little to share."""
_ROUNDING = 1e-6
"""A share this close below `min_share` may be on either side in the graph: let the graph decide."""


class ExpertGraphs:
    """The graphs of one bundle behind the Engine protocol.

    manifest: of a bundle that is split. engines: one for each of its graphs, by role; the one for
    pixels may be left out.
    cache_bytes: of a processor, what an expert's largest result may take of its cache: larger
    batches are run in even blocks, of two people or more, which is up to a fifth quicker; 0 =
    never, as on a GPU.
    Raises BundleError if the graphs do not fit each other or the manifest.
    """

    def __init__(
        self, manifest: Manifest, engines: Mapping[str, Engine], cache_bytes: int = 0
    ) -> None:
        self._manifest = manifest
        self._cache_bytes = cache_bytes
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
        """All outputs by name. inputs: as for an undivided graph."""
        begin = time.perf_counter()
        evidence: dict[str, FloatArray] = {}
        for stream in self._manifest.streams:
            evidence |= self._judge(stream, inputs[stream])
        fused = self._fusion.run({name: evidence[name] for name in self._fusion.inputs})
        self._last_ms = (time.perf_counter() - begin) * 1e3
        found = {**evidence, **fused}
        return {name: found[name] for name in self._manifest.outputs}

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        """Run zeros of these batch sizes."""
        for engine in self._engines.values():
            engine.warm_up(batch_sizes)
        for stream in self._manifest.streams:
            self._silent(stream)
        self._last_ms = 0.0

    def close(self) -> None:
        """Free all engines."""
        for engine in self._engines.values():
            engine.close()

    def _judge(self, stream: str, windows: FloatArray) -> dict[str, FloatArray]:
        """The expert's outputs for everybody, run for those of whom enough was seen."""
        wanted = _share(windows) >= self._least_share(stream)
        rows = np.flatnonzero(wanted)
        self._rows[stream] = (len(rows), len(windows))
        if len(rows) == len(windows):
            return self._run(stream, windows)
        silence = self._silent(stream)
        found = self._run(stream, np.ascontiguousarray(windows[rows])) if len(rows) else {}
        outputs = {}
        for name, nothing in silence.items():
            values = np.repeat(nothing, len(windows), axis=0)
            if len(rows):
                values[rows] = found[name]
            outputs[name] = values
        return outputs

    def _run(self, stream: str, windows: FloatArray) -> dict[str, FloatArray]:
        engine, count = self._engines[stream], len(windows)
        row_bytes = self._manifest.graphs[stream].row_bytes
        blocks = 1
        if self._cache_bytes and row_bytes:
            most = max(_LEAST_ROWS, self._cache_bytes // row_bytes)
            # Rather one row more than the cache holds than one row alone.
            blocks = min(-(-count // most), count // _LEAST_ROWS)
        if blocks <= 1:
            return engine.run({stream: windows})
        parts = [engine.run({stream: block}) for block in np.array_split(windows, blocks)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _silent(self, stream: str) -> dict[str, FloatArray]:
        """(1, ...) what the expert answers to a person of whom nothing is seen."""
        if stream not in self._silence:
            _, *rest = self._manifest.inputs[stream]
            nothing = np.zeros([1, *(int(size) for size in rest)], np.float32)
            self._silence[stream] = self._run(stream, nothing)
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
        seen[..., i::instances].any(axis=2).mean(axis=1, dtype=np.float32)
        for i in range(instances)
    ]
    share: npt.NDArray[np.float32] = np.max(shares, axis=0)
    return share
