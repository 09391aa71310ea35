"""From tracked skeletons, one image after another, to the record of a recording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bharnet_ros.evaluation.episodes import Episode, EpisodeCollector
from bharnet_ros.evaluation.gaps import GAP_NS, Span
from bharnet_ros.evaluation.records import JudgedPerson, Recording
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import ActionFrame, Image, Skeleton, SkeletonFrame

HAND_SHARE = 0.5
"""Of a hand's keypoints so many must have been found for the hand to be of use."""
_SAME_PERSON_NS = 1_000_000_000
"""Whose a track is is asked anew after so long: ids can pass from one person to another."""
_NOBODY = -1


class Attribution(Protocol):
    """Who was who in a recording: true episodes, and which person each track is."""

    @property
    def truth(self) -> tuple[Episode, ...]:
        """What people truly did, with their person ids."""

    @property
    def problems(self) -> Sequence[str]:
        """Sentences about what does not fit."""

    def person(self, track_id: int, start_ns: int, end_ns: int) -> int | None:
        """Who a track was from start to end; None = nobody the truth knows."""

    def attribute(self, episodes: Iterable[Episode]) -> tuple[Episode, ...]:
        """Episodes of tracks as episodes of people; -1 for a track that is nobody."""


class Truth(Protocol):
    """Ground truth that learns who is who from the tracked skeletons."""

    def push(self, frame: SkeletonFrame) -> None:
        """The tracked people of one image."""

    def finish(self) -> Attribution:
        """After the last image."""


@dataclass(frozen=True)
class _Judged:
    """One judgement of one track."""

    stamp_ns: int
    class_id: int
    probability: float
    hand: bool


@dataclass(frozen=True)
class Ending:
    """How a recording ended, and what the builder cannot see itself.

    start_ns, end_ns: None = the first and last frame pushed. images, drops, problems, complete:
    see Recording.
    """

    images: int
    drops: Mapping[str, int]
    problems: Sequence[str] = ()
    complete: bool = True
    start_ns: int | None = None
    end_ns: int | None = None


class RecordingBuilder:
    """Judges tracked frames with a fresh recogniser and gathers what becomes of them.

    live: what was recognised is what the messages of a running graph say (`hear`); only the
    judgements, which no message carries in full, are made here, from the same skeletons.
    """

    def __init__(self, name: str, recognizer: Recognizer, truth: Truth, live: bool = False) -> None:
        self.name = name
        self._recognizer = recognizer
        self._truth = truth
        self._classes = {n: i for i, n in enumerate(recognizer.manifests[0].class_names)}
        self._episodes = EpisodeCollector()
        self._heard = EpisodeCollector(recognizer.manifests[0].name) if live else None
        self._judged: dict[int, list[_Judged]] = defaultdict(list)
        self._stage_ms: dict[str, list[float]] = defaultdict(list)
        self._first_ns: int | None = None
        self._last_ns = 0
        self._gaps: list[Span] = []
        self.frames = 0
        self.who: Attribution | None = None

    @property
    def sees(self) -> bool:
        """Whether the recogniser looks at pixels, so that `push` wants the images."""
        return self._recognizer.rgb is not None

    @property
    def unseen(self) -> Mapping[str, int]:
        """Images that the recogniser did not use, by "image: reason"."""
        use = self._recognizer.rgb
        return {f"image: {reason}": n for reason, n in use.drops.items()} if use else {}

    def push(self, frame: SkeletonFrame, image_bgr: Image | None = None) -> None:
        """The tracked people of the next image, and the image itself, (H, W, 3) uint8, where it is
        wanted and there. Raises LayoutError if the bundle cannot read it."""
        if image_bgr is not None:
            self._recognizer.see(image_bgr, frame)
        actions = self._recognizer.push(frame)
        self._truth.push(frame)
        self.frames += 1
        if self._first_ns is None:
            self._first_ns = frame.stamp_ns
        elif frame.stamp_ns - self._last_ns > GAP_NS:
            self._gaps.append((self._last_ns, frame.stamp_ns))
        self._last_ns = max(self._last_ns, frame.stamp_ns)
        if actions is not None:
            self._take(frame, actions)

    def spent(self, stage_ms: Mapping[str, float]) -> None:
        """What something took, by stage in milliseconds."""
        for stage, spent_ms in stage_ms.items():
            self._stage_ms[stage].append(spent_ms)

    def hear(self, actions: ActionFrame) -> None:
        """What the graph says."""
        if self._heard is not None:
            self._heard.push(actions)

    def finish(self, ending: Ending) -> Recording:
        """The record; what a broken off recording did not get to is no part of its truth, and what
        was said of an action that was cut off is no part of what was recognised."""
        last = self._recognizer.flush()
        if last is not None:
            self._episodes.push(last)
        self.who = who = self._truth.finish()
        raw = (self._heard or self._episodes).episodes()
        start_ns = ending.start_ns if ending.start_ns is not None else self._first_ns or 0
        end_ns = ending.end_ns if ending.end_ns is not None else self._last_ns
        truth, recognised, people = who.truth, who.attribute(raw), self._people(who, raw)
        if not ending.complete:
            cut = {e.person_id: e.start_ns for e in truth if self._is_cut_off(e, end_ns)}
            truth = tuple(episode for episode in truth if episode.end_ns <= end_ns)
            recognised = tuple(
                e for e in recognised if e.start_ns < cut.get(e.person_id, e.start_ns + 1)
            )
            people = tuple(_until(p, cut[p.person_id]) if p.person_id in cut else p for p in people)
        gaps = self._all_gaps(start_ns, end_ns)
        stages = {name: tuple(values) for name, values in self._stage_ms.items()}
        drops = {reason: n for reason, n in sorted(ending.drops.items()) if n}
        return Recording(
            self.name, start_ns, end_ns, truth, recognised, people,
            ending.images, self.frames, stages, drops,
            tuple(dict.fromkeys((*ending.problems, *_told(gaps), *who.problems))),
            ending.complete, gaps,
        )  # fmt: skip

    @property
    def own_episodes(self) -> tuple[Episode, ...]:
        """What the recogniser here makes of the skeletons, by track."""
        return self._episodes.episodes()

    @property
    def heard_episodes(self) -> tuple[Episode, ...]:
        """What the messages said, by track."""
        return self._heard.episodes() if self._heard is not None else ()

    def _all_gaps(self, start_ns: int, end_ns: int) -> tuple[Span, ...]:
        """Those before the first and after the last frame too."""
        first_ns = end_ns if self._first_ns is None else self._first_ns
        edges = (start_ns, first_ns), (max(self._last_ns, first_ns), end_ns)
        found = sorted([*self._gaps, *(span for span in edges if span[1] - span[0] > GAP_NS)])
        return tuple(found)

    def _is_cut_off(self, true: Episode, end_ns: int) -> bool:
        """Whether it is an action in which the recording broke off."""
        manifest = self._recognizer.manifests[0]
        told = true.class_name not in (manifest.background_class, manifest.unknown_class)
        return told and true.start_ns <= end_ns < true.end_ns

    def _take(self, frame: SkeletonFrame, actions: ActionFrame) -> None:
        self._episodes.push(actions)
        seen = {person.track_id: person for person in frame.skeletons}
        for track_id, opinions in self._recognizer.opinions.items():
            opinion, person = opinions[0], seen.get(track_id)
            best = -1 if opinion is None else int(np.argmax(opinion.probabilities))
            sure = 0.0 if opinion is None else float(opinion.probabilities[best])
            hand = person is not None and usable_hand(person, frame.layout)
            self._judged[track_id].append(_Judged(actions.stamp_ns, best, sure, hand))

    def _people(self, who: Attribution, episodes: Sequence[Episode]) -> tuple[JudgedPerson, ...]:
        known: dict[int, dict[int, tuple[_Judged, int]]] = defaultdict(dict)
        strangers = []
        for track_id, rows in sorted(self._judged.items()):
            reported = _reported(rows, [e for e in episodes if e.person_id == track_id],
                                 self._classes)  # fmt: skip
            alone: dict[int, tuple[_Judged, int]] = {}
            for begin, end in _spans(rows):
                first, last = rows[begin].stamp_ns, rows[end - 1].stamp_ns
                person = who.person(track_id, first, last)
                mine = alone if person is None or person == _NOBODY else known[person]
                for row, action in zip(rows[begin:end], reported[begin:end], strict=True):
                    mine.setdefault(row.stamp_ns, (row, action))
            if alone:
                strangers.append(_judged_person(_NOBODY, alone))
        people = [_judged_person(person, rows) for person, rows in sorted(known.items())]
        return (*people, *strangers)


