"""What networks of described gestures tell apart. Needs no torch, so that files can be checked
without it."""

from __future__ import annotations

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import Vocabulary

UNKNOWN = "other"
"""The trained class of everything that is no gesture of the vocabulary and not idle either."""


def class_names(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The network's classes: the vocabulary's, then UNKNOWN."""
    if UNKNOWN in vocabulary.class_names:
        raise ConfigurationError(
            f"'{UNKNOWN}' is the class of everything that no gesture is; give the gesture "
            f"'{UNKNOWN}' another name."
        )
    return (*vocabulary.class_names, UNKNOWN)
