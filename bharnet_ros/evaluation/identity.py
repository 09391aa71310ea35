"""Which true person a track is: the one whose box it shares over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from bharnet_ros.boxes import box_overlap
from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.types import SkeletonFrame


class PersonMatcher:
    """Remembers which boxes of tracks and of true people lay on each other.

    min_overlap: intersection over union below which two boxes are not the same person.
    """

    def __init__(self, min_overlap: float = 0.2) -> None:
        self._min_overlap = min_overlap
        # track id -> (stamp_ns, person id, overlap) in order of the frames
        self._shared: dict[int, list[tuple[int, int, float]]] = defaultdict(list)

    def push(self, tracked: SkeletonFrame, truth: SkeletonFrame) -> None:
        """Compare a tracked frame with the truth of the same image (track_id = person id).

        Each track is matched with at most one person and the other way round, best first.
        """
        candidates = sorted(
            (
                (float(box_overlap(found.bbox, real.bbox)), found.track_id, real.track_id)
                for found in tracked.skeletons
                for real in truth.skeletons
            ),
            reverse=True,
        )
        tracks: set[int] = set()
        people: set[int] = set()
        for shared, track_id, person_id in candidates:
            if shared < self._min_overlap:
                break
            if track_id not in tracks and person_id not in people:
                tracks.add(track_id)
                people.add(person_id)
                self._shared[track_id].append((tracked.stamp_ns, person_id, shared))

    def person(self, track_id: int, start_ns: int, end_ns: int) -> int | None:
        """Who the track was from start to end, or ever if it lay on nobody then; None = nobody."""
        shared = self._shared.get(track_id, [])
        inside = [entry for entry in shared if start_ns <= entry[0] <= end_ns]
        votes: dict[int, float] = defaultdict(float)
        for _, person_id, amount in inside or shared:
            votes[person_id] += amount
        return max(votes, key=lambda p: (votes[p], -p)) if votes else None

    def attribute(self, episodes: Iterable[Episode]) -> tuple[Episode, ...]:
        """Episodes of tracks as episodes of people; -1 for a track that is nobody."""
        named = []
        for episode in episodes:
            person = self.person(episode.person_id, episode.start_ns, episode.end_ns)
            named.append(replace(episode, person_id=-1 if person is None else person))
        return tuple(named)
