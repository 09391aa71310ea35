"""Our own recordings: ROS 2 bags with `skeletons`, and labels or `ground_truth/actions`.

One sample a tracked person, from the first to the last time it was seen. What the people truly
did becomes spans: as a label file says (see `labelled`), or as the built-in camera published it;
then, when the skeletons are an estimator's, `ground_truth/skeletons` says which track is which
person. Bags are read with `bharnet_ros.bags`: of damaged ones, what can be read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bharnet_ros.bags import Bag, find_bags, open_bag
from bharnet_ros.bags.optional import library
from bharnet_ros.errors import BagError, ConfigurationError, LabelError
from bharnet_ros.evaluation.bag_input import BagInput, choose_input
from bharnet_ros.evaluation.truth import check_of_several
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Skeleton
from training.data.converters.bag_recording import BagRecording
from training.data.converters.bag_topics import estimated_frames, wanted_topics
from training.data.converters.base import Item
from training.data.converters.labelled import (
    IMAGE_OPTION,
    LabelledPeople,
    Naming,
    find_labels,
    read_labels,
)
from training.data.sample import Person, Sample, SampleSkipped
from training.data.sheet import DataSheet


@dataclass(frozen=True)
class RosbagConverter:
    """input: a bag (folder), or a folder of bags. skeletons, true_actions, true_skeletons: topics,
    with or without a namespace. layout: the keypoint layout of the bags. labels: see
    `labelled.find_labels`; where it is given, bags without labels are skipped. names, people: see
    `labelled.Naming`. backend: the pose backend that reads the images of bags that hold no
    skeletons; "" leaves those out. image_topic: of those images, and by which bags were labelled;
    "" = the only one there is. say: told what of a bag is left out."""

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
    image_topic: str = ""
    say: Callable[[str], None] = print

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        library("rosbags.rosbag2")
        Naming(self.names, self.people)
        told = {"names": self.names, "backend": self.backend, "image_topic": self.image_topic}
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

    def _items(self, bags: Sequence[Path]) -> Iterator[Item]:
        if self.labels is not None and self.labels.is_file():
            check_of_several(self.labels, len(bags))
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
            for problem in recording.problems:
                self.say(f"{name}: {problem}")
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

    def _read(self, bag: Path) -> BagRecording:
        """One pass over a bag."""
        recording = BagRecording()
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
                chosen = wanted_topics(opened, topics)
                people = chosen.get(self.skeletons.strip("/"), "")
                if self.backend and not people:
                    images = self._input(opened, people)
                    for frame in estimated_frames(opened, images, self.backend, recording.usable):
                        layouts.add(frame.layout)
                        recording.add_frame(frame)
                handlers = {topic: topics[name] for name, topic in chosen.items()}
                for each in opened.messages(sorted(handlers)):
                    layouts.add(getattr(each.message, "layout", self.layout))
                    for handle in handlers[each.topic]:
                        handle(each.message)
                if place is not None and recording.frames:
                    labels = read_labels(place, opened, self._input(opened, people))
                    recording.labels = LabelledPeople.of(labels, recording.frames)
                recording.problems += opened.problems
        except LabelError:
            raise  # to be put right by whoever labelled
        except BagError as error:
            raise SampleSkipped("corrupt", str(error)) from error
        except (AttributeError, ValueError) as error:  # other messages under these names
            raise SampleSkipped("corrupt", f"{type(error).__name__}: {error}") from error
        if layouts - {self.layout}:
            raise SampleSkipped("corrupt", f"layout {', '.join(layouts)}, expected {self.layout}")
        return recording

    def _input(self, bag: Bag, skeletons: str) -> BagInput:
        """The skeletons of that topic; "" = the images."""
        kind = "skeletons" if skeletons else "images"
        return choose_input(bag, kind, self.image_topic, skeletons, IMAGE_OPTION)
