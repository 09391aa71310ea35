from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation import Episode, distribution, format_score, score_episodes

SECOND = 1_000_000_000


def episode(person: int, name: str, start_s: float, end_s: float) -> Episode:
    return Episode(person, name, round(start_s * SECOND), round(end_s * SECOND))


TRUTH = [episode(1, "wave", 0, 2), episode(1, "ok", 4, 6), episode(2, "stop", 0, 2)]


def test_right_wrong_missed_and_false_alarms() -> None:
    found = [
        episode(1, "wave", 0.5, 2.2),
        episode(1, "victory", 4.5, 6),
        episode(3, "stop", 0.5, 2),
        episode(2, "clap", 8, 9),
    ]
    score = score_episodes(TRUTH, found)
    assert (score.total, score.right, score.wrong, score.missed) == (3, 1, 1, 1)
    assert [e.class_name for e in score.false_alarms] == ["stop", "clap"]
    assert score.recall == pytest.approx(1 / 3)
    assert score.precision == pytest.approx(1 / 4)
    assert score.confusion() == {("wave", "wave"): 1, ("ok", "victory"): 1, ("stop", None): 1}


@pytest.mark.parametrize(("start_s", "right"), [(-0.1, 0), (0.0, 1), (2.0, 1), (3.0, 1), (3.01, 0)])
def test_an_answer_counts_until_one_second_after_the_end(start_s: float, right: int) -> None:
    score = score_episodes(TRUTH[:1], [episode(1, "wave", start_s, start_s + 1)])
    assert score.right == right
    assert len(score.false_alarms) == 1 - right


def test_the_right_label_wins_over_a_wrong_one_before_it() -> None:
    found = [episode(1, "clap", 0.2, 0.6), episode(1, "wave", 0.7, 2)]
    score = score_episodes(TRUTH[:1], found)
    assert score.right == 1 and [e.class_name for e in score.false_alarms] == ["clap"]


def test_each_answer_counts_once() -> None:
    truth = [episode(1, "wave", 0, 2), episode(1, "wave", 2.5, 4.5)]
    one = score_episodes(truth, [episode(1, "wave", 2.8, 4)])
    assert (one.right, one.missed) == (1, 1)
    assert one.outcomes[1].right  # it lies inside the second
    both = score_episodes(truth, [episode(1, "wave", 2.8, 4), episode(1, "wave", 2.1, 2.4)])
    assert both.right == 2


def test_delays_are_those_of_right_answers() -> None:
    found = [episode(1, "wave", 0.5, 2), episode(1, "ok", 6.5, 7), episode(2, "clap", 1.9, 2)]
    score = score_episodes(TRUTH, found)
    assert score.delay_from_start_s.count == 2
    assert score.delay_from_start_s.maximum == pytest.approx(2.5)
    assert score.delay_from_end_s.p50 == pytest.approx((-1.5 + 0.5) / 2)


def test_pairs_count_only_answers_within_the_pair() -> None:
    truth = [episode(1, name, 4 * i, 4 * i + 2) for i, name in enumerate(["ok"] * 3 + ["victory"])]
    found = [
        episode(1, "ok", 0.5, 1), episode(1, "victory", 4.5, 5), episode(1, "clap", 8.5, 9),
        episode(1, "victory", 12.5, 13),
    ]  # fmt: skip
    assert score_episodes(truth, found).pair_accuracy("ok", "victory") == (2, 3)


def test_the_report_says_it_all() -> None:
    found = [episode(1, "wave", 0.5, 2.2), episode(1, "victory", 4.5, 6), episode(2, "clap", 8, 9)]
    truth = [*TRUTH, episode(1, "victory", 8, 9)]
    text = format_score(score_episodes(truth, found), "Fused", [("ok", "victory")])
    assert text.startswith("Fused: 1 right, 1 wrong, 2 missed of 4 (25.0 %); 1 false alarms")
    assert "ok / victory: 0 of 1 told apart" in text
    assert "false alarms: clap 1" in text
    row = next(line for line in text.splitlines() if line.strip().startswith("ok "))
    assert row.split() == ["ok", "0", "1", "0", "victory", "1"]


def test_nothing_scripted_and_nothing_found() -> None:
    score = score_episodes([], [])
    assert math.isnan(score.recall) and math.isnan(score.precision)
    assert "none scripted" in format_score(score) and "no values" in format_score(score)


def test_a_negative_grace_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="grace_s is -1"):
        score_episodes([], [], -1.0)


episodes = st.lists(
    st.builds(
        lambda person, name, start, length: episode(person, name, start, start + length),
        st.integers(0, 2), st.sampled_from(["a", "b"]), st.floats(0, 20), st.floats(0.1, 3),
    ),
    max_size=12,
)  # fmt: skip


@given(truth=episodes, found=episodes)
def test_everything_is_counted_exactly_once(truth: list[Episode], found: list[Episode]) -> None:
    score = score_episodes(truth, found)
    assert score.right + score.wrong + score.missed == score.total == len(truth)
    assert score.right + score.wrong + len(score.false_alarms) == len(found)
    assert sorted(o.truth.start_ns for o in score.outcomes) == sorted(e.start_ns for e in truth)


@given(truth=episodes)
def test_a_perfect_recogniser_is_perfect(truth: list[Episode]) -> None:
    score = score_episodes(truth, truth)
    assert score.right == len(truth) and not score.false_alarms


def test_percentiles() -> None:
    values = distribution(range(101))
    assert (values.count, values.p50, values.p95, values.maximum) == (101, 50.0, 95.0, 100.0)
    assert str(values) == "p50 50.00, p95 95.00, max 100.00 (n=101)"
    assert distribution([]).count == 0
