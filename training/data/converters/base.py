"""What a converter is, and what several of them need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import yaml

from training.data.sample import Sample
from training.data.sheet import DataSheet


@dataclass(frozen=True)
class Item:
    """One source: its name in the store, and what the converter needs to load it (picklable)."""

    source: str
    handle: Any = None


class Converter(Protocol):
    """Turns one kind of data set into samples. Its options are its (picklable) fields.

    lazy: its items are large and made one after another, so they are never all listed at once.
    """

    lazy: ClassVar[bool]

    def sheet(self) -> DataSheet:
        """The data sheet of the store to be. Raises ConfigurationError on unusable options."""

    def items(self) -> Iterator[Item]:
        """All sources, in an order that is the same every time. Raises ConfigurationError."""

    def load(self, item: Item) -> Sample:
        """Read one source. Raises SampleSkipped when it is not usable; other items go on."""


@cache
def shipped_classes(name: str) -> tuple[str, ...]:
    """Class names of a data set, from `training/data/classes/<name>.yaml`."""
    text = (resources.files("training.data") / "classes" / f"{name}.yaml").read_text("utf-8")
    return tuple(map(str, yaml.safe_load(text)))


def scores_where_known(keypoints: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """(..., K) 1 where a keypoint (..., K, C) is finite and not the all-zero filler, else 0."""
    known = np.isfinite(keypoints).all(axis=-1) & keypoints.any(axis=-1)
    scores: npt.NDArray[np.float32] = known.astype(np.float32)
    return scores


def seen_stretch(scores: npt.NDArray[np.floating[Any]]) -> slice:
    """First to last frame of (F, K) scores in which anything is there; empty if nothing is."""
    frames = np.flatnonzero((scores > 0.0).any(axis=1))
    return slice(int(frames[0]), int(frames[-1]) + 1) if len(frames) else slice(0, 0)
