"""False alarms of people who do something else, counted by what they did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from training.measuring.bystanders import RESTING, done, measure
from training.measuring.following import Start
from training.sequences import GestureSpan

from .conftest import S


def test_every_start_is_false_and_told_by_what_was_done(judge, raising) -> None:
    waving = replace(raising, spans=(GestureSpan("wave", 3 * S, 6 * S),))
    found = measure([waving, waving], [], {"tiny": judge}).figures["tiny"]
    assert list(found) == ["acted people"]
    figures = found["acted people"]
    assert figures["films"] == 2 and figures["events"] == 2 and figures["resting"] == 0
    assert figures["taken"] == [["wave", "stop", 2]]
    assert figures["per_hour"] == pytest.approx(2 * 3600 / (2 * waving.duration_s))
    resting = measure([replace(raising, spans=())], [], {"tiny": judge})
    assert resting.figures["tiny"]["acted people"]["resting"] == 1
    assert RESTING in resting.body and resting.name == "bystanders"


def test_clips_of_real_people_are_told_by_their_names(judge, raising) -> None:
    clip = replace(raising, info={**raising.info, "clip": "doctor"})
    result = measure([raising], [clip], {"tiny": judge})
    assert result.figures["tiny"]["signing clips"]["taken"] == [["doctor", "stop", 1]]
    assert "| tiny | signing clips | 0.2 | 1 | - |" in result.body


def test_a_second_after_something_it_is_still_that(raising) -> None:
    assert done(raising, Start("fist", 4 * S)) == "stop"
    assert done(raising, Start("fist", 7 * S - 1)) == "stop"
    assert done(raising, Start("fist", 8 * S)) == RESTING
