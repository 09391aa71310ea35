"""Which topic of a bag is evaluated, when its messages were stamped, and single images of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bharnet_ros.bags import Bag, open_bag
from bharnet_ros.bags.images import IMAGE_TYPES, bag_image, is_depth_image
from bharnet_ros.bags.messages import SKELETONS
from bharnet_ros.errors import BagError, InvalidImageError
from bharnet_ros.types import Image

INPUTS = ("auto", "images", "skeletons")
_OWN_PICTURES = "image_annotated"
_TRUTH = "ground_truth/"
_STEP_NS = 5_000_000_000
_BACK_NS = 1_000_000_000
IMAGE_OPTION = "--image_topic"


@dataclass(frozen=True)
class BagInput:
    """What is evaluated of a bag.

    kind: "images" or "skeletons". topic: its full name. image_topic: where the pictures are, ""
    if there are none. start_ns, end_ns: stamps of the first and the last message that has one.
    count: of messages. film: the same of the images, from the first of which labels count; of what
    is evaluated, if there are none; None if there are several topics of images and none was chosen.
    """

    kind: str
    topic: str
    image_topic: str
    start_ns: int
    end_ns: int
    count: int
    film: tuple[int, int] | None


def choose_input(
    bag: Bag, kind: str, image_topic: str = "", skeleton_topic: str = "",
    image_option: str = IMAGE_OPTION,
) -> BagInput:  # fmt: skip
    """The images of a bag, or its recorded skeletons.

    kind: one of INPUTS; "auto" takes the images if there are any. image_topic, skeleton_topic:
    with or without namespace; "" = the only one there is (but for depth images, and for the
    pictures and the truth that this package publishes itself). image_option: how a user chooses
    among the topics of images. Raises BagError with the topics there are.
    """
    pictures = [image_topic] if image_topic else _candidates(bag, IMAGE_TYPES, _OWN_PICTURES)
    people = [skeleton_topic] if skeleton_topic else _candidates(bag, (SKELETONS,), _TRUTH)
    if kind == "auto":
        kind = "skeletons" if skeleton_topic or (people and not pictures) else "images"
        if not pictures and not people:
            fitting = (*IMAGE_TYPES, SKELETONS)
            if not any(each.type in fitting and each.count for each in bag.topics.values()):
                bag.find_topic(None, fitting, "images or skeletons")  # raises
            raise BagError(
                f"The bag {bag.name} holds only pictures and a truth that this package made, or "
                f"depth images; name what to evaluate with {image_option} or --skeleton_topic."
            )
    shown = ""
    if kind == "images" or len(pictures) == 1:
        shown = _only(bag, pictures, IMAGE_TYPES, "images", image_option)
    topic = shown
    if kind == "skeletons":
        topic = _only(bag, people, (SKELETONS,), "skeletons", "--skeleton_topic")
    count = bag.topics[topic].count
    stamps = _stamp_range(bag, topic)
    if stamps is None:
        raise BagError(
            f"The topic {topic} of the bag {bag.name} holds no message that can be read and has a "
            "stamp (header.stamp is 0 where a driver does not set it); record it again, or choose "
            "another topic."
        )
    film = stamps if topic == shown else _film(bag, [shown] if shown else pictures, stamps)
    return BagInput(kind, topic, shown, *stamps, count, film)


def header_stamp(data: bytes) -> int | None:
    """The stamp in ns of a serialised message that begins with a std_msgs/Header; None if it is
    too short. Reading it so spares deserialising whole images."""
    if len(data) < 12:
        return None
    order = "<" if data[1] & 1 else ">"
    sec, nanosec = struct.unpack_from(f"{order}iI", data, 4)
    return int(sec) * 1_000_000_000 + int(nanosec)


def stamped(bag: Bag, topic: str, start_ns: int | None = None) -> Iterator[tuple[int, int]]:
    """(stamp, log time) of every stamped message of a topic from a log time on, without
    deserialising them."""
    for raw in bag.raw_messages([topic], start_ns):
        if stamp_ns := header_stamp(raw.data):
            yield stamp_ns, raw.log_ns


class ImageFinder:
    """Single images of a bag by their stamps, cheapest in rising order.

    log_times: by stamp, when each image was recorded; None = the bag is searched at first use.
    """

    def __init__(self, path: Path, topic: str, log_times: Mapping[int, int] | None = None) -> None:
        self._bag = open_bag(path)
        self._topic = topic
        self._log_times = log_times

    def __call__(self, stamp_ns: int) -> Image | None:
        """The picture; None if there is none of this stamp that can be read."""
        if not self._topic:
            return None
        if self._log_times is None:
            self._log_times = dict(stamped(self._bag, self._topic))
        log_ns = self._log_times.get(stamp_ns)
        if log_ns is None:
            return None
        for message in self._bag.messages([self._topic], log_ns, log_ns + 1):
            try:
                stamp, image = bag_image(message.message)
            except InvalidImageError:
                continue
            if stamp == stamp_ns:
                return image
        return None

    def close(self) -> None:
        """Let go of the bag."""
        self._bag.close()


def _film(bag: Bag, pictures: list[str], otherwise: tuple[int, int]) -> tuple[int, int] | None:
    """See BagInput. Where a bag has no others, the pictures that this package made are labelled."""
    shown = pictures or _candidates(bag, IMAGE_TYPES, None)
    if len(shown) > 1:
        return None
    return (_stamp_range(bag, shown[0]) if shown else None) or otherwise


def _candidates(bag: Bag, types: tuple[str, ...], own: str | None) -> list[str]:
    """The topics of these types (of the first type that has any), without depth images and what
    this package made (own: how that is called)."""
    for kind in types:
        found = [
            name
            for name, topic in bag.topics.items()
            if topic.type == kind and topic.count and (own is None or own not in name)
        ]
        if kind in IMAGE_TYPES:
            found = [name for name in found if not _holds_depth(bag, name)]
        if found:
            return found
    return []


def _holds_depth(bag: Bag, topic: str) -> bool:
    """As its first message says; nobody names depth topics alike."""
    first = next(bag.messages([topic]), None) if bag.topics[topic].definition_known else None
    return first is not None and is_depth_image(first.message)


def _only(bag: Bag, found: list[str], types: tuple[str, ...], what: str, option: str) -> str:
    """The full name of the one topic that was found or named; option: how a user names one."""
    if len(found) > 1:
        raise BagError(
            f"The bag {bag.name} holds several topics of {what}: {', '.join(found)}; choose one "
            f"with {option}."
        )
    name = bag.find_topic(found[0] if found else None, types, what)
    if not found and types == IMAGE_TYPES and _holds_depth(bag, name):
        raise BagError(
            f"The images of the bag {bag.name} ({name}) are depth images; people are recognised "
            "in colour or grey images: record the camera's colour topic."
        )
    return name


def _stamp_range(bag: Bag, topic: str) -> tuple[int, int] | None:
    """The first stamp and the newest one, mostly from the two ends of the bag."""
    first = next(stamped(bag, topic), None)
    if first is None:
        return None
    begin_ns = bag.end_ns - _STEP_NS
    last = list(stamped(bag, topic, begin_ns))
    while not last and begin_ns > first[1]:
        begin_ns = bag.end_ns - 8 * (bag.end_ns - begin_ns)
        last = list(stamped(bag, topic, begin_ns))
    last = last or [first]
    newest_ns = max(stamp for stamp, _ in last)
    recorded_ns = last[-1][1] - first[1]
    if recorded_ns - (newest_ns - first[0]) > _BACK_NS + recorded_ns // 1000:  # clocks drift
        # Time went slower, or the stamps jumped back and the newest ones are somewhere before.
        newest_ns = max(stamp for stamp, _ in stamped(bag, topic))
    return first[0], newest_ns
