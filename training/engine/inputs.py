"""Windows of a store -> what the networks read. Deterministic given the generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training import augment
from training.data import Batch, DataSheet
from training.engine.config import SkeletonAugment, StoreConfig
from training.labels import UNMIRRORED, mirror_table
from training.preprocessing import preprocess

IntArray = npt.NDArray[np.int64]


class Inputs(NamedTuple):
    """body (N, 3, T, V, M), hand (N, 3, T, 21, 2) or (N, 0) without a hand expert; label (N,);
    clip (N,) which clips they are."""

    body: Tensor
    hand: Tensor
    label: Tensor
    clip: Tensor


class Preparation:
    """What happens between a batch of keypoints and the networks.

    Raises ConfigurationError if the store's keypoints cannot feed what the configuration asks.
    """

    def __init__(self, config: StoreConfig, sheet: DataSheet, class_names: Sequence[str]) -> None:
        self._config = config
        self.layout = sheet.layout
        self._mirrored = mirror_table(class_names)
        if config.inputs == "features":
            if sheet.dims != 2 or config.clips.people != 1:
                raise ConfigurationError(
                    f"inputs 'features' are those of one person in an image, but the store has "
                    f"{sheet.dims} coordinates and clips.people is {config.clips.people}; use "
                    "inputs: skeleton, or another store."
                )
            spec = get_layout(sheet.layout)
            if "hand" in config.streams and not spec.has_hands:
                raise ConfigurationError(
                    f"The store's layout '{sheet.layout}' has no fingers for the hand expert; set "
                    "streams: [body]."
                )

    def is_sided(self, labels: IntArray) -> npt.NDArray[np.bool_]:
        """(N,) whether a mirror makes something else of these classes."""
        sided: npt.NDArray[np.bool_] = self._mirrored[labels] != labels
        return sided

    def training(self, batch: Batch, rng: np.random.Generator) -> Inputs:
        """With augmentation."""
        if self._config.inputs == "skeleton":
            keypoints, scores = self._prepared(batch)
            keypoints, scores, label = self._changed(keypoints, scores, batch.label, rng)
            return self._skeleton(replace(batch, label=label), keypoints, scores)
        options = self._config.augment
        scores = batch.scores[:, 0]
        if options.frame_drop > 0.0:
            scores = augment.drop_steps(scores, options.frame_drop, rng)
        keypoints, scores, label = augment.augment(
            batch.keypoints[:, 0], scores, batch.label, self.layout, self._mirrored, options, rng
        )
        return self.features(keypoints, scores, label, batch.clip)

    def evaluation(self, batch: Batch) -> Inputs:
        """As they are."""
        if self._config.inputs == "skeleton":
            return self._skeleton(batch, *self._prepared(batch))
        return self.features(batch.keypoints[:, 0], batch.scores[:, 0], batch.label, batch.clip)

    def features(
        self, keypoints: FloatArray, scores: FloatArray, label: IntArray, clip: IntArray
    ) -> Inputs:
        """The robot's features of keypoints (N, T, K, 2) and scores (N, T, K)."""
        config, count = self._config.features, len(label)
        body = hand = np.zeros((count, 0), np.float32)
        if "body" in self._config.streams:
            body = body_features(keypoints, scores, self.layout, config)
        if "hand" in self._config.streams:
            hand = hand_features(keypoints, scores, self.layout, config)
        return _tensors(body, hand, label, clip)

    def _prepared(self, batch: Batch) -> tuple[FloatArray, FloatArray]:
        """Turned and stretched after the preparation, but a box is made last, as published."""
        name = self._config.preprocessing
        first = "centred" if name == "unit_box" else name
        people = batch.keypoints.shape[1] > 1
        keypoints, scores = batch.keypoints, batch.scores
        if people:
            return preprocess(first, keypoints, scores, self.layout, people=True), scores
        return preprocess(first, keypoints[:, 0], scores[:, 0], self.layout)[:, None], scores

    def _changed(
        self, keypoints: FloatArray, scores: FloatArray, label: IntArray, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        options: SkeletonAugment = self._config.skeleton_augment
        if options.mirror > 0.0:
            flip = get_layout(self.layout).flip_indices
            chosen = rng.random(len(keypoints)) < options.mirror
            chosen &= self._mirrored[label] != UNMIRRORED
            label = np.where(chosen, self._mirrored[label], label)
            keypoints, scores = keypoints.copy(), scores.copy()
            keypoints[chosen] = keypoints[chosen][..., flip, :]
            keypoints[chosen, ..., 0] *= -1.0
            scores[chosen] = scores[chosen][..., flip]
        dims = keypoints.shape[-1]
        if any(options.rotate_deg):
            keypoints = augment.rotate(keypoints, options.rotate_deg[: 1 if dims == 2 else 3], rng)
        if options.scale != (1.0, 1.0):
            keypoints = augment.rescale(keypoints, options.scale, rng, options.each_axis)
        if options.shear > 0.0:
            keypoints = augment.shear(keypoints, options.shear, rng)
        if options.noise > 0.0:
            keypoints = augment.joint_noise(keypoints, scores, options.noise, rng)
        if options.keypoint_drop > 0.0:
            scores = augment.drop_keypoints(scores, options.keypoint_drop, rng)
        if options.frame_drop > 0.0:
            scores = augment.drop_steps(scores, options.frame_drop, rng)
        return keypoints, scores, label

    def _skeleton(self, batch: Batch, keypoints: FloatArray, scores: FloatArray) -> Inputs:
        """(N, M, T, K, C) -> (N, 3, T, K, M)."""
        if self._config.preprocessing == "unit_box":
            keypoints = preprocess("unit_box", keypoints, scores, self.layout, people=True)
        values = keypoints * (scores > 0.0)[..., None]
        if values.shape[-1] == 2:
            values = np.concatenate([values, scores[..., None]], axis=-1)
        body = np.ascontiguousarray(values.transpose(0, 4, 2, 3, 1), np.float32)
        return _tensors(body, np.zeros((len(body), 0), np.float32), batch.label, batch.clip)


def _tensors(body: FloatArray, hand: FloatArray, label: IntArray, clip: IntArray) -> Inputs:
    return Inputs(*(torch.from_numpy(part) for part in (body, hand, label, clip)))
