"""Many small trainings of the hand expert alone: what recordings add to descriptions.

Curves over recordings and leaving recorders out need dozens of networks. Each of these sees
hands by themselves only, held still, and takes well under a minute.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bharnet_ros.features import body_features, hand_features
from bharnet_ros.gestures import Vocabulary
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from training.describing.borders import cut_hands
from training.describing.classes import UNKNOWN
from training.describing.finishing import MAX_GAP_S, NUM_STEPS, WINDOW_S
from training.describing.fitting import TrainingPlan, train
from training.describing.hands import OTHER_HAND, HandBank, hand_gestures
from training.describing.observing import CLOSE, Observer
from training.describing.people import FEATURES, LAYOUT
from training.describing.recipes import plan_of
from training.describing.recordings import MEANINGS, HandRecordings, RecordingSampler
from training.export import export_bundle
from training.measuring.data import Hands
from training.measuring.judging import Judge, judge_of
from training.windowing import ExpertInputs

STEPS = 160
RECORDED_SHARE = 0.35
UNKNOWN_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class HandTrainer:
    """Trains on the held one-handed gestures of a vocabulary (see `training.measuring`).

    initial: weights to start from where descriptions are used; they must come from descriptions
    alone, or the recordings that are left out would be in them.
    """

    vocabulary: Vocabulary
    initial: Mapping[str, Tensor] | None = None
    steps: int = STEPS

    def __call__(self, recordings: Hands | None, described: bool, seed: int) -> Judge:
        recorded = None if recordings is None else _recorded(recordings)
        background = self.vocabulary.background
        if described:
            shapes = [g.name for g in hand_gestures(self.vocabulary)]
        else:
            shapes = sorted(set() if recorded is None else set(recorded.label.tolist()))
        names = (background, *shapes, UNKNOWN)
        batches = HandBatches(
            names, HandBank(self.vocabulary, seed) if described else None, recorded, seed
        )
        plan: TrainingPlan = plan_of(self.steps, 2e-3)
        network = train(
            batches, batches.batch(10**6, 300), len(names), NUM_STEPS, seed, plan, lambda _: None,
            self.initial if described else None,
        )  # fmt: skip
        for module in network.body.modules():
            # No body was ever seen: norms that learned from nothing would blow anything up.
            if isinstance(module, nn.BatchNorm1d):
                module.reset_running_stats()
        manifest = Manifest(
            name="quick", layout="coco_wholebody_133", class_names=names,
            background_class=background, unknown_class=UNKNOWN, window_s=WINDOW_S,
            num_steps=NUM_STEPS, max_gap_s=MAX_GAP_S, features=FEATURES,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as scratch:
            some = batches.batch(10**6 + 1, 64)
            bundle, _ = export_bundle(network, manifest, some, Path(scratch) / "quick")
            return judge_of(bundle, create_engine(bundle, threads=torch.get_num_threads()))


class HandBatches:
    """Windows of hands alone: described ones, recorded ones, or both."""

    def __init__(
        self,
        names: tuple[str, ...],
        bank: HandBank | None,
        recorded: HandRecordings | None,
        seed: int,
    ) -> None:
        self._ids = {name: number for number, name in enumerate(names)}
        self._bank = bank
        self._sampler = None if recorded is None else RecordingSampler(recorded)
        self._observer = Observer(NUM_STEPS, WINDOW_S / (NUM_STEPS - 1), seed, CLOSE, store=600)
        self._seed = seed

    def batch(self, number: int, size: int) -> ExpertInputs:
        """One batch; the same for the same seed and number."""
        rng = np.random.default_rng([self._seed, 8, number])
        share = RECORDED_SHARE if self._bank is not None else 1.0
        recorded = round(share * size) if self._sampler is not None else 0
        parts = []
        if recorded and self._sampler is not None:
            names = [str(n) for n in rng.choice(np.array(self._sampler.labels), recorded)]
            parts.append((*self._sampler.windows(names, NUM_STEPS, rng), names))
        if size > recorded and self._bank is not None:
            names = [str(n) for n in rng.choice(np.array(self._bank.names), size - recorded)]
            strange = rng.random(len(names)) < UNKNOWN_SHARE
            names = [OTHER_HAND if s else n for s, n in zip(strange, names, strict=True)]
            parts.append((*self._bank.windows(names, NUM_STEPS, rng), names))
        keypoints = np.concatenate([points for points, _, _ in parts])
        scores = np.concatenate([weights for _, weights, _ in parts])
        seen, _ = self._observer(keypoints, rng)
        scores = cut_hands(seen, scores, CLOSE.hand_cut, rng)
        labels = [self._ids.get(n, self._ids[UNKNOWN]) for _, _, names in parts for n in names]
        return ExpertInputs(
            body_features(seen, scores, LAYOUT, FEATURES),
            hand_features(seen, scores, LAYOUT, FEATURES),
            np.array(labels, np.int64),
        )


def _recorded(hands: Hands) -> HandRecordings:
    label = np.array([MEANINGS.get(str(each), str(each)) for each in hands.label])
    points = np.asarray(hands.points[..., :2], np.float32)
    return HandRecordings(points, label, np.asarray(hands.source).astype(str))
