"""Acted windows that nobody trained on: what a rule for unknowns is chosen by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from bharnet_ros.gestures import Vocabulary
from bharnet_ros.types import FloatArray
from training.describing.batches import Batches, Mix, Sources
from training.describing.finishing import NUM_STEPS, WINDOW_S
from training.describing.hands import HandBank
from training.describing.people import FEATURES, act
from training.measuring.judging import Judge
from training.openness import auroc

SEED = 300_000
"""Added to the seed: other people than those of training, calibration and thresholds."""
WINDOWS, PEOPLE, HANDS = 4000, 40, 60
_MIX = Mix(people=0.5, hands=0.5, filmed=0.0, unknown=0.4, passing=0.0, unknown_hands=0.5)
_BATCH = 500


def can_judge(judge: Judge, vocabulary: Vocabulary) -> bool:
    """Whether the bundle was made of this vocabulary, as `python -m training describe` does it."""
    manifest = judge.bundle.manifest
    return (
        set(vocabulary.actions) <= set(manifest.class_names)
        and manifest.unknown_class is not None
        and manifest.features == FEATURES
        and manifest.num_steps == NUM_STEPS
    )


def rankings(judge: Judge, vocabulary: Vocabulary, seed: int) -> dict[str, float]:
    """AUROC of gestures against what is none, by the odds and by the largest probability.

    Kinematic people and hands by themselves, half each; half of the hands and two fifths of the
    people show no gesture of the vocabulary. Windows of people at rest do not count.
    """
    unknown = len(vocabulary.class_names)
    people = act(vocabulary, PEOPLE, WINDOW_S, NUM_STEPS, seed + SEED, unknown_id=unknown)
    bank = HandBank(vocabulary, seed + SEED, HANDS)
    batches = Batches(vocabulary, unknown, Sources(people, bank), seed + SEED, _MIX)
    ways = {"odds": replace(judge, by_odds=True), "largest": replace(judge, by_odds=False)}
    ranked: dict[tuple[str, bool], list[FloatArray]] = defaultdict(list)
    for number in range(WINDOWS // _BATCH):
        windows = batches.batch(number, _BATCH)
        inputs = {"body": windows.body, "hand": windows.hand}
        found = judge.engine.run({name: inputs[name] for name in judge.engine.inputs})
        rows = found["probabilities"]
        rest = windows.label == vocabulary.class_id(vocabulary.background)
        for known in (True, False):
            chosen = ~rest & ((windows.label < unknown) == known)
            for way, asked in ways.items():
                ranked[way, known].append(asked.evidence(rows[chosen]))
    return {
        way: auroc(np.concatenate(ranked[way, True]), np.concatenate(ranked[way, False]))
        for way in ways
    }
