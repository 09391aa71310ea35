"""A store as Lightning's data module: the same batches whatever the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from bharnet_ros.errors import ConfigurationError
from training.data import BatchLoader, Clips, Split, Store, load_protocol, open_store, split_clips
from training.engine.background import Background, open_background
from training.engine.config import StoreConfig
from training.engine.inputs import Inputs, Preparation
from training.model_config import POSE_BLOCK


class TrainingBatches(Dataset[Inputs]):
    """Batches by a number that goes on over the epochs; each a function of seed and number.

    Of several processes (rank of world), each takes its own part of every batch, so together
    they see the same clips as one process would. chances (clips,): how often each is drawn, with
    replacement; None: each once an epoch. background: where `share` of each batch comes from.
    least: clips of a batch that each process must have.
    """

    def __init__(
        self, loader: BatchLoader, preparation: Preparation, batch_size: int, seed: int,
        rank: int = 0, world: int = 1, chances: npt.NDArray[np.float64] | None = None,
        background: Background | None = None, share: float = 0.0, least: int = 1,
    ) -> None:  # fmt: skip
        self._loader = loader
        self._preparation = preparation
        self._background = background
        self._others = 0 if background is None else max(1, round(share * batch_size))
        self._batch_size = max(1, batch_size - self._others)
        self._seed = seed
        self._rank, self._world = rank, world
        self._chances = chances
        # A last batch that leaves a process without a clip would hang the others.
        self.per_epoch = max(1, loader.num_clips // self._batch_size)
        shared = min(loader.num_clips, self._batch_size)
        if shared < world:
            raise ConfigurationError(
                f"{world} processes share batches of {shared} clips; "
                "use fewer processes or a larger fit.batch_size."
            )
        left = shared // world + self._others // world
        if left < least:
            raise ConfigurationError(
                f"Batches leave {left} clips to a process (fit.batch_size {batch_size}, training "
                f"clips {loader.num_clips}, processes {world}), but block '{POSE_BLOCK}' needs "
                f"{least} or more; use a larger fit.batch_size, more clips (data.repeat), fewer "
                "processes, or another block."
            )

    def __len__(self) -> int:
        return self.per_epoch

    def __getitem__(self, number: int) -> Inputs:
        epoch, place = divmod(number, self.per_epoch)
        order = self._order(np.random.default_rng([self._seed, 0, epoch]))
        chosen = order[place * self._batch_size : (place + 1) * self._batch_size]
        rng = np.random.default_rng([self._seed, 1, number, self._rank])
        parts = [self._loader.windows(chosen[self._rank :: self._world], rng)]
        if self._background is not None:
            drawn = np.random.default_rng([self._seed, 2, number])
            others = drawn.integers(self._background.num_clips, size=self._others)
            parts += self._background.batches(others[self._rank :: self._world], rng)
        inputs = [self._preparation.training(part, rng) for part in parts]
        if len(inputs) == 1:
            return inputs[0]
        return Inputs(*(torch.cat(column) for column in zip(*inputs, strict=True)))

    def _order(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        count = self._loader.num_clips
        if self._chances is None:
            return rng.permutation(count)
        return rng.choice(count, count, p=self._chances)


class EvaluationBatches(Dataset[Inputs]):
    """Every clip once, in order; of several processes, each has every world-th clip."""

    def __init__(
        self,
        loader: BatchLoader,
        preparation: Preparation,
        batch_size: int = 256,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._loader = loader
        self._preparation = preparation
        mine = np.arange(loader.num_clips)[rank::world]
        self._parts = [mine[i : i + batch_size] for i in range(0, len(mine), batch_size)]

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, place: int) -> Inputs:
        return self._preparation.evaluation(self._loader.windows(self._parts[place], None))


class EpochNumbers(Sampler[int]):
    """The numbers of an epoch's batches. steps: tells how many batches are behind us, also in a
    resumed run. (Lightning asks for the first epoch's iterator before it tells which epoch it is.)
    """

    def __init__(self, per_epoch: int, steps: Callable[[], int]) -> None:
        self._per_epoch = per_epoch
        self._steps = steps

    def __iter__(self) -> Iterator[int]:
        first = self._steps() // self._per_epoch * self._per_epoch
        return iter(range(first, first + self._per_epoch))

    def __len__(self) -> int:
        return self._per_epoch


def least_clips(config: StoreConfig) -> int:
    """How many clips a batch must have: POSE_BLOCK compares whole windows with each other."""
    model = config.model
    whole = {"body": True, "hand": model.hands == "joined"}  # two hands are two windows
    experts = {"body": model.body, "hand": model.hand}
    alone = (experts[s].block == POSE_BLOCK and whole[s] for s in config.streams)
    return 2 if any(alone) else 1


class StoreDataModule(lightning.LightningDataModule):
    """The parts of a store that a configuration asks for. workers: processes that prepare
    batches for each training process; 0 prepares in it."""

    def __init__(self, config: StoreConfig, workers: int = 0) -> None:
        super().__init__()
        self.config = config
        self.workers = workers
        # Fewer validation clips than processes: those without one wait for the others.
        self.allow_zero_length_dataloader_with_multiple_devices = True
        self.store: Store = open_store(config.data.store)
        protocol = load_protocol(config.data.protocol)
        self.split: Split = split_clips(self.store, protocol, config.data.fold)
        self.preparation = Preparation(config, self.store.sheet, self.split.class_names)

    @property
    def steps_per_epoch(self) -> int:
        """However many processes share them."""
        return self.training_batches().per_epoch

    @cached_property
    def background(self) -> Background | None:
        """What none of the classes is; only training needs it."""
        return open_background(self.config, self.store.sheet, self.split.class_names)

    @property
    def has_validation(self) -> bool:
        return len(self.split.validation) > 0

    def clips(self, part: str) -> Clips:
        """Of train, validation, test or train_and_validation."""
        return self.split.clips[getattr(self.split, part)]

    def loader(self, part: str) -> BatchLoader:
        """For evaluation: every clip once, in order."""
        return BatchLoader(
            self.store, self.clips(part), self.config.clips.loader(256), training=False
        )

    def training_batches(self, rank: int = 0, world: int = 1) -> TrainingBatches:
        """See `TrainingBatches`."""
        config = self.config
        clips = self.clips(config.data.train_on)
        clips = clips[np.tile(np.arange(len(clips)), config.data.repeat)]
        size = config.fit.batch_size
        loader = BatchLoader(
            self.store, clips, config.clips.loader(size), training=True, seed=config.seed
        )
        chances = None
        if config.data.even_classes:
            chances = 1.0 / np.bincount(clips.label)[clips.label]
            chances /= chances.sum()
        return TrainingBatches(
            loader, self.preparation, size, config.seed, rank, world, chances,
            self.background, config.data.background_share, least_clips(config),
        )  # fmt: skip

    def train_dataloader(self) -> DataLoader[Inputs]:
        """See the class."""
        batches = self.training_batches(*self._place())
        return self._prefetched(batches, EpochNumbers(batches.per_epoch, self._steps))

    def val_dataloader(self) -> DataLoader[Inputs]:
        """See the class."""
        rank, world = self._place()
        batches = EvaluationBatches(
            self.loader("validation"), self.preparation, rank=rank, world=world
        )
        return self._prefetched(batches, None)

    def _steps(self) -> int:
        return 0 if self.trainer is None else self.trainer.global_step

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)

    def _prefetched(
        self, batches: Dataset[Inputs], sampler: Sampler[int] | None
    ) -> DataLoader[Inputs]:
        return DataLoader(
            batches, batch_size=None, sampler=sampler, num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )  # fmt: skip
