"""Two people made of numbers who do three things in twelve seconds, and bags of them.

The pictures only hold their number; `NumberReader` is the estimator that reads it. With the bundle
of `write_tiny_bundle` everything between a bag and a report can be tested without real networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.synthetic import LAYOUT, frame, person_keypoints, skeleton
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    Image,
    RecognizedAction,
    SkeletonFrame,
)

SECOND = 1_000_000_000
BEGIN_NS = 1_000 * SECOND
RATE_HZ = 10
SECONDS = 12
COUNT = SECONDS * RATE_HZ
SCRIPT = ((0, "raise", 2.0, 4.5), (1, "fist", 5.0, 7.5), (0, "raise", 8.0, 10.5))
"""Who, what, from, to; in seconds."""
_CENTERS = ((320.0, 360.0), (900.0, 360.0))
_NAMES = {"idle": 0, "raise": 1, "fist": 2}
_POSES: Mapping[str, Mapping[str, Any]] = {
    "idle": {}, "raise": {"right_wrist": (-0.5, -1.0)}, "fist": {"spread": 0.3},
}  # fmt: skip


def stamp(index: int) -> int:
    """Of an image, in ns."""
    return BEGIN_NS + index * SECOND // RATE_HZ


def doing(person: int, index: int) -> str:
    """What somebody does in an image."""
    now = index / RATE_HZ
    return next((n for p, n, begin, end in SCRIPT if p == person and begin <= now < end), "idle")


def people(index: int, ids: Sequence[int] = (0, 1)) -> SkeletonFrame:
    """Everybody in an image."""
    return frame(
        stamp(index),
        *(
            skeleton(
                ids[person], person_keypoints(center=center, **_POSES[doing(person, index)])
            )
            for person, center in enumerate(_CENTERS)
        ),
    )


def truth(index: int) -> ActionFrame:
    """What the built-in camera would say of an image."""
    nowhere = np.zeros(4, np.float32)
    return ActionFrame(
        stamp(index),
        tuple(
            RecognizedAction(
                state, person, (Hypothesis(_NAMES[name], name, 1.0),), stamp(index), stamp(index),
                0, 0.0, 0.0, nowhere,
            )
            for person in range(len(_CENTERS))
            for name, state in _states(
                doing(person, index - 1) if index else "idle", doing(person, index)
            )
        ),
    )  # fmt: skip


def _states(before: str, now: str) -> Iterator[tuple[str, ActionState]]:
    if before not in ("idle", now):
        yield before, ActionState.ENDED
    if now == "idle":
        yield now, ActionState.NONE
    else:
        yield now, ActionState.ONGOING if before == now else ActionState.STARTED


def label_rows() -> list[str]:
    """The script as a table of labels, with the regions of the people."""
    return [
        "start,end,label,region",
        *(
            f"{begin},{end},{label},{_CENTERS[person][0] - 120:.0f} 180 240 400"
            for person, label, begin, end in SCRIPT
        ),
    ]


def picture(index: int) -> Image:
    """A small picture that holds its number."""
    image = np.full((36, 64, 3), 40, np.uint8)
    image[0, 0] = (index % 256, index // 256, 0)
    return image


@dataclass
class NumberReader:
    """Reads pictures' numbers; like a real estimator it needs some images to find people anew.

    looked: numbers it was shown.
    """

    layout: str = LAYOUT
    finds_after: int = 3
    looked: list[int] = field(default_factory=list)
    _seen: int = 0

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """As of every estimator."""
        return {"total": 1.0}

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        """The people of the picture's number."""
        index = int(image_bgr[0, 0, 0]) + 256 * int(image_bgr[0, 0, 1])
        self.looked.append(index)
        self._seen += 1
        found = people(index, (-1, -1))
        kept = found.skeletons if self._seen > self.finds_after else ()
        return SkeletonFrame(stamp_ns, found.image_size, found.layout, kept)

    def reset(self) -> None:
        """Forget everybody."""
        self._seen = 0

    def close(self) -> None:
        """Nothing to free."""


def write_bag(
    path: Path, images: bool = True, skeletons: bool = False, true: bool = True,
    storage: str = "mcap", count: int = COUNT, ids: Sequence[int] = (4, 7),
) -> Path:  # fmt: skip
    """A bag of this world. images, skeletons, true: what it holds. ids: the recorded tracks."""
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(path, storage) as bag:
        for index in range(count):
            if true:
                bag.skeletons("/ground_truth/skeletons", people(index))
                bag.actions("/ground_truth/actions", truth(index))
            if images:
                bag.image("/camera/image_raw", stamp(index), picture(index))
            if skeletons:
                bag.skeletons("/skeletons", people(index, ids))
    return path
