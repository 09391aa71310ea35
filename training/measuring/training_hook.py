"""What measurements that train need of whoever trains."""

from __future__ import annotations

from typing import Protocol

from training.measuring.data import Hands
from training.measuring.judging import Judge


class Trainer(Protocol):
    """Makes a bundle and opens it.

    recordings: single hands with the labels of `shapes.yaml`, points in any unit, or None.
    described: whether the gesture descriptions are used, too; without them the classes are those
    of the recordings. seed: of everything drawn.
    """

    def __call__(self, recordings: Hands | None, described: bool, seed: int) -> Judge: ...
