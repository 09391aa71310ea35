"""A bag as the page needs it: images by index, the skeletons recorded with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bharnet_ros.bags import Bag, open_bag
from bharnet_ros.bags.messages import SKELETONS, skeleton_frame
from bharnet_ros.errors import BagError, InvalidImageError, InvalidSkeletonError
from bharnet_ros.evaluation.bag_input import choose_input
from bharnet_ros.labelling.bag_index import BagIndex
from bharnet_ros.labelling.cache import ByteCache
from bharnet_ros.labelling.estimated_people import EstimatedPeople
from bharnet_ros.labelling.pictures import picture_of
from bharnet_ros.labelling.random_access import RandomAccess
from bharnet_ros.labelling.recording import Overview, Picture, Presence
from bharnet_ros.types import SkeletonFrame

PICTURE_BYTES = 64_000_000
_MESSAGE_BYTES = 96_000_000
_SKELETON_BYTES = 16_000_000
_TOLERANCE_NS = 60_000_000
"""Skeletons carry the stamp of their image; other tools may stamp a little later."""
_TRUTH = "ground_truth/"


class BagRecording:
    """See `Recording`. Opens in a moment whatever the size; a thread then reads the bag once.

    path: a bag's folder or file. image_topic, skeleton_topic: with or without namespace; "" = the
    only one there is (of skeletons, rather estimated ones than the truth of a simulation).
    estimate: looks for the people itself, given the topic of the images and their number; recorded
    skeletons are not used then. Raises BagError with the topics there are.
    """

    def __init__(
        self,
        path: Path,
        image_topic: str = "",
        skeleton_topic: str = "",
        estimate: Callable[[str, int], EstimatedPeople] | None = None,
    ) -> None:
        with open_bag(path) as bag:
            chosen = choose_input(bag, "images", image_topic)
            self._skeleton_topic = "" if estimate else _skeleton_topic(bag, skeleton_topic)
            self._name = bag.name
            self._start_ns, self._end_ns = chosen.start_ns, chosen.end_ns
        topic = chosen.topic
        self._index = BagIndex(path, topic, self._skeleton_topic)
        self._images = RandomAccess(path, topic, _MESSAGE_BYTES, _image_bytes)
        self._people = (
            RandomAccess(path, self._skeleton_topic, _SKELETON_BYTES, _skeleton_bytes)
            if self._skeleton_topic
            else None
        )
        self._pictures: ByteCache[Picture] = ByteCache(PICTURE_BYTES, lambda p: len(p.data))
        self._index.start()
        self._estimated = estimate(topic, chosen.count) if estimate else None

    def overview(self) -> Overview:
        """See `Recording`."""
        index = self._index
        complete = index.complete  # before the count: what is complete does not grow any more
        stamps = index.images.stamps
        count = len(stamps)
        end_ns = max(self._end_ns, stamps[count - 1]) if count else self._end_ns
        estimated = self._estimated
        problems = index.problems + (estimated.problems if estimated else ())
        return Overview(
            self._name, self._start_ns, end_ns, count, index.progress, complete, problems,
            self._people is not None or estimated is not None,
            estimated.progress if estimated else index.progress,
        )  # fmt: skip

    def stamps(self, first: int) -> list[int]:
        """See `Recording`."""
        return self._index.images.stamps[max(0, first) :].tolist()

    def presence(self) -> Presence:
        """See `Recording`."""
        return self._estimated.presence() if self._estimated else self._index.presence()

    def picture(self, index: int) -> Picture:
        """See `Recording`."""
        held = self._pictures.get(index)
        if held is not None:
            return held
        message = self._images.message(*self._index.images.place(index))
        if message is None:
            raise InvalidImageError(f"Image {index} of the bag {self._name} cannot be read.")
        picture = picture_of(message)
        self._pictures.put(index, picture)
        return picture

    def skeletons(self, index: int) -> SkeletonFrame | None:
        """See `Recording`."""
        log_ns, stamp_ns = self._index.images.place(index)
        if self._estimated is not None:
            return self._estimated.frame(log_ns, stamp_ns)
        if self._people is None:
            return None
        place = self._index.skeletons.nearest(stamp_ns, _TOLERANCE_NS)
        message = None if place is None else self._people.message(*place)
        try:
            return None if message is None else skeleton_frame(message)
        except InvalidSkeletonError:
            return None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until the whole bag was read; whether it was."""
        return self._index.wait(timeout_s)

    def close(self) -> None:
        """See `Recording`."""
        if self._estimated is not None:
            self._estimated.close()
        self._index.close()
        self._images.close()
        if self._people is not None:
            self._people.close()


def _skeleton_topic(bag: Bag, wanted: str) -> str:
    """The topic of the skeletons, "" if there is none and none was asked for."""
    if wanted:
        return bag.find_topic(wanted, [SKELETONS], "skeletons")
    found = [
        name
        for name, topic in bag.topics.items()
        if topic.type == SKELETONS and topic.count and topic.definition_known
    ]
    estimated = [name for name in found if _TRUTH not in name]
    chosen = estimated or found
    if len(chosen) > 1:
        raise BagError(
            f"The bag {bag.name} holds several topics of skeletons: {', '.join(chosen)}; choose "
            "one with --skeleton_topic."
        )
    return chosen[0] if chosen else ""


def _image_bytes(message: Any) -> int:
    return len(message.data) + 500


def _skeleton_bytes(message: Any) -> int:
    people = message.skeletons
    return 500 + sum(500 + 4 * (len(p.keypoints) + len(p.keypoint_scores)) for p in people)
