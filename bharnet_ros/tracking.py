"""From people per image to stable track ids.

Every track is moved on by its own motion to the time of the new image, compared with every person
found (keypoints, box, size), and the best one-to-one assignment is taken. Where people cover each
other, an estimator mistakes one for the other and keypoints cannot be trusted: a track then also
remembers how its person was last seen in the clear, and whoever comes out of the crowd is compared
with that, too. Memory of people who are out of sight is in seconds of stamps, never in frames.

The parts are those of SORT (Bewley et al., ICIP 2016) with keypoint similarity; that what was seen
before an occlusion is worth more than what was guessed in it is the lesson of OC-SORT (Cao et al.,
CVPR 2023).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bharnet_ros.assignment import assign
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.likeness import (
    View,
    box_centre,
    covered,
    crowded,
    expected_boxes,
    first_view,
    likeness,
    next_view,
)
from bharnet_ros.skeleton import layout_of
from bharnet_ros.types import Skeleton, SkeletonFrame

__all__ = ["NOWHERE", "Tracker", "assign"]

NOWHERE = "people with boxes that are no numbers"
"""Why people are left out, where that is counted."""
CROWDED_SHARE = 0.35
"""People whose boxes share so much of the smaller one may be mistaken for each other."""
CROWD_TRUST, MERGED_TRUST = 0.5, 0.15
"""What the newest sight is worth beside the last one in the clear: where people cover each other,
and where only one is found of people who do, so that nobody knows which of them it is."""
NEAR_TRUST = 0.5
"""The newest sight alone is never worth less than this."""
LOST_CLAIM = 0.7
"""What the claim of somebody out of sight counts beside that of somebody seen a frame ago."""
EXIT_S = 0.5
"""Somebody who must have left the image by now is remembered no longer than this."""


@dataclass
class _Track:
    """One person over time: as seen last, and as seen last with nobody else in the way.

    trust: 0..1, what `recent` is worth beside `clear`; 1 where they are the same. behind: id of
    the track in whose place this one was lost, while it is lost.
    """

    track_id: int
    recent: View
    clear: View
    trust: float = 1.0
    behind: int | None = None


class Tracker:
    """Gives every skeleton a track id that stays with the person.

    max_lost_s: how long somebody may be out of sight and still get the old id back, 0 = not at
    all; who walked out of the image is forgotten after at most half a second, if its size is known
    (not (0, 0)).
    min_affinity: 0..1, the least likeness of a person to a track; lower follows faster motion,
    higher mixes people up less. max_tracks: tracks remembered at most; the longest unseen go.

    Ids count up from 0 and are never given twice, not even after a reset or when the time
    jumps back (which starts afresh, as a looping bag does).

    dropped: people left out since the start, whose boxes were no finite numbers.
    """

    def __init__(
        self, max_lost_s: float = 3.0, min_affinity: float = 0.2, max_tracks: int = 64
    ) -> None:
        if not 0.0 <= max_lost_s <= 60.0:
            raise ConfigurationError(f"max_lost_s is {max_lost_s}; it must lie between 0 and 60")
        if not 0.0 < min_affinity < 1.0:
            raise ConfigurationError(f"min_affinity is {min_affinity}; it must lie within 0..1")
        if max_tracks < 1:
            raise ConfigurationError(f"max_tracks is {max_tracks}; it must be at least 1")
        self._max_lost_s = float(max_lost_s)
        self._min_affinity = float(min_affinity)
        self._max_tracks = int(max_tracks)
        self._tracks: list[_Track] = []
        self._next_id = 0
        self.dropped = 0
        self._stamp_ns: int | None = None
        self._layout = ""

    def reset(self) -> None:
        """Forget everybody; the next people get new ids."""
        self._tracks, self._stamp_ns = [], None

    def update(self, frame: SkeletonFrame) -> SkeletonFrame:
        """The same frame with track ids; order and everything else unchanged.

        Which id a person gets does not depend on the order of the skeletons. Who has a box that
        is no finite numbers is left out and counted in `dropped`; a keypoint that is none is not
        seen. Raises LayoutError and InvalidSkeletonError (`layout_of`); nothing changes then.
        """
        body = layout_of(frame).body_indices
        frame = self._placed(frame)
        stamp_ns, before_ns = frame.stamp_ns, self._stamp_ns
        if (self._stamp_ns is not None and stamp_ns < self._stamp_ns) or (
            frame.layout != self._layout
        ):
            self.reset()
        self._stamp_ns, self._layout = stamp_ns, frame.layout
        self._tracks = [t for t in self._tracks if self._remembered(t, frame, before_ns)]
        order = list(range(len(frame.skeletons)))
        if len(order) > 1:
            order.sort(key=lambda i: _canonical(frame.skeletons[i]))
        people = [frame.skeletons[i] for i in order]
        affinity, by_clear = self._affinity(people, stamp_ns, before_ns)
        pairs = assign(affinity, self._min_affinity)
        trust = self._trust(people, dict(pairs), stamp_ns, before_ns)
        ids = [-1] * len(people)
        for i, j in pairs:
            track, person = self._tracks[i], people[j]
            before = track.clear if by_clear[i, j] else track.recent
            track.recent, track.trust = next_view(before, person, stamp_ns, body), trust[j]
            track.behind = None
            if trust[j] >= 1.0:
                track.clear = track.recent
            ids[order[j]] = track.track_id
        for j, person in enumerate(people):
            if ids[order[j]] < 0:
                ids[order[j]] = self._start(person, stamp_ns)
        self._tracks.sort(key=lambda t: (-t.recent.stamp_ns, t.track_id))
        del self._tracks[self._max_tracks :]
        named = zip(frame.skeletons, ids, strict=True)
        return replace(frame, skeletons=tuple(replace(s, track_id=i) for s, i in named))

    def _placed(self, frame: SkeletonFrame) -> SkeletonFrame:
        """The frame without the people who are nowhere: their tracks could not be followed, and
        who gets a message with such a box refuses all of it."""
        placed = tuple(s for s in frame.skeletons if np.isfinite(s.bbox).all())
        if len(placed) == len(frame.skeletons):
            return frame
        self.dropped += len(frame.skeletons) - len(placed)
        return replace(frame, skeletons=placed)

    def _affinity(
        self, people: list[Skeleton], stamp_ns: int, before_ns: int | None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """(R, C) how well a person fits a track, 0 if not at all, and whether the sight in the
        clear fits better than the newest one.

        What lies above the least affinity counts in the measure of its sharpness: of two tracks
        that fit, the one seen a moment ago has the better claim.
        """
        count, least = len(self._tracks), self._min_affinity
        views = [t.recent for t in self._tracks]
        # Most people are in the clear, and then both sights are one.
        rows = list(range(count))
        for i, track in enumerate(self._tracks):
            if track.clear is not track.recent:
                rows[i] = len(views)
                views.append(track.clear)
        fits, sharp = likeness(views, people, stamp_ns, self._layout)
        recent, clear = fits[:count], fits[rows]
        trust = np.array([t.trust for t in self._tracks])
        # The older a sight, the less it tells people apart.
        blur = np.sqrt(sharp[rows] / np.maximum(sharp[:count], 1e-6))
        trust = trust / (trust + (1.0 - trust) * blur)
        together = trust[:, None] * recent + (1.0 - trust)[:, None] * clear
        # However surprising the turn: who was just there may be there still.
        together = np.maximum(together, NEAR_TRUST * recent)
        sharpness = trust * sharp[:count] + (1.0 - trust) * sharp[rows]
        lost = np.array([t.recent.stamp_ns != before_ns for t in self._tracks], np.bool_)
        share = sharpness * np.where(lost, LOST_CLAIM, 1.0)
        claim = least + (together - least) * share[:, None]
        return np.where(together >= least, claim, 0.0), clear > recent

    def _trust(
        self, people: list[Skeleton], found: dict[int, int], stamp_ns: int, before_ns: int | None
    ) -> npt.NDArray[np.float64]:
        """(C,) what the sight of each of the people is worth. found: track -> person, by index.

        Somebody is taken for two people while one who was lost in their place is not found, or
        may be there by now.
        """
        lost = [track for i, track in enumerate(self._tracks) if i not in found]
        if not lost and len(people) < 2:  # most images of most robots
            return np.ones(len(people))
        rows = {self._tracks[i].track_id: j for i, j in found.items()}
        fresh = [track for track in lost if track.recent.stamp_ns == before_ns]
        places = covered(people, expected_boxes([t.recent for t in fresh], stamp_ns))
        for track, column in zip(fresh, places.T, strict=True):
            track.behind = next(
                (i for i, j in rows.items() if column[j] >= max(CROWDED_SHARE, column.max())), None
            )
        views = [view for track in lost for view in (track.recent, track.clear)]
        overlap = covered(people, expected_boxes(views, stamp_ns)) >= CROWDED_SHARE
        in_front = {rows[track.behind] for track in lost if track.behind in rows}
        merged = overlap.any(axis=1) | np.isin(np.arange(len(people)), list(in_front))
        among = crowded(people, CROWDED_SHARE)
        return np.where(among, CROWD_TRUST, np.where(merged, MERGED_TRUST, 1.0))

    def _start(self, person: Skeleton, stamp_ns: int) -> int:
        """A new track for somebody not seen before; its id."""
        view = first_view(person, stamp_ns)
        self._tracks.append(_Track(self._next_id, view, view))
        self._next_id += 1
        return self._next_id - 1

    def _remembered(self, track: _Track, frame: SkeletonFrame, before_ns: int | None) -> bool:
        view = track.recent
        lost_s = (frame.stamp_ns - view.stamp_ns) * 1e-9
        # Who was in the frame before is not out of sight, however short the memory for those is.
        in_sight = view.stamp_ns == before_ns
        if lost_s <= (EXIT_S if in_sight else min(EXIT_S, self._max_lost_s)):
            return True
        if lost_s > self._max_lost_s:
            return False
        height, width = frame.image_size
        if min(height, width) <= 0:  # not known: nor is who left the image
            return True
        place, _ = view.motion.ahead(lost_s, view.height_px)
        middle = box_centre(view.seen) + place - view.place
        return bool(0.0 <= middle[0] < width and 0.0 <= middle[1] < height)


def _canonical(skeleton: Skeleton) -> tuple[float, ...]:
    """A key that orders skeletons by what they are, not by where they stand in a list."""
    return (*skeleton.bbox.tolist(), skeleton.bbox_score, *skeleton.keypoints.ravel().tolist())
