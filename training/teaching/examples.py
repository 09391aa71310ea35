"""Labelled recordings as examples: who was recorded, when, and what each moment is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.data import Store
from training.describing.people import KEPT
from training.describing.people import LAYOUT as LEAN_LAYOUT
from training.describing.transitions import transition_of
from training.labels import IGNORE
from training.sequences import GestureSpan, KeypointSequence

IntArray = npt.NDArray[np.int64]
SHORTEST_S = 1.0


@dataclass(frozen=True, eq=False)
class Take:
    """One person in one recording.

    sequence: what the estimator saw, with the labelled segments. recording: which recording it
    is of, such as a bag's name. subject: who it is; "" if nobody said.
    """

    sequence: KeypointSequence
    recording: str
    subject: str

    def lean(self) -> KeypointSequence:
        """The sequence with nothing but the 59 keypoints that the experts read."""
        full = self.sequence
        return replace(
            full, layout=LEAN_LAYOUT, keypoints=full.keypoints[:, KEPT],
            scores=full.scores[:, KEPT], truth=np.zeros((0, len(KEPT), 2), np.float32),
        )  # fmt: skip


@dataclass(frozen=True)
class LabelRule:
    """What the moments of a segment that a person marked are called.

    A segment lasts from the first movement of the gesture to the end of the last one. At its
    beginning a recogniser cannot know yet, and where it ends is a matter of taste: for the first
    `arriving_s` (at most `arriving_share` of it), the last `leaving_s` (at most `leaving_share`)
    and `after_s` longer, the gesture, nothing and "something else" are all right (see
    `training.describing.transitions`).
    """

    arriving_s: float = 0.5
    arriving_share: float = 0.35
    leaving_s: float = 0.3
    leaving_share: float = 0.15
    after_s: float = 0.35

    def labels(
        self, times_ns: IntArray, spans: Sequence[GestureSpan], ids: Mapping[str, int],
        background: int,
    ) -> IntArray:  # fmt: skip
        """(N,) what windows that end at times_ns (N,) are called: a class, a transition, or
        IGNORE where the borders of two segments meet.

        ids: class numbers by name; a segment of the background class counts as unlabelled.
        """
        labels = np.full(len(times_ns), background, np.int64)
        spans = [span for span in spans if ids[span.class_name] != background]
        for span in spans:
            near = (times_ns >= span.start_ns) & (
                times_ns <= span.end_ns + round(self.after_s * 1e9)
            )
            passing = transition_of(ids[span.class_name])
            labels[near] = np.where(labels[near] == background, passing, IGNORE)
        for span in spans:
            first, last = self.core(span)
            labels[(times_ns >= first) & (times_ns <= last)] = ids[span.class_name]
        return labels

    def core(self, span: GestureSpan) -> tuple[int, int]:
        """The nanoseconds between which a segment is its gesture and nothing else."""
        length = span.end_ns - span.start_ns
        arriving = min(self.arriving_s * 1e9, self.arriving_share * length)
        leaving = min(self.leaving_s * 1e9, self.leaving_share * length)
        return span.start_ns + round(arriving), span.end_ns - round(leaving)


def read_takes(store: Store, layout: str) -> list[Take]:
    """Everybody in a store who was seen for a second or longer.

    layout: of the keypoints that the bundle to come reads. Raises ConfigurationError if the
    store holds others, or no labelled segment at all.
    """
    if store.sheet.layout != layout or store.sheet.dims != 2:
        raise ConfigurationError(
            f"The store {store.folder} holds {store.sheet.layout} in {store.sheet.dims}D; teaching "
            f"needs {layout} in 2D, which the package's pose estimators give."
        )
    subjects, groups = store.values("subject"), store.values("group")
    takes = []
    for number in range(len(store)):
        if _is_short(store, number):
            continue
        recording = str(store.source(number)).rsplit("#", 1)[0] or str(groups[number])
        takes.append(Take(store.sequence(number), recording, str(subjects[number])))
    if not any(take.sequence.spans for take in takes):
        if overlooked(store):
            raise ConfigurationError(
                f"Nobody in the store {store.folder} who was labelled is followed for a second or "
                "longer; record whole minutes, with what happens before and after the gestures."
            )
        raise ConfigurationError(
            f"The store {store.folder} holds no labelled segment; label the bags "
            "(`python -m bharnet_ros label BAG`) and convert them with their labels."
        )
    return takes


def overlooked(store: Store) -> Counter[str]:
    """How many segments of each label `read_takes` leaves out, with those who were seen for less
    than a second."""
    found: Counter[str] = Counter()
    for number in range(len(store)):
        if _is_short(store, number):
            sample = store.sample(number)
            found.update([sample.class_name] if sample.class_name else [])
            found.update(span.class_name for span in sample.spans)
    return found


def _is_short(store: Store, number: int) -> bool:
    stamps_ns = store.sample(number).stamps_ns
    return len(stamps_ns) < 2 or stamps_ns[-1] - stamps_ns[0] < SHORTEST_S * 1e9


def examples_of(takes: Sequence[Take]) -> Counter[str]:
    """How many segments there are of each label."""
    return Counter(span.class_name for take in takes for span in take.sequence.spans)


def draw_examples(takes: Sequence[Take], count: int, seed: int) -> list[Take]:
    """The takes with no more than `count` segments of each label, of as many people as possible.

    What is not drawn is cut out of its recording: it is neither the gesture nor nothing.
    """
    rng = np.random.default_rng([seed, count])
    kept: set[tuple[int, int]] = set()
    for name in sorted(examples_of(takes)):
        waiting: dict[str, list[tuple[int, int]]] = {}
        for number in rng.permutation(len(takes)):
            take = takes[number]
            mine = [i for i, s in enumerate(take.sequence.spans) if s.class_name == name]
            who = take.subject or take.recording
            waiting.setdefault(who, []).extend((int(number), i) for i in rng.permutation(mine))
        turn = 0
        chosen = 0
        people = [who for who in waiting if waiting[who]]
        while chosen < count and any(waiting[who] for who in people):
            who = people[turn % len(people)]
            turn += 1
            if waiting[who]:
                kept.add(waiting[who].pop())
                chosen += 1
    return [
        _without(take, {i for n, i in kept if n == number}) for number, take in enumerate(takes)
    ]


def _without(take: Take, kept: set[int]) -> Take:
    """A take in which the other segments were not seen."""
    sequence = take.sequence
    scores: FloatArray = sequence.scores.copy()
    for number, span in enumerate(sequence.spans):
        if number not in kept:
            times = sequence.stamps_ns
            scores[(times >= span.start_ns) & (times <= span.end_ns)] = 0.0
    spans = tuple(span for number, span in enumerate(sequence.spans) if number in kept)
    return replace(take, sequence=replace(sequence, scores=scores, spans=spans))
