"""Recordings that show nothing of what they are labelled with: said before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from bharnet_ros.errors import ConfigurationError
from training.describing.transitions import FIRST
from training.teaching.recorded import RecordedWindows


def refuse_unshown(recorded: RecordedWindows, actions: Sequence[tuple[int, str]]) -> None:
    """Raise ConfigurationError if there is no window of one of the actions (number, name)."""
    lacking = [name for number, name in actions if number not in recorded.labels]
    if lacking:
        raise ConfigurationError(
            f"No moment shows {', '.join(lacking)}: nobody is in view while it is labelled, or "
            "only for a moment. Look at those labels (do they name the right person and second?), "
            "or take them out."
        )


def refuse_unjudged(recorded: RecordedWindows, names: Sequence[str]) -> None:
    """Raise ConfigurationError if nothing of those who are held out can be judged.

    names: of people or recordings.
    """
    if not any(label < FIRST for label in recorded.labels):
        raise ConfigurationError(
            f"{', '.join(names)} cannot be held out: nobody is in view there for longer than the "
            "borders of a labelled segment. Take these recordings out, or record and label longer "
            "ones, with what happens before and after the gestures."
        )
