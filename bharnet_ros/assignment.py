"""Who goes with whom: the best one-to-one pairs of two sets.

Own code because SciPy, the usual home of this method, is forty times the size of this package's
runtime for one function; the test checks it against every possible assignment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def assign(affinity: npt.NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """The one-to-one pairs (row, column) whose sum of affinities above `least` is greatest.

    affinity: (R, C) >= 0. Pairs below `least` are never made: leaving both alone costs nothing.
    Hungarian method (Kuhn 1955) with potentials, O(R * R * C); any number of rows and columns.
    """
    rows, columns = affinity.shape
    if rows == 0 or columns == 0:
        return []
    if rows == columns == 1:
        return [(0, 0)] if affinity[0, 0] >= least else []
    # One private dummy column per row stands for "nobody", so every row finds a partner.
    gain = np.where(affinity >= least, affinity - least, -1e3)
    cost = np.concatenate((-gain, np.zeros((rows, rows))), axis=1)
    width = columns + rows
    row_of = np.full(width + 1, -1)
    row_potential, column_potential = np.zeros(rows), np.zeros(width + 1)
    for row in range(rows):
        row_of[width], column = row, width
        slack, previous = np.full(width, np.inf), np.full(width, width)
        done = np.zeros(width + 1, dtype=bool)
        while row_of[column] != -1:
            done[column] = True
            here = row_of[column]
            reduced = cost[here] - row_potential[here] - column_potential[:width]
            better = ~done[:width] & (reduced < slack)
            slack[better], previous[better] = reduced[better], column
            open_slack = np.where(done[:width], np.inf, slack)
            nearest = int(np.argmin(open_slack))
            delta = open_slack[nearest]
            row_potential[row_of[done]] += delta
            column_potential[done] -= delta
            slack[~done[:width]] -= delta
            column = nearest
        while column != width:
            row_of[column] = row_of[previous[column]]
            column = int(previous[column])
        row_of[width] = -1
    pairs = [(int(row_of[c]), c) for c in range(columns) if row_of[c] >= 0]
    return sorted((r, c) for r, c in pairs if affinity[r, c] >= least)
