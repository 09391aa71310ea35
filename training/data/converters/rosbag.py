"""Our own recordings: ROS 2 bags with `skeletons` and, if known, `ground_truth/actions`.

One sample a tracked person, from the first to the last time it was seen. What the people truly
did becomes spans; when the skeletons are an estimator's, `ground_truth/skeletons` says which
track is which person. Reads SQLite3 and MCAP bags with the library `rosbags`, without ROS.
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.evaluation import Episode, EpisodeCollector, PersonMatcher
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)
from training.data.converters.base import Item
from training.data.sample import Person, Sample, SampleSkipped, Span
from training.data.sheet import DataSheet

MESSAGES = Path(__file__).resolve().parents[3] / "msg"
_NS = 1_000_000_000
_NOBODY = np.zeros(4, np.float32)


@dataclass(frozen=True)
class RosbagConverter:
    """input: a bag (folder), or a folder of bags. skeletons, true_actions, true_skeletons: topics,
    with or without a namespace. layout: the keypoint layout of the bags."""

    lazy: ClassVar[bool] = True
    input: Path
    skeletons: str = "skeletons"
    true_actions: str = "ground_truth/actions"
    true_skeletons: str = "ground_truth/skeletons"
    layout: str = "coco_wholebody_133"
    license: str = "your own recordings"

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        _library("rosbags.highlevel")
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
            options={"skeletons": self.skeletons, "true_actions": self.true_actions},
        )

    def items(self) -> Iterator[Item]:
        """See `Converter.items`. One bag after another is read whole, and then let go."""
        bags = [self.input] if (self.input / "metadata.yaml").is_file() else []
        bags = bags or sorted(path.parent for path in self.input.rglob("metadata.yaml"))
        bags = bags or ([self.input] if self.input.suffix == ".mcap" else [])
        if not bags:
            raise ConfigurationError(f"{self.input} holds no bag (metadata.yaml); check --input.")
        for bag in bags:
            name = bag.relative_to(self.input).as_posix() if bag != self.input else bag.name
            try:
                recording = self._read(bag)
            except SampleSkipped as error:
                yield Item(name, error)
                continue
            if not recording.tracks:
                yield Item(name, SampleSkipped("empty", f"nobody on the topic {self.skeletons}"))
            for track_id in sorted(recording.tracks):
                yield Item(f"{name}#{track_id}", (recording, track_id))

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        if isinstance(item.handle, SampleSkipped):
            raise item.handle
        recording, track_id = item.handle
        frames: dict[int, Skeleton] = recording.tracks[track_id]
        if len(frames) < 2:
            raise SampleSkipped("empty", f"track {track_id} was seen in {len(frames)} frame")
        first, last = min(frames), max(frames)
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
            fields={"group": item.source.rsplit("#", 1)[0]},
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
        reader = _library("rosbags.highlevel").AnyReader
        try:
            with reader([bag], default_typestore=self._types) as opened:
                chosen = {c.topic: t for c in opened.connections if (t := _wanted(c.topic, topics))}
                wanted = [c for c in opened.connections if c.topic in chosen]
                for connection, _, raw in opened.messages(wanted) if wanted else ():
                    message = opened.deserialize(raw, connection.msgtype)
                    layouts.add(getattr(message, "layout", self.layout))
                    for handle in topics[chosen[connection.topic]]:
                        handle(message)
        except Exception as error:  # a damaged bag raises whatever its storage library raises
            raise SampleSkipped("corrupt", f"{type(error).__name__}: {error}") from error
        if layouts - {self.layout}:
            raise SampleSkipped("corrupt", f"layout {', '.join(layouts)}, expected {self.layout}")
        return recording

    @cached_property
    def _types(self) -> Any:
        """Our messages on top of the standard ones, for bags that do not bring definitions."""
        typesys = _library("rosbags.typesys")
        store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
        for path in sorted(MESSAGES.glob("*.msg")):
            name = f"bharnet_ros/msg/{path.stem}"
            store.register(typesys.get_types_from_msg(path.read_text("utf-8"), name))
        return store


class _Recording:
    """What a bag says, message by message."""

    def __init__(self) -> None:
        self.tracks: dict[int, dict[int, Skeleton]] = defaultdict(dict)
        self.stamps: list[int] = []
        self.image_size = (0, 0)
        self._seen: dict[int, SkeletonFrame] = {}
        self._truth: dict[int, SkeletonFrame] = {}
        self._episodes = EpisodeCollector()

    def add_skeletons(self, message: Any) -> None:
        frame = _frame(message)
        if self.stamps and frame.stamp_ns <= self.stamps[-1]:
            return  # a repeated or late message; a store's stamps rise
        self.stamps.append(frame.stamp_ns)
        self.image_size = frame.image_size
        self._seen[frame.stamp_ns] = frame
        for skeleton in frame.skeletons:
            if skeleton.track_id >= 0:
                self.tracks[skeleton.track_id][frame.stamp_ns] = skeleton

    def add_true_skeletons(self, message: Any) -> None:
        frame = _frame(message)
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
        self._episodes.push(ActionFrame(_stamp(message), tuple(actions)))

    def spans(self, track_id: int, first: int, last: int) -> tuple[Span, ...]:
        """What the person of a track truly did while it was seen."""
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


def _frame(message: Any) -> SkeletonFrame:
    people = tuple(
        Skeleton(
            int(s.track_id), np.asarray(s.bbox, np.float32), float(s.bbox_score),
            np.asarray(s.keypoints, np.float32).reshape(-1, 2),
            np.asarray(s.keypoint_scores, np.float32),
        )
        for s in message.skeletons
    )  # fmt: skip
    size = int(message.image_height), int(message.image_width)
    return SkeletonFrame(_stamp(message), size, message.layout, people)


def _stamp(message: Any) -> int:
    return int(message.header.stamp.sec) * _NS + int(message.header.stamp.nanosec)


def _wanted(topic: str, wanted: Iterable[str]) -> str | None:
    """Which of the wanted topics this is, with any namespace before it; the longest name wins."""
    parts = topic.strip("/")
    fitting = [name for name in wanted if parts == name or parts.endswith(f"/{name}")]
    return max(fitting, key=len, default=None)


def _library(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BackendUnavailable(
            f"Reading bags needs the library rosbags ({error}); install it with "
            "`python -m pip install rosbags`."
        ) from error
