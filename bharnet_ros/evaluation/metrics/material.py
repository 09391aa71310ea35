"""What every metric is made of: the parts of an evaluation, sorted by recording and person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording, Stamps
from bharnet_ros.types import FloatArray

NOBODY = -1
"""Person id of tracks that are nobody the truth knows."""

NOTHING = -1
"""Class id where no action is, or where nothing could be judged."""


@dataclass(frozen=True, eq=False)
class Person:
    """Everything about one person of one recording.

    truth: the true actions; apart: true spans of the background or the unknown class.
    recognised: the actions that were reported. ticks: the judgements, N of them by stamp.
    """

    recording: str
    person_id: int
    truth: tuple[Episode, ...]
    apart: tuple[Episode, ...]
    recognised: tuple[Episode, ...]
    ticks: JudgedPerson


@dataclass(frozen=True, eq=False)
class Material:
    """The people of some recordings.

    names: the bundle's classes, then those that only the truth has; class ids count in it.
    actions: those of them that are actions.
    """

    names: tuple[str, ...]
    background: str
    unknown: str
    recordings: tuple[Recording, ...]
    people: tuple[Person, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(n for n in self.names if n not in (self.background, self.unknown))

    @property
    def hours(self) -> float:
        """Time that was evaluated, without gaps."""
        return sum(recording.covered_s for recording in self.recordings) / 3600.0

    def class_id(self, name: str) -> int:
        """Index in `names`; NOTHING for no name."""
        return self.names.index(name) if name in self.names else NOTHING


def material(evaluation: Evaluation, recordings: Sequence[Recording] | None = None) -> Material:
    """Of all recordings, or of some."""
    chosen = evaluation.recordings if recordings is None else tuple(recordings)
    told = (e.class_name for r in chosen for e in (*r.truth, *r.recognised))
    names = tuple(dict.fromkeys((*evaluation.class_names, *told)))
    empty = Material(names, evaluation.background, evaluation.unknown, chosen, ())
    people = tuple(person for recording in chosen for person in _people(recording, empty))
    return Material(names, evaluation.background, evaluation.unknown, chosen, people)


def true_ids(person: Person, names: Sequence[str], background: int) -> npt.NDArray[np.int64]:
    """(N,) the true class at each tick, `background` where none is labelled."""
    ids = np.full(len(person.ticks.stamps_ns), background, np.int64)
    index = {name: i for i, name in enumerate(names)}
    for episode in sorted((*person.apart, *person.truth), key=lambda e: e.start_ns):
        ids[inside(person.ticks.stamps_ns, episode)] = index[episode.class_name]
    return ids


def inside(stamps_ns: Stamps, episode: Episode) -> slice:
    """The stamps from start to end, both included."""
    first = np.searchsorted(stamps_ns, episode.start_ns, "left")
    last = np.searchsorted(stamps_ns, episode.end_ns, "right")
    return slice(int(first), int(last))


def _people(recording: Recording, known: Material) -> list[Person]:
    truth, apart, recognised = (defaultdict[int, list[Episode]](list) for _ in range(3))
    for episode in recording.truth:
        named = episode.class_name in (known.background, known.unknown)
        (apart if named else truth)[episode.person_id].append(episode)
    for episode in recording.recognised:
        if episode.class_name not in (known.background, known.unknown):
            recognised[episode.person_id].append(episode)
    judged = defaultdict[int, list[JudgedPerson]](list)
    for person in recording.people:
        judged[person.person_id].append(person)
    return [
        Person(
            recording.name, person_id, _sorted(truth[person_id]), _sorted(apart[person_id]),
            _sorted(recognised[person_id]), _joined(person_id, judged[person_id]),
        )
        for person_id in sorted({*truth, *apart, *recognised, *judged})
    ]  # fmt: skip


def _sorted(episodes: list[Episode]) -> tuple[Episode, ...]:
    return tuple(sorted(episodes, key=lambda e: (e.start_ns, e.end_ns, e.class_name)))


def _joined(person_id: int, parts: list[JudgedPerson]) -> JudgedPerson:
    """One series of judgements; several tracks may be the same person, or nobody."""
    if len(parts) == 1:
        return parts[0]
    integers, floats = np.zeros(0, np.int64), np.zeros(0, np.float32)
    stamps = np.concatenate([integers, *(part.stamps_ns for part in parts)])
    order = np.argsort(stamps, kind="stable")
    ids = np.concatenate([integers, *(part.class_ids for part in parts)])[order]
    reported = np.concatenate([integers, *(part.reported for part in parts)])[order]
    probabilities: FloatArray = np.concatenate([floats, *(p.probabilities for p in parts)])[order]
    hands = np.concatenate([np.zeros(0, np.bool_), *(part.hands for part in parts)])[order]
    return JudgedPerson(person_id, stamps[order], ids, probabilities, reported, hands)
