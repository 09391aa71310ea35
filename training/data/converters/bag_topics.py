"""Which topics of a bag are read: people's skeletons, recorded or estimated, and the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bharnet_ros.bags import Bag
from bharnet_ros.bags.images import bag_image
from bharnet_ros.errors import BagError, InvalidImageError
from bharnet_ros.evaluation.bag_input import BagInput
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import SkeletonFrame


def wanted_topics(bag: Bag, wanted: Iterable[str]) -> dict[str, str]:
    """The topic that each wanted name stands for, of those that hold something: with any namespace
    before it; the longest wanted name wins.

    Raises BagError where two topics could be one of them: whoever is number 1 in one camera is
    somebody else in another.
    """
    found: dict[str, str] = {}
    names = [name for name, topic in bag.topics.items() if topic.count]
    for name in sorted(names, key=len):
        which = _wanted(name, wanted)
        if which is None:
            continue
        if which not in found:
            found[which] = name
        elif found[which].strip("/") != which:  # the very name needs no choice
            raise BagError(
                f"'{which}' could be {found[which]} or {name} in the bag {bag.name}; convert one "
                "after the other, by their whole names."
            )
    return found


def estimated_frames(
    bag: Bag, images: BagInput, backend: str, usable: Callable[[int], bool]
) -> Iterator[SkeletonFrame]:
    """The people in a bag's images, tracked; images that cannot be read, or whose stamps are not
    usable, are left out."""
    estimator, tracker = create_pose_estimator(backend), Tracker()
    try:
        for each in bag.messages([images.topic]):
            try:
                stamp_ns, image = bag_image(each.message)
            except InvalidImageError:
                continue
            if usable(stamp_ns):
                yield tracker.update(estimator.estimate(image, stamp_ns))
    finally:
        estimator.close()


def _wanted(topic: str, wanted: Iterable[str]) -> str | None:
    parts = topic.strip("/")
    fitting = [name for name in wanted if parts == name or parts.endswith(f"/{name}")]
    return max(fitting, key=len, default=None)
