"""Training batches: balanced over the classes, augmented, the same for the same seed and step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import FeatureConfig, body_features, hand_features
from training.augment import augment, frames_kept
from training.config import TrainingConfig
from training.dataset import DatasetCard
from training.labels import IGNORE, OTHER, label_times, mirrored_classes
from training.sequences import KeypointSequence
from training.windowing import ExpertInputs, cut_window, index_windows


class BatchSampler:
    """Draws windows of the training films, filmed and projected ones, and of outsiders.

    Every batch depends only on the seed and its number, so a run can be repeated and
    continued. A share of each batch shows outsiders, a share of what is left is background, the
    rest is spread evenly over the gestures.
    """

    def __init__(
        self,
        filmed: Sequence[KeypointSequence],
        projected: Sequence[KeypointSequence],
        card: DatasetCard,
        config: TrainingConfig,
        features: FeatureConfig,
        outsiders: Sequence[KeypointSequence] = (),
    ) -> None:
        self._sequences = [*filmed, *projected, *outsiders]
        self._card = card
        self._config = config
        self._features = features
        self._mirrored = (
            mirrored_classes(card.class_names)
            if config.augment.mirror > 0.0
            else np.arange(len(card.class_names))
        )
        self._index = index_windows(
            self._sequences, config.windows, card.class_ids, card.background_id
        )
        number, first = self._index.sequence, len(filmed) + len(projected)
        self._filmed = self._by_class(number < len(filmed))
        is_projected = (number >= len(filmed)) & (number < first)
        self._projected = self._by_class(is_projected) if projected else None
        self._projected_share = config.fit.projected_share if projected else 0.0
        # People at rest are shown by the other films already.
        self._outsiders = np.flatnonzero((number >= first) & (self._index.label == OTHER))
        self._outsider_share = config.fit.outsider_share if len(self._outsiders) else 0.0

    def _by_class(self, chosen: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
        """Numbers of the chosen windows of each class; every class must have one."""
        names = self._card.class_names
        members = [np.flatnonzero(chosen & (self._index.label == c)) for c in range(len(names))]
        empty = [name for name, group in zip(names, members, strict=True) if not len(group)]
        if empty:
            raise ConfigurationError(
                f"The training films show no window of {', '.join(empty)}; raise "
                "data.splits.train.scenes and generate more."
            )
        return members

    @property
    def num_windows(self) -> int:
        """Windows with a label, before augmentation."""
        return len(self._index.label)

    def batch(self, number: int) -> ExpertInputs:
        """The inputs and labels of one training step."""
        rng = np.random.default_rng([self._config.seed, number])
        settings = self._config.windows
        keypoints, scores, labels = [], [], []
        for label in self._draw_labels(rng):
            projected = rng.random() < self._projected_share
            pool = self._projected if projected and self._projected else self._filmed
            members = self._outsiders if label == OTHER else pool[label]
            choice = int(members[rng.integers(len(members))])
            points, weights, label = self._window(choice, int(label), rng)
            keypoints.append(points)
            scores.append(weights)
            labels.append(label)
        points, weights, named = augment(
            np.stack(keypoints),
            np.stack(scores),
            np.array(labels, np.int64),
            self._card.layout,
            self._mirrored,
            self._config.augment,
            rng,
        )
        if points.shape[1] != settings.num_steps:
            raise ConfigurationError(f"Windows have {points.shape[1]} steps, not as configured.")
        return ExpertInputs(
            body_features(points, weights, self._card.layout, self._features),
            hand_features(points, weights, self._card.layout, self._features),
            named,
        )

    def _draw_labels(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        count = self._config.fit.batch_size
        gestures = np.delete(np.arange(len(self._card.class_names)), self._card.background_id)
        labels = rng.permutation(gestures)[np.arange(count) % len(gestures)]
        background = rng.random(count) < self._config.fit.background_share
        labels = np.where(background, self._card.background_id, labels)
        if self._outsider_share:
            labels = np.where(rng.random(count) < self._outsider_share, OTHER, labels)
        return labels

    def _window(
        self, choice: int, label: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], int]:
        """One window at its own speed and with its own lost frames.

        Speed changes how long a gesture has been visible: if that moves the window over the
        border of its label, it is taken at its own speed.
        """
        sequence = self._sequences[self._index.sequence[choice]]
        end_ns = int(self._index.end_ns[choice])
        low, high = self._config.augment.speed
        speed = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        settings = self._config.windows
        named = label_times(
            np.array([end_ns]), sequence.spans, self._card.class_ids, self._card.background_id,
            settings.min_visible_s * speed, settings.ignore_after_s * speed,
        )[0]  # fmt: skip
        if named == IGNORE or named != label:
            speed = 1.0
        end = int(np.searchsorted(sequence.stamps_ns, end_ns))
        keep = frames_kept(len(sequence.stamps_ns), self._config.augment.frame_drop, end, rng)
        points, weights = cut_window(sequence, end_ns, settings, speed, keep)
        return points, weights, label
