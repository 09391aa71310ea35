"""The step graph with what it remembers of everybody."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.continual.graph import NEXT, STATE, check_step_engine, state_sizes
from bharnet_ros.continual.states import Rows, States
from bharnet_ros.inference import Engine
from bharnet_ros.types import FloatArray


class Stepper:
    """Runs the step graph of a bundle on any of the people it knows.

    Raises BundleError for an engine, or features of the bundle, that do not fit.
    """

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        check_step_engine(bundle, engine)
        self._manifest = bundle.manifest
        self._engine = engine
        self._sizes = state_sizes(engine)
        self._states = States(self._nothing_seen())

    @property
    def bytes_per_person(self) -> int:
        """Memory kept of one person."""
        return self._states.bytes_per_person

    def add(self) -> int:
        """Room for a person of whom nothing was seen yet; returns its number."""
        return self._states.add()

    def reset(self, row: int) -> None:
        """Nothing was seen of that person yet."""
        self._states.reset(row)

    def remove(self, row: int) -> None:
        """The person left."""
        self._states.remove(row)

    def step(
        self, rows: Rows, steps: Rows, frames: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        """One step of the people in `rows` (N,), with their step numbers (N,), each one more than
        the person's last.

        frames: by stream (N, 3, 1, V, I), the features of the frame. Returns the outputs of the
        manifest for the window that ends with it. Raises EngineError; nothing is kept then.
        """
        states = self._states.take(rows, steps)
        outputs = self._run(frames, states)
        self._states.keep(rows, steps, {p: outputs[f"{NEXT}{p}"] for p in self._sizes})
        return {name: outputs[name] for name in self._manifest.opinion_outputs}

    def _run(
        self, frames: Mapping[str, FloatArray], states: Mapping[int, FloatArray]
    ) -> dict[str, FloatArray]:
        kept = {f"{STATE}{period}": state for period, state in states.items()}
        return self._engine.run({**frames, **kept})

    def _nothing_seen(self) -> dict[int, FloatArray]:
        """By period, the states after a long time in which nothing was seen: what precedes the
        first sight of a person in a window, too."""
        states = {p: np.zeros((p, size), np.float32) for p, size in self._sizes.items()}
        nothing = {
            name: np.zeros((1, 3, 1, *(int(size) for size in shape[3:])), np.float32)
            for name, shape in self._manifest.inputs.items()
        }
        for step in range(2 * self._manifest.num_steps):
            now = {period: state[step % period][None] for period, state in states.items()}
            outputs = self._run(nothing, now)
            for period, state in states.items():
                state[step % period] = outputs[f"{NEXT}{period}"][0]
        return states
