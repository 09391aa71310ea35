"""People and recordings are held out whole; a share of a recording never."""

from __future__ import annotations

import pytest

from bharnet_ros.errors import ConfigurationError
from training.data.protocols import SplitError
from training.teaching.splitting import folds_of, hold_out, lone_labels, unit_names

ONE = [("hurry", 1, 2)]


def test_everybody_is_held_out_once(take):
    takes = [take(f"{who}_{n}", who, ONE) for who in "abcdefg" for n in (1, 2)]
    folds = folds_of(takes, 3)
    assert len(folds) == 3
    assert sorted(n for fold in folds for n in fold.held) == list(range(14))
    assert sorted(name for fold in folds for name in fold.names) == list("abcdefg")
    for fold in folds:
        assert not {takes[n].subject for n in fold.train} & {takes[n].subject for n in fold.held}
        assert 4 <= len(fold.held) <= 6


def test_without_subjects_recordings_are_held_out(take):
    takes = [take("monday", "anna", ONE), take("tuesday", "", ONE)]
    assert unit_names(takes) == ("recordings", ["monday", "tuesday"])
    assert {fold.names for fold in folds_of(takes, 5)} == {("monday",), ("tuesday",)}


def test_people_who_share_a_recording_are_held_out_together(take):
    takes = [take("party", "anna", ONE), take("party", "ben", ONE), take("c_1", "carla", ONE)]
    folds = folds_of(takes, 3)
    assert sorted(fold.names for fold in folds) == [("anna+ben",), ("carla",)]
    with pytest.raises(SplitError, match="anna cannot be held out: party would be on both sides"):
        hold_out(takes, ["anna"])
    assert hold_out(takes, ["anna", "ben"]).train == (2,)


@pytest.mark.parametrize("share", ["0.2", "20%", "random", "3"])
def test_a_random_share_is_refused_with_the_remedy(take, share):
    takes = [take("anna_1", "anna", ONE), take("ben_1", "ben", ONE)]
    with pytest.raises(SplitError, match=r"on both sides.*Name people") as e:
        hold_out(takes, [share])
    assert "anna, anna_1, ben, ben_1" in str(e.value)
    assert isinstance(e.value, ConfigurationError)


def test_people_called_like_a_number_can_be_held_out(take):
    takes = [take("7_1", "7", ONE), take("8_1", "8", ONE)]
    assert hold_out(takes, ["7"]).held == (0,)


def test_one_recording_alone_cannot_be_split(take):
    takes = [take("monday", "", ONE), take("monday", "", ONE)]
    with pytest.raises(SplitError, match=r"All examples are of one of the recordings .monday"):
        folds_of(takes, 3)


def test_an_unknown_name_and_nobody_left_are_said(take):
    takes = [take("anna_1", "anna", ONE), take("ben_1", "ben")]
    with pytest.raises(SplitError, match="Nobody and nothing is called 'zoe'; there are anna"):
        hold_out(takes, ["zoe"])
    with pytest.raises(SplitError, match="nothing is left to train on"):
        hold_out(takes, ["anna"])


def test_what_only_one_person_shows_is_told(take):
    takes = [
        take("a_1", "a", [*ONE, ("wipe", 4, 5)]), take("a_2", "a", [("wipe", 4, 5)]),
        take("b_1", "b", ONE),
    ]  # fmt: skip
    assert lone_labels(takes) == ("wipe",)
