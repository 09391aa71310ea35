"""Windows with tiles: a store and the regions cut from its images, as Lightning's data module."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.roi import tiles_input
from training.data import Batch, Clips
from training.data.rois import RoiSet
from training.engine.config import StoreConfig
from training.engine.data import StoreDataModule
from training.engine.inputs import Preparation
from training.engine.rgb_augment import augment_tiles
from training.engine.rgb_config import RgbConfig


class RgbInputs(NamedTuple):
    """body, hand, label, clip: as `Inputs`. tiles (N, F, R, 3, S, S) RGB 0..1, seen (N, F, R);
    mirrored (N,) 1 where the tiles, and not the skeleton, are a mirror image; moments (F,) which
    of the window's they are."""

    body: Tensor
    hand: Tensor
    label: Tensor
    clip: Tensor
    tiles: Tensor
    seen: Tensor
    mirrored: Tensor
    moments: Tensor


class RgbPreparation:
    """As `Preparation`, with the tiles of each window."""

    def __init__(self, skeleton: Preparation, rois: RoiSet, config: RgbConfig) -> None:
        self._skeleton = skeleton
        self._rois = rois
        self._config = config

    def training(self, batch: Batch, rng: np.random.Generator) -> RgbInputs:
        """With augmentation."""
        inputs = self._skeleton.training(batch, rng)
        tiles, seen = self._tiles(batch)
        moments = some_moments(tiles.shape[1], self._config.augment.moments, rng)
        tiles, seen, mirrored = augment_tiles(
            tiles[:, moments], seen[:, moments], self._rois.config.regions, self._config.augment,
            int(rng.integers(1 << 62)), torch.from_numpy(self._skeleton.is_sided(batch.label)),
        )  # fmt: skip
        return RgbInputs(*inputs, tiles, seen, mirrored, moments)

    def evaluation(self, batch: Batch) -> RgbInputs:
        """As they are."""
        inputs = self._skeleton.evaluation(batch)
        tiles, seen = self._tiles(batch)
        every = torch.arange(tiles.shape[1])
        return RgbInputs(*inputs, tiles, seen, torch.zeros(len(tiles)), every)

    def _tiles(self, batch: Batch) -> tuple[Tensor, Tensor]:
        spans = zip(
            batch.sample.tolist(), batch.track_id.tolist(), batch.start_ns.tolist(),
            batch.end_ns.tolist(), strict=True,
        )  # fmt: skip
        tiles, seen = tiles_input([self._rois.tiles(*span) for span in spans])
        return torch.from_numpy(tiles), torch.from_numpy(seen)


def some_moments(count: int, wanted: int, rng: np.random.Generator) -> Tensor:
    """(F,) the last of `count` moments and others, `wanted` in all, in order; 0 = every one."""
    if not 0 < wanted < count:
        return torch.arange(count)
    others = rng.choice(count - 1, wanted - 1, replace=False)
    return torch.from_numpy(np.sort(np.append(others, count - 1)))


class RgbDataModule(StoreDataModule):
    """Clips whose label is one of `labels`, with their tiles."""

    def __init__(
        self,
        skeleton: StoreConfig,
        config: RgbConfig,
        rois: RoiSet,
        labels: Collection[int],
        workers: int = 0,
    ) -> None:
        # The tiles are mirrored here, and with them what the body expert attends to.
        augment = replace(skeleton.augment, mirror=0.0)
        super().__init__(
            replace(skeleton, augment=augment, seed=config.seed, fit=config.fit), workers
        )
        self._labels = np.array(sorted(labels))
        self.preparation = RgbPreparation(self.preparation, rois, config)  # type: ignore[assignment]

    def clips(self, part: str) -> Clips:
        """As for stage one, of these classes; ConfigurationError if none is left."""
        clips = super().clips(part)
        clips = clips[np.isin(clips.label, self._labels)]
        if not len(clips):
            raise ConfigurationError(
                f"The {part} part has no clip of a class that pixels are to tell apart; choose "
                "other groups, or a protocol whose parts have them."
            )
        return clips
