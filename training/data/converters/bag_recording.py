"""What a bag with skeletons says: who was seen when, and what they truly did."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Any

import numpy as np

from bharnet_ros.bags.messages import skeleton_frame, stamp_to_ns
from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.evaluation import Episode, EpisodeCollector, PersonMatcher
from bharnet_ros.evaluation.stamp_order import RESTARTED, UNSTAMPED, unusable_stamp
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)
from training.data.converters.labelled import LabelledPeople
from training.data.sample import Span

_NOBODY = np.zeros(4, np.float32)
_MAX_SENTENCES = 20
_LEFT_OUT = {
    RESTARTED: "its stamps jump back, and what comes after is left out until they are newer again; "
    "split the bag there",
    UNSTAMPED: "what has the stamp 0 is left out",
}


class BagRecording:
    """What a bag says, message by message.

    tracks: by id, the person of each stamp. stamps: of all frames, rising. image_size: (height,
    width) in pixels. labels: None where the truth is what the built-in camera published. problems:
    sentences about what was left out.
    """

    def __init__(self) -> None:
        self.tracks: dict[int, dict[int, Skeleton]] = defaultdict(dict)
        self.stamps: list[int] = []
        self.image_size = (0, 0)
        self.labels: LabelledPeople | None = None
        self.problems: list[str] = []
        self._tracker: Tracker | None = None
        self._seen: dict[int, SkeletonFrame] = {}
        self._truth: dict[int, SkeletonFrame] = {}
        self._episodes = EpisodeCollector()

    @property
    def frames(self) -> list[SkeletonFrame]:
        """All tracked frames, in order."""
        return list(self._seen.values())

    def add_skeletons(self, message: Any) -> None:
        """Skeletons as recorded, tracked here if they are not; those that contradict themselves are
        left out."""
        frame = self._frame(message)
        if frame is None or not self.usable(frame.stamp_ns):
            return
        if self._tracker is None and any(person.track_id < 0 for person in frame.skeletons):
            self._tracker = Tracker()
        self.add_frame(frame if self._tracker is None else self._tracker.update(frame))

    def usable(self, stamp_ns: int) -> bool:
        """Whether a frame of that stamp can come next: a store's stamps rise."""
        reason = unusable_stamp(stamp_ns, self.stamps[-1] if self.stamps else None)
        if reason in _LEFT_OUT:
            self._tell(_LEFT_OUT[reason])
        return not reason

    def add_frame(self, frame: SkeletonFrame) -> None:
        """A usable frame."""
        self.stamps.append(frame.stamp_ns)
        self.image_size = frame.image_size
        self._seen[frame.stamp_ns] = frame
        for skeleton in frame.skeletons:
            if skeleton.track_id >= 0:
                self.tracks[skeleton.track_id][frame.stamp_ns] = skeleton

    def add_true_skeletons(self, message: Any) -> None:
        """Who is where, as the built-in camera publishes it."""
        frame = self._frame(message)
        if frame is not None:
            self._truth[frame.stamp_ns] = frame

    def add_true_actions(self, message: Any) -> None:
        """What people do, as the built-in camera publishes it."""
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

    def _frame(self, message: Any) -> SkeletonFrame | None:
        try:
            return skeleton_frame(message)
        except InvalidSkeletonError as error:
            self._tell(f"skeletons that are not used: {error}")
            return None

    def _tell(self, sentence: str) -> None:
        if sentence not in self.problems and len(self.problems) < _MAX_SENTENCES:
            self.problems.append(sentence)

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
