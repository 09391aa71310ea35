"""Kinematic people who act out a vocabulary: where their joints are, and what they do, over time.

A bank holds many short performances of different bodies, manners and scripts on the time grid
of the windows. A window is a stretch of one performance, seen by some camera (`views`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.gestures import BodyShape, GestureDescription, GesturePlayer, Style, Vocabulary
from bharnet_ros.gestures.checks import same_way
from bharnet_ros.gestures.performance import Segment
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.describing.transitions import transition_of
from training.labels import IGNORE
from training.outsiders import draw_outsider

LAYOUT = "coco_body_hands_59"
FEATURES = FeatureConfig(estimate_wrist=True)
"""What networks of described gestures read; hands held close often reach beyond the picture."""
"""What the experts read of the 133 keypoints: 17 of the body, 21 of each hand."""
OUTSIDER_PREFIX = "(outsider "
KEPT: npt.NDArray[np.intp] = np.concatenate([np.arange(17), np.arange(91, 133)])

IntArray = npt.NDArray[np.int64]
_LONG_S = 10.0


@dataclass(frozen=True)
class ActingConfig:
    """How people act.

    duration_s: length of one performance, see `long_enough`. length: how long a gesture takes,
    beyond what its description says, as a factor. gap_s: pause between gestures; 0 is a direct
    transition.
    outsider_share: part of the script that is no gesture of the vocabulary.
    hold_visible_s: a held gesture counts this long after the hand has arrived;
    motion_visible_s: a moving one this long after its motion began.
    after_s: for this long after a gesture both it and the background are acceptable.
    """

    duration_s: float = 24.0
    length: tuple[float, float] = (0.75, 1.25)
    gap_s: tuple[float, float] = (0.0, 2.0)
    outsider_share: float = 0.22
    hold_visible_s: float = 0.10
    motion_visible_s: float = 0.50
    after_s: float = 0.35


@dataclass(frozen=True, eq=False)
class PeopleBank:
    """Performances one after the other.

    points: (F, 59, 3) float32 metres, x where the person faces, y to their left, z up, of all
    performances. label: (F,) class of a window that ends there, a transition, or IGNORE.
    whole: (F,) whether a whole window lies before it within its performance. step_s: seconds
    between the rows.
    """

    points: FloatArray
    label: IntArray
    whole: npt.NDArray[np.bool_]
    step_s: float
    num_steps: int

    def ends(self, label: int) -> IntArray:
        """Rows at which a whole window of that class ends."""
        return np.flatnonzero(self.whole & (self.label == label))

    def windows(self, ends: IntArray) -> FloatArray:
        """(N, T, 59, 3) the stretches that end at these rows (N,)."""
        rows = ends[:, None] + np.arange(1 - self.num_steps, 1)
        found: FloatArray = self.points[rows]
        return found


def act(
    vocabulary: Vocabulary,
    performances: int,
    window_s: float,
    num_steps: int,
    seed: int,
    config: ActingConfig | None = None,
    unknown_id: int | None = None,
) -> PeopleBank:
    """Let `performances` random people act.

    unknown_id: class number of what is no gesture of the vocabulary (known gestures that are
    not its classes, and outsiders); None leaves those out of the scripts.
    Equal arguments give equal banks.
    """
    config = long_enough(vocabulary, config or ActingConfig())
    step_s = window_s / (num_steps - 1)
    deck = Deck(vocabulary, np.random.default_rng([seed, 1]))
    points, labels, whole = [], [], []
    for number in range(performances):
        rng = np.random.default_rng([seed, 2, number])
        cast, script = write_script(vocabulary, deck, config, unknown_id is not None, rng)
        player = GesturePlayer(cast, BodyShape.sample(rng), Style.sample(rng))
        performance = player.plan(script, rng, config.duration_s)
        times = np.arange(0.0, config.duration_s, step_s)
        points.append(performance.poses(times)[:, KEPT].astype(np.float32))
        labels.append(
            label_samples(times, performance.segments, cast, vocabulary, config, unknown_id)
        )
        whole.append(np.arange(len(times)) >= num_steps - 1)
    return PeopleBank(
        np.concatenate(points), np.concatenate(labels), np.concatenate(whole), step_s, num_steps
    )


def long_enough(vocabulary: Vocabulary, config: ActingConfig) -> ActingConfig:
    """The config with performances that any of the vocabulary's gestures fits into, twice with
    some time to spare; unchanged if they do already."""
    doings = (*vocabulary, *vocabulary.others.values(), *vocabulary.everyday.values())
    longest = max(gesture.duration_s[1] for gesture in doings) * config.length[1]
    needed = 2.0 * longest + 2.0
    return config if needed <= config.duration_s else replace(config, duration_s=needed)


def visible_s(gesture: GestureDescription, config: ActingConfig) -> float:
    """How long a gesture must have been shown before it counts."""
    return config.motion_visible_s if gesture.motion else config.hold_visible_s


def label_samples(
    times: npt.NDArray[np.float64],
    segments: Sequence[Segment],
    cast: Vocabulary,
    vocabulary: Vocabulary,
    config: ActingConfig,
    unknown_id: int | None,
) -> IntArray:
    """(F,) what a window that ends at each of `times` (F,) is called.

    A gesture counts from `visible_s` after the hand has arrived (or half of the time it is
    shown, if that is shorter) until its release begins. On the way there, on the way back and
    `after_s` longer is its transition; where two overlap, nothing counts.
    """

    def number_of(name: str) -> int | None:
        return vocabulary.class_id(name) if name in vocabulary.class_names else unknown_id

    background = vocabulary.class_id(vocabulary.background)
    labels = np.full(len(times), background, np.int64)
    for segment in segments:
        inside = (times >= segment.start_s) & (times <= segment.end_s + config.after_s)
        number = number_of(segment.class_name)
        passing = IGNORE if number is None else transition_of(number)
        labels[inside] = np.where(labels[inside] == background, passing, IGNORE)
    for segment in segments:
        shown = segment.released_s - segment.arrived_s
        wait = min(visible_s(cast[segment.class_name], config), 0.5 * shown)
        inside = (times >= segment.arrived_s + wait) & (times <= segment.released_s)
        number = number_of(segment.class_name)
        labels[inside] = IGNORE if number is None else number
    return labels


class Deck:
    """Deals gestures like cards: every one once before any comes again."""

    def __init__(self, vocabulary: Vocabulary, rng: np.random.Generator) -> None:
        self._names = list(vocabulary.actions)
        self._rng = rng
        self._cards: list[str] = []

    def deal(self) -> str:
        if not self._cards:
            self._cards = [str(n) for n in self._rng.permutation(self._names)]
        return self._cards.pop()

    def put_back(self, name: str) -> None:
        """It was not shown after all, so it is the next to be dealt."""
        self._cards.append(name)


def write_script(
    vocabulary: Vocabulary,
    deck: Deck,
    config: ActingConfig,
    with_outsiders: bool,
    rng: np.random.Generator,
    avoid: Collection[GestureDescription] = (),
) -> tuple[Vocabulary, list[tuple[str, float, float]]]:
    """A vocabulary that also holds this performance's outsiders, and who does what when.

    avoid: further gestures that no drawn outsider may resemble.
    """
    more = {f"(avoided {number})": gesture for number, gesture in enumerate(avoid)}
    everyday = {n: g for n, g in vocabulary.everyday.items() if _means_nothing(g, vocabulary)}
    watched = replace(vocabulary, others={**vocabulary.others, **more}, everyday=everyday)
    strangers: dict[str, GestureDescription] = {}
    others = [g for g in vocabulary.others.values() if _means_nothing(g, vocabulary)]
    others += everyday.values()
    script: list[tuple[str, float, float]] = []
    clock = float(rng.uniform(0.2, 1.5))
    while True:
        if with_outsiders and rng.random() < config.outsider_share:
            name = f"{OUTSIDER_PREFIX}{len(strangers)})"
            if others and rng.random() < 0.3:
                gesture = replace(others[int(rng.integers(len(others)))], name=name)
            else:
                gesture = draw_outsider(name, watched, rng)
            strangers[name] = gesture
        else:
            name = deck.deal()
            gesture = vocabulary[name]
        low, high = gesture.duration_s
        length = float(rng.uniform(low, high) * rng.uniform(*config.length))
        length = max(length, 1.0)
        if clock + length > config.duration_s - 0.2:
            # Few performances have room for a long one: it must not lose its turn. Short ones do,
            # as they always did: their bundles can be made again bit by bit.
            if name not in strangers and _LONG_S < length < config.duration_s - 2.0:
                deck.put_back(name)
            break
        script.append((name, clock, length))
        clock += length
        if rng.random() > 0.2:
            clock += float(rng.uniform(*config.gap_s))
    return with_gestures(vocabulary, strangers), script


def _means_nothing(known: GestureDescription, vocabulary: Vocabulary) -> bool:
    """Whether a known gesture that is no class can be told from all that are: who makes one that
    cannot must not be called something else."""
    return all(same_way(gesture, known) is None for gesture in vocabulary)


def with_gestures(vocabulary: Vocabulary, more: Mapping[str, GestureDescription]) -> Vocabulary:
    """The vocabulary with further gestures in it, after its own."""
    return replace(
        vocabulary,
        class_names=(*vocabulary.class_names, *more),
        gestures={**vocabulary.gestures, **more},
    )


def hand_indices() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Left and right hand among the 59."""
    layout = get_layout(LAYOUT)
    return layout.left_hand_indices, layout.right_hand_indices
