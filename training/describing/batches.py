"""Training batches from every source there is, balanced over the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import FeatureConfig, body_features, hand_features
from bharnet_ros.gestures import Vocabulary
from bharnet_ros.types import FloatArray
from training.describing.borders import cut_hands
from training.describing.hands import OTHER_HAND, HandBank
from training.describing.observing import CLOSE, ObservationConfig, Observer
from training.describing.people import FEATURES, LAYOUT, PeopleBank
from training.describing.recordings import HandRecordings, RecordingSampler
from training.describing.transitions import transition_of
from training.describing.views import ViewConfig, look
from training.windowing import ExpertInputs

IntArray = npt.NDArray[np.int64]
_ARMS = ((7, 9), (8, 10))  # elbow and wrist, left and right
_ARM_GONE = 0.4


@dataclass(frozen=True)
class Mix:
    """What a batch is made of: shares of people, hands alone, recorded hands, filmed people.

    The shares of sources that are absent go to people. background, unknown: shares of these two
    classes among people; passing: of windows that end while a gesture begins or ends; the rest
    is spread evenly over the gestures. filmed_background: share of the background among filmed
    people, whose resting heads and hands the estimator sees tremble as nobody acts it.
    unknown_hands: share of hands alone that are none of the
    gestures. grafted: share of hands, recorded ones too, that get the body of somebody who holds
    up any hand shape or does something unknown, because people hold a shape where they like.
    """

    people: float = 0.60
    hands: float = 0.25
    recorded: float = 0.0
    filmed: float = 0.15
    background: float = 0.14
    unknown: float = 0.15
    passing: float = 0.20
    filmed_background: float = 0.30
    unknown_hands: float = 0.2
    grafted: float = 0.5


@dataclass(frozen=True, eq=False)
class FilmedWindows:
    """Windows a pose estimator saw on drawn people: pixels (N, T, 59, 2), scores, labels (N,)."""

    keypoints: FloatArray
    scores: FloatArray
    label: IntArray


@dataclass(frozen=True, eq=False)
class Sources:
    """Where windows come from. hands, recorded and filmed may be absent."""

    people: PeopleBank
    hands: HandBank | None = None
    recorded: HandRecordings | None = None
    filmed: FilmedWindows | None = None


@dataclass(frozen=True)
class Looks:
    """How people are seen, and hands alone."""

    view: ViewConfig = field(default_factory=ViewConfig)
    observation: ObservationConfig = field(default_factory=ObservationConfig)
    close: ObservationConfig = CLOSE


class Batches:
    """Draws batches; each depends on nothing but the seed and its number.

    Raises ConfigurationError if nobody among the people shows one of the gestures.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        unknown_id: int,
        sources: Sources,
        seed: int,
        mix: Mix | None = None,
        looks: Looks | None = None,
        features: FeatureConfig | None = None,
    ) -> None:
        self._mix = mix or Mix()
        self._looks = looks or Looks()
        self._features = features or FEATURES
        self._seed = seed
        self._sources = sources
        self._background = vocabulary.class_id(vocabulary.background)
        self._unknown = unknown_id
        self._gestures = np.array([vocabulary.class_id(name) for name in vocabulary.actions])
        self._ids = {name: vocabulary.class_id(name) for name in vocabulary.actions}
        people = sources.people
        self._num_steps = people.num_steps
        self._observer = Observer(people.num_steps, people.step_s, seed, self._looks.observation)
        self._close = Observer(people.num_steps, people.step_s, seed + 1, self._looks.close)
        classes = [*self._gestures, self._background, unknown_id]
        labels = [*classes, *(transition_of(int(c)) for c in self._gestures)]
        ends = {int(c): people.ends(int(c)) for c in labels}
        unseen = [name for name, number in self._ids.items() if not len(ends[number])]
        if unseen:
            raise ConfigurationError(
                f"None of the acted people shows {', '.join(unseen)} for long enough; describe "
                "fewer gestures, or shorter ones (`duration_s`)."
            )
        self._ends = {c: rows for c, rows in ends.items() if len(rows) or c in classes}
        held = sources.hands.names if sources.hands else ()
        arms = [unknown_id, *(self._ids[name] for name in held)]
        self._arms = np.concatenate([self._ends[int(c)] for c in arms])
        self._recorded = RecordingSampler(sources.recorded) if sources.recorded else None
        self._filmed = _by_label(sources.filmed)

    def batch(self, number: int, size: int) -> ExpertInputs:
        """The inputs of one training step."""
        rng = np.random.default_rng([self._seed, 5, number])
        counts = self._counts(size)
        parts = [self._of_people(counts["people"], rng)]
        if counts["hands"]:
            parts.append(self._of_hands(counts["hands"], rng))
        if counts["recorded"]:
            parts.append(self._of_recordings(counts["recorded"], rng))
        if counts["filmed"]:
            parts.append(self._of_films(counts["filmed"], rng))
        keypoints, scores, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
        return self.inputs(keypoints, scores, labels)

    def inputs(self, keypoints: FloatArray, scores: FloatArray, labels: IntArray) -> ExpertInputs:
        """Windows (N, T, 59, 2) as the experts read them."""
        return ExpertInputs(
            body_features(keypoints, scores, LAYOUT, self._features),
            hand_features(keypoints, scores, LAYOUT, self._features),
            labels,
        )

    def _counts(self, size: int) -> dict[str, int]:
        mix, sources = self._mix, self._sources
        shares = {
            "hands": mix.hands if sources.hands and sources.hands.names else 0.0,
            "recorded": mix.recorded if self._recorded else 0.0,
            "filmed": mix.filmed if self._filmed else 0.0,
        }
        counts = {name: round(share * size) for name, share in shares.items()}
        counts["people"] = size - sum(counts.values())
        return counts

    def _labels(self, count: int, background: float, rng: np.random.Generator) -> IntArray:
        gestures = rng.permutation(self._gestures)
        labels = gestures[(np.arange(count) + rng.integers(len(gestures))) % len(gestures)]
        draw = rng.random(count)
        labels = np.where(draw < background, self._background, labels)
        draw -= background
        unknown = (draw >= 0.0) & (draw < self._mix.unknown)
        draw -= self._mix.unknown
        passing = (draw >= 0.0) & (draw < self._mix.passing)
        labels = np.where(passing, transition_of(0) + labels, labels)
        return np.where(unknown, self._unknown, labels)

    def _of_people(
        self, count: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        labels = np.array([c if c in self._ends else self._background
                           for c in self._labels(count, self._mix.background, rng)])  # fmt: skip
        ends = np.array([_one(self._ends[int(label)], rng) for label in labels])
        pixels = look(self._sources.people.windows(ends), rng, self._looks.view)
        return (*self._observer(pixels, rng), labels)

    def _of_hands(
        self, count: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        bank = self._sources.hands
        if bank is None:
            raise ValueError("There are no hands to draw from.")
        names = [str(n) for n in rng.choice(np.array(bank.names), count)]
        strange = rng.random(count) < self._mix.unknown_hands
        names = [OTHER_HAND if s else n for n, s in zip(names, strange, strict=True)]
        return self._held(names, *bank.windows(names, self._num_steps, rng), rng)

    def _of_recordings(
        self, count: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        sampler = self._recorded
        if sampler is None:
            raise ValueError("There are no recordings to draw from.")
        names = [str(n) for n in rng.choice(np.array(sampler.labels), count)]
        return self._held(names, *sampler.windows(names, self._num_steps, rng), rng)

    def _held(
        self,
        names: Sequence[str],
        keypoints: FloatArray,
        scores: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Exact hands (N, T, 59, 2) as seen from near by, some with somebody's body."""
        seen, _ = self._close(keypoints, rng)
        scores = cut_hands(seen, scores, self._looks.close.hand_cut, rng)
        rows = np.flatnonzero(rng.random(len(names)) < self._mix.grafted)
        if len(rows) and len(self._arms):
            ends = rng.choice(self._arms, len(rows))
            pixels = look(self._sources.people.windows(ends), rng, self._looks.view)
            bodies, found = self._observer(pixels, rng)
            # So close to the camera, elbows and wrists are often out of the picture.
            for arm in _ARMS:
                gone = np.flatnonzero(rng.random(len(rows)) < _ARM_GONE)
                found[np.ix_(gone, np.arange(self._num_steps), np.array(arm))] = 0.0
            seen[rows, :, :17], scores[rows, :, :17] = bodies[:, :, :17], found[:, :, :17]
        labels = np.array([self._ids.get(n, self._unknown) for n in names], np.int64)
        return seen, scores, labels

    def _of_films(
        self, count: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        films = self._sources.filmed
        if films is None:
            raise ValueError("There are no films to draw from.")
        wanted = self._labels(count, self._mix.filmed_background, rng)
        labels = np.array([c if c in self._filmed else self._background for c in wanted])
        rows = np.array([_one(self._filmed[int(c)], rng) for c in labels])
        return films.keypoints[rows], films.scores[rows], labels


def _by_label(films: FilmedWindows | None) -> Mapping[int, IntArray]:
    if films is None:
        return {}
    return {int(c): np.flatnonzero(films.label == c) for c in np.unique(films.label)}


def _one(rows: Sequence[int] | IntArray, rng: np.random.Generator) -> int:
    return int(rows[int(rng.integers(len(rows)))])
