"""Which classes pixels are to tell apart: those that the skeleton takes for each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bharnet_ros.errors import ConfigurationError
from training.engine.scores import Scores

Groups = tuple[tuple[str, ...], ...]


def confused_groups(scores: Scores, class_names: Sequence[str], share: float) -> Groups:
    """Classes that are taken for each other, and for each other's others, together.

    Two belong together if more than `share` (0..1) of the judged clips of one are taken for the
    other. In the order of the classes. Raises ConfigurationError if there are none.
    """
    count = len(class_names)
    confusion = np.zeros((count, count))
    np.add.at(confusion, (scores.label, scores.fused.argmax(axis=1)), 1.0)
    confusion /= confusion.sum(axis=1, keepdims=True).clip(min=1.0)
    np.fill_diagonal(confusion, 0.0)
    group = list(range(count))
    for first, second in np.argwhere(confusion > share).tolist():
        old, new = group[first], group[second]
        group = [new if each == old else each for each in group]
    found = {g: tuple(n for n, own in zip(class_names, group, strict=True) if own == g)
             for g in group}  # fmt: skip
    groups = tuple(names for names in found.values() if len(names) > 1)
    if not groups:
        raise ConfigurationError(
            f"The skeleton takes no class for another in more than {share:.0%} of the clips, so "
            "pixels have nothing to decide; list `groups`, or lower confused_share."
        )
    return groups


def group_ids(groups: Groups, class_names: Sequence[str]) -> list[list[int]]:
    """Numbers of the classes; ConfigurationError for a name that is none."""
    unknown = [name for group in groups for name in group if name not in class_names]
    if unknown:
        raise ConfigurationError(
            f"groups names '{unknown[0]}', which is none of the classes {', '.join(class_names)}."
        )
    return [[list(class_names).index(name) for name in group] for group in groups]
