"""Whether ids stay with people: IDF1, id switches, fragmentation.

IDF1 as in Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera
Tracking", ECCV Workshops 2016: identities are matched once over the whole recording. Switches,
misses, false positives and MOTA as in Bernardin and Stiefelhagen, "Evaluating Multiple Object
Tracking Performance: The CLEAR MOT Metrics", EURASIP 2008; fragments as in Milan et al., "MOT16".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.assignment import assign

MATCHED = 0.5
"""Likeness from which a track counts as being at a true person's place."""
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class IdFrame:
    """One moment. people: N true ids. tracks: M track ids. likeness: (N, M) 0 to 1, how well a
    track fits a person's place. counted: (N,) bool; people who need not be found (hidden ones)
    are not, and a track that fits one of them best is no mistake."""

    people: Sequence[int]
    tracks: Sequence[int]
    likeness: npt.NDArray[np.float64]
    counted: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class IdCounts:
    """Sums over frames; those of several recordings add up.

    people: true sights that count. id_hits: of them, those with the id that is the person's over
    the whole recording; id_extra: track sights that are nobody's by that matching. matched:
    sights at which some track is in place; missed; extra: tracks in nobody's place. switches:
    a person's id is another than at their last sight. fragments: a person is lost and found
    again, with whatever id. mixed: tracks that were in place at more than one person.
    """

    people: int = 0
    id_hits: int = 0
    id_extra: int = 0
    matched: int = 0
    extra: int = 0
    switches: int = 0
    fragments: int = 0
    mixed: int = 0

    def __add__(self, other: IdCounts) -> IdCounts:
        return IdCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def missed(self) -> int:
        return self.people - self.matched

    @property
    def idf1(self) -> float:
        """Harmonic mean of the shares of true and of track sights with the right id."""
        total = self.people + self.id_hits + self.id_extra
        return 2 * self.id_hits / total if total else float("nan")

    @property
    def mota(self) -> float:
        """1 - (misses + extras + switches) / sights; below 0 if there is more wrong than true."""
        wrong = self.missed + self.extra + self.switches
        return 1.0 - wrong / self.people if self.people else float("nan")

    def data(self) -> dict[str, Any]:
        """Plain data."""
        counts = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"idf1": self.idf1, "mota": self.mota, **counts, "missed": self.missed}


def count_identities(frames: Sequence[IdFrame], matched: float = MATCHED) -> IdCounts:
    """Of one recording, its frames in order of time.

    A pair in place stays a pair as long as it is in place; the others are matched anew.
    """
    last: dict[int, int] = {}
    lost: set[int] = set()
    met: dict[int, set[int]] = {}
    together, of_person, of_track = Counter[tuple[int, int]](), Counter[int](), Counter[int]()
    totals = Counter[str]()
    for frame in frames:
        frame = _without_hidden(frame, matched)
        pairs = _pairs(frame, last, matched)
        totals["people"] += len(frame.people)
        totals["matched"] += len(pairs)
        totals["extra"] += len(frame.tracks) - len(pairs)
        in_place = {frame.people[i]: frame.tracks[j] for i, j in pairs}
        for person, track in in_place.items():
            totals["switches"] += last.get(person, track) != track
            totals["fragments"] += person in lost
            lost.discard(person)
            last[person] = track
            met.setdefault(track, set()).add(person)
        lost |= {p for p in frame.people if p not in in_place and p in last}
        of_person.update(frame.people)
        of_track.update(frame.tracks)
        fits = np.argwhere(frame.likeness >= matched) if frame.likeness.size else ()
        together.update((frame.people[i], frame.tracks[j]) for i, j in fits)
    hits = _best_identities(together, of_person, of_track)
    mixed = sum(len(people) > 1 for people in met.values())
    return IdCounts(
        totals["people"], hits, of_track.total() - hits, totals["matched"], totals["extra"],
        totals["switches"], totals["fragments"], mixed,
    )  # fmt: skip


def _without_hidden(frame: IdFrame, matched: float) -> IdFrame:
    """Without the people who do not count and the tracks that are theirs."""
    counted = np.asarray(frame.counted, np.bool_)
    if counted.all():
        return frame
    theirs = {j for i, j in assign(frame.likeness, matched) if not counted[i]}
    kept = [j for j in range(len(frame.tracks)) if j not in theirs]
    rows = [i for i in range(len(frame.people)) if counted[i]]
    return IdFrame(
        [frame.people[i] for i in rows], [frame.tracks[j] for j in kept],
        _part(frame.likeness, rows, kept), counted[rows],
    )  # fmt: skip


def _pairs(frame: IdFrame, last: dict[int, int], matched: float) -> list[tuple[int, int]]:
    index = {track: j for j, track in enumerate(frame.tracks)}
    kept: list[tuple[int, int]] = []
    for i, person in enumerate(frame.people):
        j = index.get(last[person]) if person in last else None
        if j is not None and frame.likeness[i, j] >= matched and j not in {b for _, b in kept}:
            kept.append((i, j))
    rows = [i for i in range(len(frame.people)) if i not in {a for a, _ in kept}]
    columns = [j for j in range(len(frame.tracks)) if j not in {b for _, b in kept}]
    left = _part(frame.likeness, rows, columns)
    return kept + [(rows[i], columns[j]) for i, j in assign(left, matched)]


def _part(
    matrix: npt.NDArray[np.float64], rows: list[int], columns: list[int]
) -> npt.NDArray[np.float64]:
    return matrix[np.array(rows, np.intp)][:, np.array(columns, np.intp)]


def _best_identities(
    together: Counter[tuple[int, int]], of_person: Counter[int], of_track: Counter[int]
) -> int:
    """Frames in which people have the one track id that is theirs, by the best matching."""
    people, tracks = sorted(of_person), sorted(of_track)
    shared = np.zeros((len(people), len(tracks)))
    for (person, track), count in together.items():
        shared[people.index(person), tracks.index(track)] = count
    return sum(round(float(shared[i, j])) for i, j in assign(shared, _TINY))
