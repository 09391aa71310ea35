"""Where the images of a store's samples come from: drawn again, videos, bags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from bharnet_ros.bags import find_bags, open_bag
from bharnet_ros.bags.images import bag_image
from bharnet_ros.bags.messages import stamp_to_ns
from bharnet_ros.errors import BagError, ConfigurationError, InvalidImageError
from bharnet_ros.evaluation.bag_input import choose_input
from bharnet_ros.types import Image
from training.data.converters.base import Item
from training.data.converters.drawn import CONVERTER
from training.data.converters.labelled import IMAGE_OPTION
from training.data.converters.videos import video_frames
from training.data.drawn_clips import DrawnClips
from training.data.drawn_plans import plan_from
from training.data.sample import SampleSkipped
from training.data.store import Store

Stamps = npt.NDArray[np.int64]
Stamped = tuple[int, Image]
_SAME_PX = 0.2
"""A drawn person and the store's keypoints differ by noise, in lengths of the torso less than."""


class ImageSource(Protocol):
    """Gives the images that a store was made of. Its options are its (picklable) fields.

    name: for the sheet. by_default_hz: moments a second worth cutting.
    """

    name: ClassVar[str]

    def groups(self, store: Store) -> Iterator[Item]:
        """Samples that are read together: an item's source is their file, its handle their
        numbers. Raises ConfigurationError if these images are not those of the store."""

    def images(self, store: Store, item: Item, stamps_ns: Stamps) -> Iterator[Stamped]:
        """Stamped BGR images of a group: those of the asked (n,) rising stamps that there are.

        Raises SampleSkipped if there is nothing to read.
        """


@dataclass(frozen=True)
class DrawnImages:
    """The people of a store made by `convert drawn`, drawn once more from what it says of them."""

    name: ClassVar[str] = "drawn"

    def groups(self, store: Store) -> Iterator[Item]:
        """See `ImageSource.groups`."""
        self._clips(store)
        yield from _one_by_one(store)

    def images(self, store: Store, item: Item, stamps_ns: Stamps) -> Iterator[Stamped]:
        """See `ImageSource.images`."""
        clips = self._clips(store)
        scene = clips.scene(clips.clip(item.source))
        for number, stamp_ns in enumerate(stamps_ns.tolist()):
            frame = scene.frame(stamp_ns * 1e-9, stamp_ns)
            if number == 0:
                _check_person(store, item, stamp_ns, frame.skeletons.skeletons[0].keypoints)
            yield stamp_ns, frame.image

    def _clips(self, store: Store) -> DrawnClips:
        sheet = store.sheet
        if sheet.converter != CONVERTER:
            raise ConfigurationError(
                f"The store {store.folder} was made by '{sheet.converter}', not drawn; say where "
                "its images are with --videos or --bags."
            )
        if not self._made:
            self._made.append(DrawnClips(plan_from(sheet.options["plan"], str(store.folder))))
        if self._made[0].digest() != sheet.options["vocabulary_sha256"]:
            raise ConfigurationError(
                f"The gestures of '{self._made[0].plan.vocabulary}' changed since {store.folder} "
                "was made; convert it again."
            )
        return self._made[0]

    @cached_property
    def _made(self) -> list[DrawnClips]:
        return []


@dataclass(frozen=True)
class VideoImages:
    """input: the folder (or video) that `extract` read."""

    name: ClassVar[str] = "videos"
    input: Path

    def groups(self, store: Store) -> Iterator[Item]:
        """See `ImageSource.groups`."""
        if not self.input.exists():
            raise ConfigurationError(f"--videos {self.input} does not exist; check the path.")
        yield from _one_by_one(store)

    def images(self, store: Store, item: Item, stamps_ns: Stamps) -> Iterator[Stamped]:
        """See `ImageSource.images`."""
        root = self.input if self.input.is_dir() else self.input.parent
        path = (root / item.source).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            raise SampleSkipped("corrupt", f"there is no video {item.source} in {root}")
        wanted = set(stamps_ns.tolist())
        last = max(wanted, default=-1)
        for stamp_ns, image in video_frames(path):
            if stamp_ns in wanted:
                yield stamp_ns, image
            if stamp_ns >= last:
                return


@dataclass(frozen=True)
class BagImages:
    """input: the bag, or folder of bags, that `convert rosbag` read. topic: of the images; "" =
    the only one there is."""

    name: ClassVar[str] = "bags"
    input: Path
    topic: str = ""

    def groups(self, store: Store) -> Iterator[Item]:
        """See `ImageSource.groups`. One bag holds several people: it is read once for all."""
        if not self._bags:
            raise ConfigurationError(f"--bags {self.input} holds no bag; check the path.")
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, source in enumerate(store.sources.tolist()):
            numbers[source.rsplit("#", 1)[0]].append(number)
        for name, found in numbers.items():
            yield Item(name, tuple(found))

    def images(self, store: Store, item: Item, stamps_ns: Stamps) -> Iterator[Stamped]:
        """See `ImageSource.images`."""
        path = self._bags.get(item.source)
        if path is None:
            raise SampleSkipped("corrupt", f"there is no bag {item.source} in {self.input}")
        wanted = set(stamps_ns.tolist())
        try:
            with open_bag(path) as bag:
                given = choose_input(bag, "images", self.topic, image_option=IMAGE_OPTION)
                for each in bag.messages([given.topic]):
                    if stamp_to_ns(each.message.header.stamp) in wanted:
                        try:
                            yield bag_image(each.message)
                        except InvalidImageError:
                            continue  # one picture; the others go on
        except BagError as error:
            raise SampleSkipped("corrupt", str(error)) from error

    @cached_property
    def _bags(self) -> dict[str, Path]:
        try:
            found = find_bags(self.input)
        except BagError:
            return {}
        return {
            path.name if path == self.input else path.relative_to(self.input).as_posix(): path
            for path in found
        }


def _one_by_one(store: Store) -> Iterator[Item]:
    for number, source in enumerate(store.sources.tolist()):
        yield Item(source, (number,))


def _check_person(
    store: Store, item: Item, stamp_ns: int, truth: npt.NDArray[np.float32]
) -> None:
    """That it is still the same person in the same pose, as far as noise lets tell."""
    sample = store.sample(item.handle[0])
    who = sample.people[0]
    row = int(np.searchsorted(sample.stamps_ns, stamp_ns)) - who.first_frame
    seen = np.flatnonzero(who.scores[row, :17] > 0.0)
    torso = float(np.linalg.norm(truth[5] - truth[12]))
    away = np.linalg.norm(who.keypoints[row, seen] - truth[seen], axis=1)
    if len(seen) and float(np.median(away)) > _SAME_PX * torso:
        raise ConfigurationError(
            f"{item.source} is drawn differently from what {store.folder} holds: the drawing "
            "changed since; convert the store again."
        )
