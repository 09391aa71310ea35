"""Classes that cannot be learned, or cannot become a bundle: said before a training, not after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bharnet_ros.errors import ConfigurationError
from training.engine.data import StoreDataModule


def check_classes(data: StoreDataModule) -> None:
    """Raise ConfigurationError for classes with which no training makes sense.

    The class of nothing going on is only asked for where a bundle names one.
    """
    names, config = data.split.class_names, data.config
    if len(names) < 2:
        raise ConfigurationError(
            f"Protocol '{config.data.protocol}' leaves the one class {', '.join(names)}, and there "
            "is nothing to tell apart; show something else, too, if only people who do nothing."
        )
    if "" in names:
        raise ConfigurationError(
            f"A class of the store {data.store.folder} has an empty name; name it and convert the "
            "data again."
        )
    if config.bundle.background:
        check_background(config.bundle.background, names)


def check_background(name: str, names: Sequence[str]) -> None:
    """Raise ConfigurationError if the class of nothing going on is none of the classes."""
    if name not in names:
        raise ConfigurationError(
            f"bundle.background is '{name}'; name the class of nothing going on, one of "
            f"{', '.join(names)}. If none of them is that, label some of what lies between the "
            "actions, too, and convert and train again."
        )


def unshown(data: StoreDataModule) -> list[str]:
    """Sentences about classes of which training or validation shows nothing, and about clips that
    the protocol puts nowhere."""
    names, train_on = data.split.class_names, data.config.data.train_on
    said = []
    for part, meaning in (
        (train_on, "cannot be learned"),
        ("validation", "nothing is known about how well it is told"),
    ):
        clips = data.clips(part) if part == train_on or data.has_validation else None
        if clips is not None:
            seen = np.isin(np.arange(len(names)), clips.label)
            if part == train_on and data.background is not None:
                seen[data.background.label] = True
            lacking = [name for name, there in zip(names, seen, strict=True) if not there]
            if lacking:
                where = "validation" if part == "validation" else "training"
                said.append(f"No {where} clip shows {', '.join(lacking)}: {meaning}.")
    nowhere = data.split.dropped.get("in no part", 0)
    if nowhere:
        said.append(
            f"{nowhere} clips are in no part of protocol '{data.config.data.protocol}' and are not "
            "used."
        )
    return said
