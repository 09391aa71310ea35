"""What none of the classes is: windows of further stores, all called by the background class.

A recording session holds little of what people do who mean nothing, and a network that saw no
more calls the rest of the world by the names it knows. Windows of other people who rest, move and
gesture otherwise teach it better (outlier exposure: Hendrycks et al., ICLR 2019, arXiv
1812.04606).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from training.data import Batch, BatchLoader, DataSheet, Store, open_store
from training.data.clips import all_clips
from training.engine.config import StoreConfig


@dataclass(frozen=True, eq=False)
class Background:
    """stores: of what none of the classes is. loaders: their clips. label: of all of them."""

    stores: tuple[Store, ...]
    loaders: tuple[BatchLoader, ...]
    label: int

    def batches(
        self, chosen: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Windows of the clips with these numbers, counted over all stores; one batch a store."""
        first = 0
        for loader in self.loaders:
            mine = chosen[(chosen >= first) & (chosen < first + loader.num_clips)] - first
            first += loader.num_clips
            if len(mine):
                batch = loader.windows(mine, rng)
                yield replace(batch, label=np.full(len(mine), self.label, np.int64))

    @property
    def num_clips(self) -> int:
        """Of all stores."""
        return sum(loader.num_clips for loader in self.loaders)

    def about(self) -> list[dict[str, str]]:
        """Which stores, for whoever reads the run."""
        return [
            {
                "dataset": store.sheet.dataset, "license": store.sheet.license,
                "content_sha256": store.content_hash(),
            }
            for store in self.stores
        ]  # fmt: skip


def open_background(
    config: StoreConfig, sheet: DataSheet, class_names: Sequence[str]
) -> Background | None:
    """The stores of `data.background`; None if there are none.

    sheet: of the store that is trained on. Raises ConfigurationError for stores of another layout
    and for a background class that the protocol does not know.
    """
    if not config.data.background:
        return None
    name = config.bundle.background
    if name not in class_names:
        raise ConfigurationError(
            f"bundle.background is '{name}', but protocol '{config.data.protocol}' has no such "
            f"class to call data.background by; it has {', '.join(class_names)}."
        )
    stores, loaders = [], []
    for folder in config.data.background:
        store = open_store(folder)
        theirs = (store.sheet.layout, store.sheet.dims)
        if theirs != (sheet.layout, sheet.dims):
            raise ConfigurationError(
                f"data.background: {folder} has layout '{theirs[0]}' in {theirs[1]}D, but the "
                f"store that is trained on has '{sheet.layout}' in {sheet.dims}D; convert it with "
                "the same layout."
            )
        clips = all_clips(store)
        clips = clips[clips.stop > clips.first]
        loader = config.clips.loader(config.fit.batch_size)
        loaders.append(BatchLoader(store, clips, loader, training=True, seed=config.seed))
        stores.append(store)
    return Background(tuple(stores), tuple(loaders), list(class_names).index(name))
