"""People who make none of the gestures in question."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytest import MonkeyPatch

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary, parse_vocabulary
from training.describing import bystanders as module
from training.describing.bystanders import SECONDS, bystanders
from training.describing.people import ActingConfig, Deck, write_script
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


def test_what_is_known_is_neither_played_nor_resembled(monkeypatch: MonkeyPatch) -> None:
    vocabulary = parse_vocabulary("format: 2\nextends: gestures\nalso: [stop, shrug, wave]\n")
    asked = {}

    def streams(played, *arguments, avoid, **options):
        asked.update(played=played, avoid=avoid)
        return []

    monkeypatch.setattr(module, "streams", streams)
    bystanders(vocabulary, {"-", "wave", "fist", "drinking"}, 3, people=2)
    played = asked["played"]
    assert played.actions == ("stop", "shrug") and set(played.gestures) == {"stop", "shrug"}
    assert "fist" not in played.others and "ok" in played.others
    assert "drinking" not in played.everyday and "glasses" in played.everyday
    assert {gesture.name for gesture in asked["avoid"]} == {"wave", "fist", "drinking"}


def test_measured_bundles_meet_the_people_they_always_met() -> None:
    """What is avoided resembles nothing they do, so their thresholds and reports hold."""
    for known, seed in (({"no", "wave"}, 780_000), ({"no"}, 770_007)):
        names = tuple(name for name in VOCABULARY.class_names if name not in known)
        others = replace(
            VOCABULARY, class_names=names,
            gestures={name: VOCABULARY.gestures[name] for name in names[1:]},
        )  # fmt: skip
        avoid = [VOCABULARY.gestures[name] for name in sorted(known)]
        decks = [Deck(others, np.random.default_rng([seed, 6])) for _ in range(2)]
        for number in range(5):
            first, second = (
                write_script(
                    others, deck, ActingConfig(duration_s=SECONDS), True,
                    np.random.default_rng([seed, 7, number]), which,
                )
                for deck, which in zip(decks, ((), avoid), strict=True)
            )  # fmt: skip
            assert first == second
