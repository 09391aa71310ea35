"""Training batches: recordings beside others, who show what is none of the new gestures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bharnet_ros.features import body_features, hand_features
from bharnet_ros.gestures import Vocabulary
from training.config import WindowConfig
from training.describing.batches import Batches, Mix, Sources
from training.describing.films import filmed_windows
from training.describing.hands import HandBank
from training.describing.people import FEATURES, LAYOUT, PeopleBank, act
from training.describing.transitions import FIRST, is_transition, transition_of
from training.labels import IGNORE
from training.sequences import KeypointSequence
from training.teaching.examples import IntArray
from training.teaching.recorded import RecordedSampler, RecordedWindows
from training.windowing import ExpertInputs

LEAST_PERFORMANCES = 12
ACTED_MIX = Mix(people=0.45, hands=0.10, recorded=0.0, filmed=0.45, background=0.25,
                unknown=0.15, filmed_background=0.25)
"""Films are the larger part: they alone show other gestures as recordings show the new ones."""


@dataclass(frozen=True)
class TaughtMix:
    """What a batch is made of.

    recorded: share of recordings, the rest are others, acted and filmed. Of the recordings, evenly
    over the labels: gestures, passing (on the way to and from a gesture), background (nothing
    labelled), unknown (segments labelled as something else, if there are any).
    """

    recorded: float = 0.5
    gestures: float = 0.62
    passing: float = 0.14
    background: float = 0.18
    unknown: float = 0.06


def joined(first: ExpertInputs, second: ExpertInputs) -> ExpertInputs:
    """The windows of both."""
    return ExpertInputs(
        np.concatenate([first.body, second.body]), np.concatenate([first.hand, second.hand]),
        np.concatenate([first.label, second.label]),
    )  # fmt: skip


class ActedOthers:
    """Acted and filmed people of a known vocabulary, called by the classes of the new bundle.

    Its gestures are examples of "something else": whatever the bundle is taught must not be taken
    for them. names: the new bundle's classes; a gesture that is one of them keeps its name, one of
    `ambiguous` teaches nothing. films: of that vocabulary.
    """

    def __init__(
        self, vocabulary: Vocabulary, names: Sequence[str], background: int, unknown: int,
        seed: int, performances: int, films: Sequence[KeypointSequence] = (),
        ambiguous: Sequence[str] = (),
        window_s: float = 1.6, num_steps: int = 32,
    ) -> None:  # fmt: skip
        stranger = len(vocabulary.class_names)
        people = _complete(vocabulary, performances, window_s, num_steps, seed)
        config = WindowConfig(window_s, num_steps)
        filmed = filmed_windows(films, vocabulary, config) if films else None
        sources = Sources(people, HandBank(vocabulary, seed, performances // 2), filmed=filmed)
        self._batches = Batches(vocabulary, stranger, sources, seed, ACTED_MIX)
        table = np.full(stranger + 1, unknown, np.int64)
        for name in vocabulary.class_names:
            if name in names:
                table[vocabulary.class_id(name)] = names.index(name)
            elif name in ambiguous:
                table[vocabulary.class_id(name)] = IGNORE
        table[vocabulary.class_id(vocabulary.background)] = background
        self._table = table

    def batch(self, number: int, size: int) -> ExpertInputs:
        """At most `size` windows: those that teach nothing are left out."""
        inputs = self._batches.batch(number, size)
        passing = is_transition(inputs.label)
        own = self._table[np.where(passing, inputs.label - FIRST, inputs.label)]
        labels = np.where(passing & (own != IGNORE), transition_of(0) + own, own)
        kept = labels != IGNORE
        return ExpertInputs(inputs.body[kept], inputs.hand[kept], labels[kept])


def _complete(
    vocabulary: Vocabulary, performances: int, window_s: float, num_steps: int, seed: int
) -> PeopleBank:
    """Performances enough that every gesture comes, and something that is none."""
    stranger = len(vocabulary.class_names)
    numbers = [*(vocabulary.class_id(name) for name in vocabulary.actions), stranger]
    while True:
        people = act(vocabulary, performances, window_s, num_steps, seed, unknown_id=stranger)
        if all(len(people.ends(number)) for number in numbers):
            return people
        performances += LEAST_PERFORMANCES


class TaughtBatches:
    """Draws batches; each depends on nothing but the seed and its number.

    watch: told the number of every batch that is drawn, for those who wait.
    """

    def __init__(
        self, recorded: RecordedWindows, acted: ActedOthers, mirrored: IntArray,
        background: int, unknown: int, seed: int, mix: TaughtMix | None = None,
        watch: Callable[[int], None] = lambda number: None,
    ) -> None:  # fmt: skip
        self._sampler = RecordedSampler(recorded, mirrored)
        self._acted = acted
        self._seed = seed
        self._mix = mix or TaughtMix()
        self._watch = watch
        self._features = FEATURES
        names = recorded.labels
        gestures = [n for n in names if n < FIRST and n not in (background, unknown)]
        passing = [n for n in names if n >= FIRST]
        groups: Mapping[str, list[int]] = {
            "gestures": gestures,
            "passing": passing,
            "background": [n for n in names if n == background],
            "unknown": [n for n in names if n == unknown],
        }
        self._groups = [np.array(v, np.int64) for v in groups.values() if v]
        shares = np.array([getattr(self._mix, k) for k, v in groups.items() if v])
        self._shares = shares / shares.sum()

    def batch(self, number: int, size: int) -> ExpertInputs:
        """The inputs of one training step."""
        self._watch(number)
        rng = np.random.default_rng([self._seed, 9, number])
        count = round(self._mix.recorded * size)
        keypoints, scores, labels = self._sampler.windows(self._labels(count, rng), rng)
        recorded = ExpertInputs(
            body_features(keypoints, scores, LAYOUT, self._features),
            hand_features(keypoints, scores, LAYOUT, self._features),
            labels,
        )
        acted = self._acted.batch(number, size - count)
        return joined(recorded, acted)

    def _labels(self, count: int, rng: np.random.Generator) -> IntArray:
        groups = rng.choice(len(self._groups), count, p=self._shares)
        return np.array([rng.choice(self._groups[g]) for g in groups], np.int64)
