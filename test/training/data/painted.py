"""Images whose brightness says when they were taken; child processes import this, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from training.data import Person, Sample
from training.data.converters.base import Item
from training.data.sample import SampleSkipped, nominal_stamps

SIZE = (480, 640)
RATE_HZ = 30.0


def standing(
    number: int, frames: int = 45, people: int = 1, count: int = 17, **changes
) -> Sample:
    """Somebody whose 17 points of COCO fill the middle of the image, the next one beside.

    count: keypoints of the layout, which begins with those of COCO; the others are missing.
    """
    points = np.array(
        [
            (320, 80), (326, 74), (314, 74), (334, 78), (306, 78), (350, 130), (290, 130),
            (370, 200), (270, 200), (380, 260), (260, 260), (340, 270), (300, 270),
            (340, 350), (300, 350), (340, 430), (300, 430),
        ],
        np.float32,
    )  # fmt: skip
    found = []
    for who in range(people):
        keypoints, scores = np.zeros((frames, count, 2)), np.zeros((frames, count), np.float32)
        keypoints[:, :17], scores[:, :17] = points + np.float32((100.0 * who, 0.0)), 0.9
        found.append(Person(keypoints.astype(np.float32), scores, 0, 5 + who))
    values = {
        "source": f"clip{number}", "stamps_ns": nominal_stamps(frames, RATE_HZ),
        "people": tuple(found), "class_name": "wave", "image_size": SIZE,
    }  # fmt: skip
    return Sample(**{**values, **changes})


def brightness(stamp_ns: int) -> int:
    """Of the image taken then: 10 more in every frame, modulo 250."""
    return round(stamp_ns * RATE_HZ / 1e9) * 10 % 250


@dataclass(frozen=True)
class PaintedImages:
    """broken: sources that cannot be read. lacking: frames of which there is no image. size: of
    the images. stop_at: the source at which somebody presses Ctrl-C. colours: sources whose images
    have one colour all the time, BGR."""

    name: ClassVar[str] = "painted"
    broken: tuple[str, ...] = ()
    lacking: tuple[int, ...] = ()
    size: tuple[int, int] = SIZE
    stop_at: str = ""
    colours: tuple[tuple[str, tuple[int, int, int]], ...] = ()

    def groups(self, store) -> Iterator[Item]:
        yield from (Item(name, (n,)) for n, name in enumerate(store.sources.tolist()))

    def images(self, store, item, stamps_ns) -> Iterator[tuple[int, np.ndarray]]:
        if item.source in self.broken:
            raise SampleSkipped("corrupt", "nothing but noise")
        if item.source == self.stop_at:
            raise KeyboardInterrupt
        colour = dict(self.colours).get(item.source)
        for stamp in stamps_ns.tolist():
            if round(stamp * RATE_HZ / 1e9) not in self.lacking:
                yield stamp, np.full((*self.size, 3), colour or brightness(stamp), np.uint8)
