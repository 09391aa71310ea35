"""Our own recordings: ROS 2 bags with `skeletons`, and labels or `ground_truth/actions`.

One sample a tracked person, from the first to the last time it was seen. What the people truly
did becomes spans: as a label file says (see `labelled`), or as the built-in camera published it;
then, when the skeletons are an estimator's, `ground_truth/skeletons` says which track is which
person. Bags are read with `bharnet_ros.bags`: of damaged ones, what can be read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bharnet_ros.bags import Bag, find_bags, open_bag
from bharnet_ros.bags.images import bag_image
from bharnet_ros.bags.messages import skeleton_frame, stamp_to_ns
from bharnet_ros.bags.optional import library
from bharnet_ros.errors import (
    BagError,
    ConfigurationError,
    InvalidImageError,
    InvalidSkeletonError,
    LabelError,
)
from bharnet_ros.evaluation import Episode, EpisodeCollector, PersonMatcher
from bharnet_ros.evaluation.bag_input import choose_input
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.skeleton import get_layout
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)
from training.data.converters.base import Item
from training.data.converters.labelled import (
    LabelledPeople,
    Naming,
    find_labels,
    read_labels,
)
from training.data.sample import Person, Sample, SampleSkipped, Span
from training.data.sheet import DataSheet

_NOBODY = np.zeros(4, np.float32)


@dataclass(frozen=True)
class RosbagConverter:
    """input: a bag (folder), or a folder of bags. skeletons, true_actions, true_skeletons: topics,
    with or without a namespace. layout: the keypoint layout of the bags. labels: see
    `labelled.find_labels`; where it is given, bags without labels are skipped. names, people: see
    `labelled.Naming`. backend: the pose backend that reads the images of bags that hold no
    skeletons; "" leaves those out."""

    lazy: ClassVar[bool] = True
    input: Path
    skeletons: str = "skeletons"
    true_actions: str = "ground_truth/actions"
    true_skeletons: str = "ground_truth/skeletons"
    layout: str = "coco_wholebody_133"
    license: str = "your own recordings"
    labels: Path | None = None
    names: str = ""
    people: Path | None = None
    backend: str = ""

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        library("rosbags.rosbag2")
        Naming(self.names, self.people)
        told = {"names": self.names, "backend": self.backend}
        return DataSheet(
            dataset="rosbag",
            layout=self.layout,
            dims=2,
            unit="px",
            stamps="measured",
            class_names=(),
            open_classes=True,
            license=self.license,
            provenance="ROS 2 bags",
            converter="rosbag",
            options={
                "skeletons": self.skeletons, "true_actions": self.true_actions,
                **{key: value for key, value in told.items() if value},
            },
        )  # fmt: skip

    def items(self) -> Iterator[Item]:
        """See `Converter.items`. One bag after another is read whole, and then let go."""
        try:
            bags = find_bags(self.input)  # now, and not when a store has been opened for them
        except BagError as error:
            raise ConfigurationError(
                f"{self.input} holds no bag; check --input. {error}"
            ) from error
        return self._items(bags)

    def _items(self, bags: Iterable[Path]) -> Iterator[Item]:
        naming = Naming(self.names, self.people)
        for bag in bags:
            name = bag.relative_to(self.input).as_posix() if bag != self.input else bag.name
            fields = naming.fields(bag.name)
            if fields["group"] == bag.name:
                fields["group"] = name
            try:
                recording = self._read(bag)
            except SampleSkipped as error:
                yield Item(name, error)
                continue
            if not recording.tracks:
                yield Item(name, SampleSkipped("empty", self._nobody()))
            for track_id in sorted(recording.tracks):
                yield Item(f"{name}#{track_id}", (recording, track_id, fields))

    def _nobody(self) -> str:
        remedy = "" if self.backend else "; --backend mediapipe estimates those of bags with images"
        return f"nobody on the topic {self.skeletons}{remedy}"

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        if isinstance(item.handle, SampleSkipped):
            raise item.handle
        recording, track_id, fields = item.handle
        frames: dict[int, Skeleton] = recording.tracks[track_id]
        if len(frames) < 2:
            raise SampleSkipped("empty", f"track {track_id} was seen in {len(frames)} frame")
        first, last = min(frames), max(frames)
        if recording.labels is not None and not recording.labels.knows(track_id, first, last):
            raise SampleSkipped("unlabelled", f"the labels do not speak of track {track_id}")
        # Frames in which somebody else was seen count: this person was missing in them.
        stamps = np.array([s for s in recording.stamps if first <= s <= last], np.int64)
        count = get_layout(self.layout).num_keypoints
        keypoints = np.zeros((len(stamps), count, 2), np.float32)
        scores = np.zeros((len(stamps), count), np.float32)
        for row, stamp in enumerate(stamps.tolist()):
            seen = frames.get(stamp)
            if seen is None:
                continue
            if seen.keypoints.shape != (count, 2) or seen.scores.shape != (count,):
                raise SampleSkipped("corrupt", f"{len(seen.scores)} keypoints, not {self.layout}")
            keypoints[row], scores[row] = seen.keypoints, seen.scores
        return Sample(
            source=item.source,
            stamps_ns=stamps,
            people=(Person(keypoints, scores, 0, track_id),),
            fields=fields,
            spans=recording.spans(track_id, first, last),
            image_size=recording.image_size,
        )

    def _read(self, bag: Path) -> _Recording:
        """One pass over a bag."""
        recording = _Recording()
        layouts: set[str] = set()
        topics: dict[str, list[Callable[[Any], None]]] = defaultdict(list)
        for topic, take in (
            (self.skeletons, recording.add_skeletons),
            (self.true_skeletons, recording.add_true_skeletons),
            (self.true_actions, recording.add_true_actions),
        ):
            topics[topic.strip("/")].append(take)
        place = find_labels(bag, self.labels)
        if place is None and self.labels is not None:
            raise SampleSkipped("unlabelled", f"no labels of this bag in {self.labels}")
        try:
            with open_bag(bag) as opened:
                chosen = {name: t for name in opened.topics if (t := _wanted(name, topics))}
                if self.backend and self.skeletons.strip("/") not in chosen.values():
                    for frame in estimated_frames(opened, self.backend):
                        layouts.add(frame.layout)
                        recording.add_frame(frame)
                for each in opened.messages(sorted(chosen)):
                    layouts.add(getattr(each.message, "layout", self.layout))
                    for handle in topics[chosen[each.topic]]:
                        handle(each.message)
                if place is not None and recording.frames:
                    labels = read_labels(place, opened, self.skeletons)
                    recording.labels = LabelledPeople.of(labels, recording.frames)
        except LabelError:
            raise  # to be put right by whoever labelled
        except (BagError, InvalidSkeletonError) as error:
            raise SampleSkipped("corrupt", str(error)) from error
        except (AttributeError, ValueError) as error:  # other messages under these names
            raise SampleSkipped("corrupt", f"{type(error).__name__}: {error}") from error
        if layouts - {self.layout}:
            raise SampleSkipped("corrupt", f"layout {', '.join(layouts)}, expected {self.layout}")
        return recording


class _Recording:
    """What a bag says, message by message."""

    def __init__(self) -> None:
        self.tracks: dict[int, dict[int, Skeleton]] = defaultdict(dict)
        self.stamps: list[int] = []
        self.image_size = (0, 0)
        self.labels: LabelledPeople | None = None
        self._seen: dict[int, SkeletonFrame] = {}
        self._truth: dict[int, SkeletonFrame] = {}
        self._episodes = EpisodeCollector()

    @property
    def frames(self) -> list[SkeletonFrame]:
        """All tracked frames, in order."""
        return list(self._seen.values())

    def add_skeletons(self, message: Any) -> None:
        self.add_frame(skeleton_frame(message))

    def add_frame(self, frame: SkeletonFrame) -> None:
        if self.stamps and frame.stamp_ns <= self.stamps[-1]:
            return  # a repeated or late message; a store's stamps rise
        self.stamps.append(frame.stamp_ns)
        self.image_size = frame.image_size
        self._seen[frame.stamp_ns] = frame
        for skeleton in frame.skeletons:
            if skeleton.track_id >= 0:
                self.tracks[skeleton.track_id][frame.stamp_ns] = skeleton

    def add_true_skeletons(self, message: Any) -> None:
        frame = skeleton_frame(message)
        self._truth[frame.stamp_ns] = frame

    def add_true_actions(self, message: Any) -> None:
        actions = []
        for action in message.actions:
            best = [Hypothesis(int(h.class_id), h.class_name, 1.0) for h in action.hypotheses[:1]]
            actions.append(
                RecognizedAction(
                    ActionState(int(action.state)), int(action.track_id), tuple(best), 0, 0, 0,
                    0.0, 0.0, _NOBODY,
                )
            )  # fmt: skip
        self._episodes.push(ActionFrame(stamp_to_ns(message.header.stamp), tuple(actions)))

    def spans(self, track_id: int, first: int, last: int) -> tuple[Span, ...]:
        """What the person of a track truly did while it was seen."""
        if self.labels is not None:
            return self.labels.spans(track_id, first, last)
        spans = []
        for episode in self._episodes.episodes():
            if episode.end_ns >= first and episode.start_ns <= last and self._is(track_id, episode):
                start, end = max(episode.start_ns, first), min(episode.end_ns, last)
                spans.append(Span(episode.class_name, start, end, track_id))
        return tuple(spans)

    def _is(self, track_id: int, episode: Episode) -> bool:
        """Whether the track is the person of the episode. Without true skeletons: the same id."""
        if not self._truth:
            return track_id == episode.person_id
        return self._matcher.person(track_id, episode.start_ns, episode.end_ns) == episode.person_id

    @cached_property
    def _matcher(self) -> PersonMatcher:
        matcher = PersonMatcher()
        for stamp in sorted(self._seen.keys() & self._truth.keys()):
            matcher.push(self._seen[stamp], self._truth[stamp])
        return matcher


def _wanted(topic: str, wanted: Iterable[str]) -> str | None:
    """Which of the wanted topics this is, with any namespace before it; the longest name wins."""
    parts = topic.strip("/")
    fitting = [name for name in wanted if parts == name or parts.endswith(f"/{name}")]
    return max(fitting, key=len, default=None)


def estimated_frames(bag: Bag, backend: str) -> Iterator[SkeletonFrame]:
    """The people in a bag's images, tracked; images that cannot be read are left out.

    Raises BagError if it holds no images.
    """
    given = choose_input(bag, "images")
    estimator, tracker = create_pose_estimator(backend), Tracker()
    newest = -1
    try:
        for each in bag.messages([given.topic]):
            try:
                stamp_ns, image = bag_image(each.message)
            except InvalidImageError:
                continue
            if stamp_ns > newest:
                newest = stamp_ns
                yield tracker.update(estimator.estimate(image, stamp_ns))
    finally:
        estimator.close()
