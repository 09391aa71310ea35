"""The tracked frames an evaluation rests on, found again without holding them all in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from bharnet_ros.bags import open_bag
from bharnet_ros.bags.messages import skeleton_frame
from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.evaluation.bag_input import BagInput, ImageFinder
from bharnet_ros.evaluation.building import Attribution
from bharnet_ros.evaluation.checkpoints import Store
from bharnet_ros.types import SkeletonFrame

_PERSON_NS = 500_000_000
"""Who a track is at a moment is judged by so much time around it."""


class TrackedFrames:
    """Per frame it keeps only the track ids and when it was recorded; keypoints are read again
    from the checkpoints (`store`) or, without one, from the recorded skeletons of the bag."""

    def __init__(self, path: Path, given: BagInput) -> None:
        self._path = path
        self._given = given
        self._ids: dict[int, tuple[int, ...]] = {}
        self.log_times: dict[int, int] = {}
        self.store: Store | None = None
        self.who: Attribution | None = None

    def note(self, frame: SkeletonFrame, log_ns: int) -> None:
        """Remember a frame."""
        self._ids[frame.stamp_ns] = tuple(person.track_id for person in frame.skeletons)
        self.log_times[frame.stamp_ns] = log_ns

    def between(self, start_ns: int, end_ns: int) -> list[SkeletonFrame]:
        """Frames with stamps from start to end; ids are those of people, -1 for nobody known."""
        stamps = [stamp for stamp in self._ids if start_ns <= stamp <= end_ns]
        if not stamps:
            return []
        logs = [self.log_times[stamp] for stamp in stamps]
        found = {
            frame.stamp_ns: frame
            for frame in self._read(min(logs), max(logs))
            if start_ns <= frame.stamp_ns <= end_ns
        }
        return [self._named(found[stamp]) for stamp in sorted(stamps) if stamp in found]

    def images(self) -> ImageFinder:
        """Pictures of the frames."""
        images = self._given.kind == "images"
        return ImageFinder(
            self._path, self._given.image_topic, self.log_times if images else None
        )

    def _read(self, first_log_ns: int, last_log_ns: int) -> Iterable[SkeletonFrame]:
        if self.store is None:
            return self._recorded(first_log_ns, last_log_ns)
        begins = self.store.begins()
        first = max(0, bisect_right(begins, first_log_ns) - 1)
        return self._stored(self.store, begins[first : bisect_right(begins, last_log_ns)])

    @staticmethod
    def _stored(store: Store, begins: list[int]) -> Iterator[SkeletonFrame]:
        for begin in begins:
            stretch = store.load(begin)
            yield from (estimate.frame for estimate in (stretch.estimates if stretch else ()))

    def _recorded(self, first_log_ns: int, last_log_ns: int) -> Iterator[SkeletonFrame]:
        with open_bag(self._path) as bag:
            for message in bag.messages([self._given.topic], first_log_ns, last_log_ns + 1):
                try:
                    yield skeleton_frame(message.message)
                except InvalidSkeletonError:
                    continue

    def _named(self, frame: SkeletonFrame) -> SkeletonFrame:
        people = []
        for person, track_id in zip(frame.skeletons, self._ids[frame.stamp_ns], strict=True):
            begin, end = frame.stamp_ns - _PERSON_NS, frame.stamp_ns + _PERSON_NS
            known = self.who.person(track_id, begin, end) if self.who is not None else None
            people.append(replace(person, track_id=-1 if known is None else known))
        return replace(frame, skeletons=tuple(people))
