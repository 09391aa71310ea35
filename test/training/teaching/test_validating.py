"""Figures on people held out, and how they are said."""

from __future__ import annotations

from bharnet_ros.evaluation import Episode, score_episodes
from training.labels import OUTSIDER
from training.teaching.validating import gesture_figures, scored, summary_lines

S = 1_000_000_000


def episode(name, start, person=1, length=2):
    return Episode(person, name, start * S, (start + length) * S)


def test_figures_tell_what_each_gesture_is_taken_for():
    truth = [episode("hurry", 0), episode("hurry", 10), episode("wipe", 20), episode("wipe", 30)]
    answers = [episode("hurry", 1), episode("wipe", 11), episode("wipe", 21), episode("hurry", 50)]
    figures = gesture_figures(score_episodes(truth, answers), 2.0)
    assert (figures["right"], figures["wrong"], figures["missed"]) == (2, 1, 1)
    assert figures["classes"]["hurry"] == {
        "gestures": 2, "right": 1, "missed": 0, "taken_for": {"wipe": 1},
    }  # fmt: skip
    assert figures["false_alarms_of"] == {"hurry": 1}
    text = "\n".join(summary_lines(figures, "people"))
    assert "hurry                  1 of   2 right   taken for wipe 1" in text
    assert "wipe                   1 of   2 right   missed 1" in text
    assert "false alarms: 1 in 2 minutes" in text and "(hurry 1)" in text
    assert "Doubtful: hurry, wipe. Record more people" in text


def test_nothing_is_doubtful_where_all_is_right():
    truth = [episode("hurry", 0)]
    lines = summary_lines(gesture_figures(score_episodes(truth, truth), 1.0), "people")
    assert not any("Doubtful" in line for line in lines)


def test_what_was_labelled_as_other_must_not_be_reported(take):
    sequence = scored(take("a", "a", [("other", 1, 2), ("hurry", 4, 5), ("idle", 6, 7)]), "idle")
    assert [span.class_name for span in sequence.spans] == [OUTSIDER, "hurry"]
