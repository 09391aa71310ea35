"""Recordings that show nothing of what they are labelled with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from training.config import WindowConfig
from training.teaching.recorded import index_takes
from training.teaching.showing import refuse_unjudged, refuse_unshown

IDS = {"idle": 0, "hurry": 1, "wipe": 2, "other": 3}
ACTIONS = [(1, "hurry"), (2, "wipe")]


def indexed(*takes):
    return index_takes(takes, [t.subject for t in takes], IDS, 0, WindowConfig(1.6, 32))


def out_of_view(take):
    return replace(take, sequence=replace(take.sequence, scores=np.zeros((100, 133), np.float32)))


def test_a_gesture_that_is_labelled_while_nobody_is_in_view_is_named(take):
    hurry, wipe = take("a", "anna", [("hurry", 2, 4)]), take("b", "ben", [("wipe", 2, 4)])
    refuse_unshown(indexed(hurry, wipe), ACTIONS)
    with pytest.raises(ConfigurationError, match="No moment shows wipe: nobody is in view"):
        refuse_unshown(indexed(hurry, out_of_view(wipe)), ACTIONS)


def test_who_is_never_in_view_cannot_be_held_out(take):
    seen = take("a", "anna", [("hurry", 2, 4)])
    refuse_unjudged(indexed(seen), ["anna"])
    for gone in (
        out_of_view(seen),
        take("b", "ben", [("hurry", 0, 0.7)], seconds=1.1),  # nothing but the end of a gesture
    ):
        with pytest.raises(ConfigurationError, match="ben cannot be held out: nobody is in view"):
            refuse_unjudged(indexed(gone), ["ben"])
