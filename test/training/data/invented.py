"""Recordings made of random numbers, and a converter of such; child processes import this, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout
from training.data import DataSheet, Person, Sample, Span
from training.data.converters.base import Item
from training.data.sample import SampleSkipped, nominal_stamps

LAYOUT = "coco_17"
SHEET = DataSheet(
    dataset="invented", layout=LAYOUT, dims=2, unit="px", stamps="nominal",
    class_names=("wave", "clap", "bow"), license="free", provenance="random numbers",
    converter="test",
)  # fmt: skip


def make_sample(
    number: int,
    frames: int = 12,
    people: int = 1,
    dims: int = 2,
    layout: str = LAYOUT,
    **changes: Any,
) -> Sample:
    """A recording of random numbers; every seventh keypoint is missing."""
    rng = np.random.default_rng(number)
    count = get_layout(layout).num_keypoints
    found = []
    for person in range(people):
        first = int(rng.integers(0, frames)) if person else 0
        length = frames - first
        keypoints = rng.uniform(0, 640, (length, count, dims)).astype(np.float32)
        scores = rng.uniform(0.1, 1.0, (length, count)).astype(np.float32)
        missing = np.arange(scores.size).reshape(scores.shape) % 7 == 6
        scores[missing], keypoints[missing] = 0.0, 0.0
        found.append(Person(keypoints, scores, first, person))
    values: dict[str, Any] = {
        "source": f"clip{number}",
        "stamps_ns": nominal_stamps(frames, 30.0),
        "people": tuple(found),
        "class_name": SHEET.class_names[number % 3],
        "fields": {"subject": str(number % 4), "camera": str(number % 2)},
        "tags": ("even",) if number % 2 == 0 else (),
        "image_size": (480, 640) if dims == 2 else (0, 0),
    }
    return Sample(**{**values, **changes})


def untrimmed(number: int = 99) -> Sample:
    """A recording of 20 frames at 30 Hz with two spans: frames 2 to 7 and 10 to 19."""
    stamps = nominal_stamps(20, 30.0)
    spans = (
        Span("clap", int(stamps[2]), int(stamps[7])),
        Span("bow", int(stamps[10]), int(stamps[19]), track_id=0, confidence=0.5),
    )
    return make_sample(number, frames=20, class_name="", spans=spans)


@dataclass(frozen=True)
class Invented:
    """Sources by number; some of them are bad in different ways."""

    lazy: ClassVar[bool] = True
    count: int = 12
    bad: tuple[tuple[int, str], ...] = ()
    stop_at: int | None = None

    def sheet(self) -> DataSheet:
        return SHEET

    def items(self) -> Iterator[Item]:
        for number in range(self.count):
            if number == self.stop_at:
                raise KeyboardInterrupt
            yield Item(f"clip{number}", number)

    def load(self, item: Item) -> Sample:
        how = dict(self.bad).get(item.handle)
        if how == "skip":
            raise SampleSkipped("empty", "nobody")
        if how == "bug":
            raise ZeroDivisionError("a file nobody thought of")
        if how == "kill":
            os._exit(1)
        if how == "wrong class":
            return make_sample(item.handle, class_name="dance")
        if how == "option":
            raise ConfigurationError("wrong for all")
        return make_sample(item.handle)
