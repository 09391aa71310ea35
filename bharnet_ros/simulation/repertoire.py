"""What the drawn actors play: the descriptions of a bundle's gestures, or a gesture file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bharnet_ros.bundle import (
    DEFAULT_BUNDLE,
    GESTURES_FILE,
    find_bundle,
    load_bundle,
    shipped_bundles,
)
from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.gestures import Vocabulary, load_vocabulary, shipped_vocabularies

WITHOUT_DESCRIPTIONS = "first_light"
"""The gesture file played for a bundle that brings none."""


def load_repertoire(name: str = "") -> Vocabulary:
    """The gestures that actors play.

    name: a bundle (a folder, or a shipped or fetched name), whose own descriptions are taken or,
    if it has none, those of `first_light`; or a gesture file (its path or a shipped name).
    Empty = the bundle that runs by default.
    Raises BundleError or GestureError for what cannot be read.
    """
    chosen = name or DEFAULT_BUNDLE
    is_file = Path(chosen).expanduser().is_file()
    if is_file or (chosen in shipped_vocabularies() and chosen not in shipped_bundles()):
        return load_vocabulary(Path(chosen).expanduser() if is_file else chosen)
    try:
        folder = find_bundle(chosen)
    except BundleError:
        return load_vocabulary(chosen)  # which names the files there are
    described = load_bundle(folder).file(GESTURES_FILE)
    if described is not None:
        return load_vocabulary(described)
    return load_vocabulary(chosen if chosen in shipped_vocabularies() else WITHOUT_DESCRIPTIONS)


def chosen_classes(vocabulary: Vocabulary, names: Sequence[str]) -> tuple[str, ...] | None:
    """The gestures of these names; None = all. Empty names do not count.

    Raises ConfigurationError for a name that is no gesture of the vocabulary.
    """
    wanted = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    unknown = [name for name in wanted if name not in vocabulary.actions]
    if unknown:
        raise ConfigurationError(
            f"There is no gesture '{unknown[0]}' to play; choose among "
            f"{', '.join(vocabulary.actions)}."
        )
    return wanted or None
