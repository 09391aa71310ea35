"""People who make none of a bundle's gestures, as the robot would see them live."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import Vocabulary
from training.describing.people import ActingConfig
from training.describing.streams import streams
from training.sequences import KeypointSequence

SECONDS = 60.0


def bystanders(
    vocabulary: Vocabulary, known: Collection[str], seed: int, people: int
) -> list[KeypointSequence]:
    """A minute each of people who rest, fidget and gesture, but make none of `known`, nor what
    could be taken for one of those that the vocabulary describes.

    What they do has the name of the vocabulary. Equal arguments give equal sequences.
    """
    described = {**vocabulary.everyday, **vocabulary.others, **vocabulary.gestures}
    names = [n for n in vocabulary.class_names if n == vocabulary.background or n not in known]
    if len(names) < 2:
        raise ConfigurationError(
            "Bystanders have no gesture left to make: all those of their vocabulary are known; "
            "give them another vocabulary."
        )
    others = replace(
        vocabulary,
        class_names=tuple(names),
        gestures={name: vocabulary.gestures[name] for name in vocabulary.gestures if name in names},
        others={name: g for name, g in vocabulary.others.items() if name not in known},
        everyday={name: g for name, g in vocabulary.everyday.items() if name not in known},
    )
    avoid = [gesture for name, gesture in described.items() if name in known]
    return streams(others, people, seed, acting=ActingConfig(duration_s=SECONDS), avoid=avoid)
