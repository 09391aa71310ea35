"""People who make none of the gestures in question."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from training.describing.bystanders import SECONDS, bystanders
from training.labels import OUTSIDER

VOCABULARY = load_vocabulary("gestures")


def test_they_gesture_but_make_none_of_those_that_are_known() -> None:
    known = {name for name in VOCABULARY.actions if name not in ("stop", "shrug")}
    people = bystanders(VOCABULARY, known, 3, people=2)
    assert len(people) == 2
    done = {span.class_name for each in people for span in each.spans}
    assert {"stop", "shrug"} <= done <= {"stop", "shrug", OUTSIDER}
    for each in people:
        assert each.duration_s == pytest.approx(SECONDS, abs=0.1)
        assert (each.scores > 0).any(axis=1).mean() > 0.9
    again = bystanders(VOCABULARY, known, 3, people=2)
    assert all(np.array_equal(a.keypoints, b.keypoints) for a, b in zip(people, again, strict=True))


def test_somebody_must_have_something_to_do() -> None:
    with pytest.raises(ConfigurationError, match="no gesture left to make"):
        bystanders(VOCABULARY, VOCABULARY.actions, 3, people=1)
