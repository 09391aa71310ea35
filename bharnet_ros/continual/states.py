"""What is kept of every person between steps, in arrays over everybody."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray

Rows = npt.NDArray[np.int64]
_FIRST = 4


class States:
    """States of any number of people, who come and go.

    blank: by period, (period, F) float32, the states of somebody of whom nothing was seen yet. A
    person has one state for each period and phase: step number t uses phase t mod period.
    Memory grows with the largest number of people at a time.
    """

    def __init__(self, blank: Mapping[int, FloatArray]) -> None:
        self._blank = {period: np.asarray(value, np.float32) for period, value in blank.items()}
        for period, value in self._blank.items():
            if value.ndim != 2 or len(value) != period:
                raise ConfigurationError(
                    f"Blank states of period {period} have shape {list(value.shape)}; they must "
                    f"be ({period}, F)."
                )
        self._kept = {p: np.repeat(v[None], _FIRST, axis=0) for p, v in self._blank.items()}
        self._free = list(range(_FIRST))
        self._size = _FIRST

    @property
    def bytes_per_person(self) -> int:
        """Memory of one person."""
        return sum(value.nbytes for value in self._blank.values())

    def add(self) -> int:
        """A blank row for a new person; returns its number."""
        if not self._free:
            for period, kept in self._kept.items():
                fresh = np.empty_like(kept)
                self._kept[period] = np.concatenate([kept, fresh])
            self._free = list(range(self._size, 2 * self._size))
            self._size *= 2
        row = self._free.pop()
        self.reset(row)
        return row

    def reset(self, row: int) -> None:
        """Forget what was kept in a row."""
        for period, kept in self._kept.items():
            kept[row] = self._blank[period]

    def remove(self, row: int) -> None:
        """The row's person left."""
        self._free.append(row)

    def take(self, rows: Rows, steps: Rows) -> dict[int, FloatArray]:
        """By period (N, F), the states for step number `steps` (N,) of the people in `rows`."""
        return {period: kept[rows, steps % period] for period, kept in self._kept.items()}

    def keep(self, rows: Rows, steps: Rows, values: Mapping[int, FloatArray]) -> None:
        """The states after those steps."""
        for period, kept in self._kept.items():
            kept[rows, steps % period] = values[period]