def usable_hand(person: Skeleton, layout: str) -> bool:
    """Whether at least one hand of a skeleton was found, fingers and all."""
    kind = get_layout(layout)
    if not kind.has_hands:
        return False
    return any(
        float((person.scores[indices] > 0.0).mean()) >= HAND_SHARE
        for indices in (kind.left_hand_indices, kind.right_hand_indices)
    )


def _spans(rows: Sequence[_Judged]) -> list[tuple[int, int]]:
    """Row ranges of about a second each."""
    spans, begin = [], 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or rows[index].stamp_ns - rows[begin].stamp_ns >= _SAME_PERSON_NS:
            spans.append((begin, index))
            begin = index
    return spans


def _reported(
    rows: Sequence[_Judged], episodes: Sequence[Episode], classes: Mapping[str, int]
) -> list[int]:
    """By row, the class of the action in progress; -1 for none."""
    stamps = np.array([row.stamp_ns for row in rows], np.int64)
    reported = np.full(len(rows), -1, np.int64)
    for episode in episodes:
        begin, end = np.searchsorted(stamps, (episode.start_ns, episode.end_ns))
        reported[begin:end] = classes.get(episode.class_name, -1)
    return [int(value) for value in reported]


def _told(gaps: Sequence[Span]) -> list[str]:
    if not gaps:
        return []
    seconds = sum(end - start for start, end in gaps) / 1e9
    times = "Once" if len(gaps) == 1 else f"{len(gaps)} times"
    return [
        f"{times} no image was judged for longer than {GAP_NS / 1e9:g} s, together "
        f"{seconds:.0f} s; that is not counted as recorded time."
    ]


def _until(person: JudgedPerson, end_ns: int) -> JudgedPerson:
    """What was judged of somebody before a time."""
    rows = slice(int(np.searchsorted(person.stamps_ns, end_ns)))
    return JudgedPerson(
        person.person_id, person.stamps_ns[rows], person.class_ids[rows],
        person.probabilities[rows], person.reported[rows], person.hands[rows],
    )  # fmt: skip


def _judged_person(person_id: int, rows: Mapping[int, tuple[_Judged, int]]) -> JudgedPerson:
    ordered = [rows[stamp] for stamp in sorted(rows)]
    return JudgedPerson(
        person_id,
        np.array([row.stamp_ns for row, _ in ordered], np.int64),
        np.array([row.class_id for row, _ in ordered], np.int64),
        np.array([row.probability for row, _ in ordered], np.float32),
        np.array([action for _, action in ordered], np.int64),
        np.array([row.hand for row, _ in ordered], np.bool_),
    )
