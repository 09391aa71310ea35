"""Which tracked person a label speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bharnet_ros.boxes import box_overlap
from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.truth.segments import LabelledSegment, Labels
from bharnet_ros.types import FloatArray, SkeletonFrame

NOBODY = -1
INSIDE = 0.5
"""A person is in a region if this share of the smaller of box and region lies in the other, so
that a region may be drawn around a head as well as around half of the image."""


@dataclass
class _Run:
    """A track was the same one from start to end, in `frames` frames."""

    start_ns: int
    end_ns: int
    who: int
    frames: int


class Attribution:
    """Labels as episodes of people, and which person each track was.

    truth: by start; person ids are the labels' numbers, or from 1 where they have none.
    problems: sentences about what had to be put right while reading, or guessed.
    """

    def __init__(
        self,
        truth: tuple[Episode, ...],
        problems: tuple[str, ...],
        runs: dict[int, list[_Run]],
    ) -> None:
        self.truth = truth
        self.problems = problems
        self._runs = runs

    def person(self, track_id: int, start_ns: int, end_ns: int) -> int | None:
        """Who the track mostly was from start to end, or nearest to it if nothing is known of that
        time; None = nobody the labels know."""
        runs = self._runs.get(track_id, [])
        away = [max(run.start_ns - end_ns, start_ns - run.end_ns, 0) for run in runs]
        nearest = min(away, default=0)
        votes: dict[int, int] = defaultdict(int)
        for run, distance in zip(runs, away, strict=True):
            if distance == nearest:
                votes[run.who] += run.frames
        who = max(votes, key=lambda w: (votes[w], -w)) if votes else NOBODY
        return None if who == NOBODY else who

    def attribute(self, episodes: Iterable[Episode]) -> tuple[Episode, ...]:
        """Episodes of tracks as episodes of people; -1 for a track that is nobody."""
        named = []
        for episode in episodes:
            who = self.person(episode.person_id, episode.start_ns, episode.end_ns)
            named.append(replace(episode, person_id=NOBODY if who is None else who))
        return tuple(named)


class Attributor:
    """Compares tracked frames, one after the other, with labels.

    Regions are compared with the boxes of the tracks while their segment lasts. A person without
    any region is the track of that number. Where the labels speak of one person only, without
    region, and there is no such track (or hardly ever), it is the largest person of every image.
    """

    def __init__(self, labels: Labels) -> None:
        self._segments = labels.segments
        self._problems = labels.problems
        self._last_ns: int | None = None
        self._by_second: dict[int, list[int]] = defaultdict(list)
        for index, segment in enumerate(self._segments):
            if segment.region is not None:
                for second in range(segment.start_ns // 10**9, segment.end_ns // 10**9 + 1):
                    self._by_second[second].append(index)
        self._in_region: dict[int, list[_Run]] = defaultdict(list)  # who = index of a segment
        self._largest: dict[int, list[_Run]] = defaultdict(list)  # who = 0, or NOBODY
        self._frames = self._crowded = 0

    def push(self, frame: SkeletonFrame) -> None:
        """Take a tracked frame; only boxes and track ids count."""
        self._last_ns = max(frame.stamp_ns, self._last_ns or frame.stamp_ns)
        people = [(s.track_id, s.bbox) for s in frame.skeletons if s.track_id >= 0]
        if not people:
            return
        self._frames += 1
        self._crowded += len(people) > 1
        largest = max(people, key=lambda p: (float(p[1][2] * p[1][3]), -p[0]))[0]
        for track_id, _ in people:
            _extend(self._largest[track_id], frame.stamp_ns, 0 if track_id == largest else NOBODY)
        for track_id, index in self._located(frame.stamp_ns, people):
            _extend(self._in_region[track_id], frame.stamp_ns, index)

    def finish(self) -> Attribution:
        """What the frames told. Raises LabelError if the labels do not say who does what."""
        problems = list(self._problems)
        names = self._names()
        runs: dict[int, list[_Run]] = defaultdict(list)
        for track_id, found in self._in_region.items():
            runs[track_id] += [replace(run, who=names[run.who]) for run in found]
        self._without_region(names, runs, problems)
        seen = {run.who for found in self._in_region.values() for run in found}
        for index, segment in enumerate(self._segments):
            passed = self._last_ns is not None and segment.end_ns <= self._last_ns
            if segment.region is not None and index not in seen and passed:
                problems.append(f"Nobody was tracked in the region of the {_told(segment)}.")
        truth = tuple(
            Episode(names[i], s.label, s.start_ns, s.end_ns) for i, s in enumerate(self._segments)
        )
        return Attribution(truth, tuple(problems), dict(runs))

    def _located(
        self, stamp_ns: int, people: Sequence[tuple[int, FloatArray]]
    ) -> Iterable[tuple[int, int]]:
        """(track id, index of a segment) by overlap, best first, each at most once."""
        candidates = []
        for index in self._by_second.get(stamp_ns // 10**9, ()):
            segment = self._segments[index]
            if segment.region is None or not segment.start_ns <= stamp_ns <= segment.end_ns:
                continue
            region = np.asarray(segment.region, np.float64)
            for track_id, box in people:
                if _share(box, region) >= INSIDE:
                    candidates.append((float(box_overlap(box, region)), track_id, index))
        used: set[tuple[str, int]] = set()
        for _, track_id, index in sorted(candidates, key=lambda c: (-c[0], c[1], c[2])):
            if not used & {("track", track_id), ("segment", index)}:
                used |= {("track", track_id), ("segment", index)}
                yield track_id, index

    def _names(self) -> list[int]:
        """The person of each segment."""
        given = {s.person for s in self._segments if s.person is not None}
        bare = [s for s in self._segments if s.person is None and s.region is None]
        if bare and (len(given) > 1 or (len(bare) < len(self._segments) and not given)):
            raise LabelError(
                f"The {_told(bare[0])} names neither person nor region, but other labels do; say "
                "there who does it."
            )
        only = next(iter(given), 1)
        linked = self._linked(max(given, default=0) + 1)
        return [
            segment.person
            if segment.person is not None
            else (only if segment.region is None else linked[index])
            for index, segment in enumerate(self._segments)
        ]

    def _linked(self, free: int) -> dict[int, int]:
        """A person for each segment with nothing but a region: that of other segments in which
        the same track was there, or a new one."""
        frames: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for track_id, runs in self._in_region.items():
            for run in runs:
                frames[run.who][track_id] += run.frames
        person_of: dict[int, int] = {}
        for index, segment in enumerate(self._segments):
            if segment.person is not None and frames[index]:
                track = max(frames[index], key=lambda t: (frames[index][t], -t))
                person_of.setdefault(track, segment.person)
        names = {}
        for index, segment in enumerate(self._segments):
            if segment.person is not None or segment.region is None:
                continue
            if not frames[index]:
                names[index], free = free, free + 1
                continue
            track = max(frames[index], key=lambda t: (frames[index][t], -t))
            if track not in person_of:
                person_of[track], free = free, free + 1
            names[index] = person_of[track]
        return names

    def _without_region(
        self, names: Sequence[int], runs: dict[int, list[_Run]], problems: list[str]
    ) -> None:
        """Find the people of whom no label has a region."""
        located = {names[i] for i, s in enumerate(self._segments) if s.region is not None}
        wanted = sorted(set(names) - located)
        named = {s.person for s in self._segments}
        alone = len(set(names)) == 1
        for person in wanted:
            if person in named and self._is_track(person, alone):
                mine = [replace(run, who=person) for run in self._largest[person]]
                runs[person] = [*runs.get(person, []), *mine]
            elif alone:
                for track_id, found in self._largest.items():
                    runs[track_id] = [
                        replace(run, who=NOBODY if run.who == NOBODY else person) for run in found
                    ]
                if self._crowded:
                    problems.append(
                        f"{self._crowded} of {self._frames} images show several people and the "
                        "labels have no region: the largest was taken for the one who is labelled."
                    )
            elif self._largest:
                tracks = ", ".join(map(str, sorted(self._largest)[:20]))
                raise LabelError(
                    f"Person {person} of the labels is no track (there are {tracks}) and has no "
                    "region; give a region, or number people as their tracks."
                )

    def _is_track(self, person: int, alone: bool) -> bool:
        """Whether the number of a person is meant as that of a track. A lone "person 1" may just
        have been numbered: it is not a track that was hardly ever there."""
        frames = sum(run.frames for run in self._largest.get(person, ()))
        return frames > 0 and not (alone and 2 * frames < self._frames)


def attribute(labels: Labels, frames: Iterable[SkeletonFrame]) -> Attribution:
    """Compare labels with all tracked frames of their recording; see `Attributor`."""
    attributor = Attributor(labels)
    for frame in frames:
        attributor.push(frame)
    return attributor.finish()


def _extend(runs: list[_Run], stamp_ns: int, who: int) -> None:
    if runs and runs[-1].who == who and runs[-1].end_ns <= stamp_ns:
        runs[-1].end_ns = stamp_ns
        runs[-1].frames += 1
    else:
        runs.append(_Run(stamp_ns, stamp_ns, who, 1))


def _share(box: FloatArray, region: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Shared area over that of the smaller."""
    low = np.maximum(box[:2], region[:2])
    high = np.minimum(box[:2] + box[2:], region[:2] + region[2:])
    smaller = min(float(box[2] * box[3]), float(region[2] * region[3]))
    return float(np.prod(np.maximum(high - low, 0.0))) / smaller if smaller > 0.0 else 0.0


def _told(segment: LabelledSegment) -> str:
    return f"label '{segment.label}' at stamp {segment.start_ns / 1e9:.3f} s"
