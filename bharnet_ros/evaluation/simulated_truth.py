"""Ground truth from the topics that the built-in camera publishes beside its images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bharnet_ros.bags.messages import ACTIONS, SKELETONS, action_frame, skeleton_frame
from bharnet_ros.errors import BagError, InvalidSkeletonError
from bharnet_ros.evaluation.building import Attribution
from bharnet_ros.evaluation.episodes import Episode, EpisodeCollector
from bharnet_ros.evaluation.identity import PersonMatcher
from bharnet_ros.types import SkeletonFrame

TRUE_ACTIONS = "ground_truth/actions"
TRUE_SKELETONS = "ground_truth/skeletons"
_NO_POINTS = np.zeros((0, 2), np.float32)
_NO_SCORES = np.zeros(0, np.float32)


@dataclass(frozen=True)
class TrueTracks:
    """An `Attribution` by the boxes of true people."""

    truth: tuple[Episode, ...]
    matcher: PersonMatcher
    problems: tuple[str, ...] = ()

    def person(self, track_id: int, start_ns: int, end_ns: int) -> int | None:
        """See `PersonMatcher.person`."""
        return self.matcher.person(track_id, start_ns, end_ns)

    def attribute(self, episodes: Iterable[Episode]) -> tuple[Episode, ...]:
        """See `PersonMatcher.attribute`."""
        return self.matcher.attribute(episodes)


class SimulatedTruth:
    """The `Truth` of a bag of the built-in camera; reads its topics at once, keeping only boxes.

    Raises BagError if the bag lacks them.
    """

    def __init__(self, bag: Any, prefix: str = "") -> None:
        names = {
            what: bag.find_topic(f"{prefix}{name}", (kind,), "the simulated truth")
            for what, name, kind in (
                ("actions", TRUE_ACTIONS, ACTIONS), ("people", TRUE_SKELETONS, SKELETONS),
            )
        }  # fmt: skip
        collector = EpisodeCollector()
        self._people: dict[int, SkeletonFrame] = {}
        for message in bag.messages(list(names.values())):
            if message.topic == names["actions"]:
                collector.push(action_frame(message.message))
            else:
                for frame in _boxes(message.message):
                    self._people[frame.stamp_ns] = frame
        if not self._people:
            raise BagError(f"The topic {names['people']} of the bag {bag.name} is empty.")
        self._truth = collector.episodes()
        self._matcher = PersonMatcher()

    @property
    def class_names(self) -> frozenset[str]:
        """Of the true actions."""
        return frozenset(episode.class_name for episode in self._truth)

    def push(self, frame: SkeletonFrame) -> None:
        """See `Truth.push`."""
        truth = self._people.get(frame.stamp_ns)
        if truth is not None:
            self._matcher.push(frame, truth)

    def finish(self) -> Attribution:
        """See `Truth.finish`."""
        return TrueTracks(self._truth, self._matcher)


def has_simulated_truth(bag: Any) -> bool:
    """Whether a bag holds the topics."""
    return all(
        any(topic.strip("/").endswith(name) for topic in bag.topics)
        for name in (TRUE_ACTIONS, TRUE_SKELETONS)
    )


def _boxes(message: Any) -> Iterator[SkeletonFrame]:
    """The frame without its keypoints, nothing if it is damaged."""
    try:
        frame = skeleton_frame(message)
    except InvalidSkeletonError:
        return
    people = tuple(
        replace(person, keypoints=_NO_POINTS, scores=_NO_SCORES) for person in frame.skeletons
    )
    yield replace(frame, skeletons=people)
