from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.bootstrap import Bootstrap, mcnemar_p
from bharnet_ros.evaluation.compare import Comparison, Difference, compare
from bharnet_ros.evaluation.compare_text import format_comparison
from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.records import Evaluation, Recording

SECOND = 1_000_000_000
CLIP_S, GAP_S = 2, 4


def recording(
    name: str, answers: str, alarms: int = 0, person: int = 1, delay_s: float = 0.5
) -> Recording:
    """A clip of "wave" or "ok" by turns for each letter: r(ight), w(rong) or m(issed)."""
    truth, recognised = [], []
    for index, answer in enumerate(answers):
        start = index * GAP_S * SECOND
        label = ("wave", "ok")[index % 2]
        truth.append(Episode(person, label, start, start + CLIP_S * SECOND))
        if answer != "m":
            found = label if answer == "r" else "clap"
            begun = start + round(delay_s * SECOND)
            recognised.append(Episode(person, found, begun, start + CLIP_S * SECOND, 0.9))
    end = max(len(answers), 1) * GAP_S * SECOND
    recognised += [Episode(person, "no", end + i * SECOND, end + i * SECOND) for i in range(alarms)]
    stop = end + max(alarms, 1) * SECOND
    return Recording(name, 0, stop, tuple(truth), tuple(recognised), (), 100, 100)


def evaluation(*recordings: Recording) -> Evaluation:
    return Evaluation(
        "offline", "gestures", "0" * 64, "mediapipe", ("idle", "wave", "ok", "clap", "no"), "idle",
        "", recordings,
    )  # fmt: skip


def row(comparison: Comparison, name: str) -> Difference:
    return next(d for d in (*comparison.overall, *comparison.classes) if d.name == name)


def test_hand_counted_figures() -> None:
    old = evaluation(recording("bag", "rrwm", alarms=1))
    new = evaluation(recording("bag", "rmrr", alarms=3, delay_s=0.8))
    result = compare(old, new)
    accuracy = row(result, "Recall of reports")
    assert (accuracy.old, accuracy.new) == (0.5, 0.75)
    assert (accuracy.gained, accuracy.lost, accuracy.count) == (2, 1, 4)
    assert accuracy.verdict == "unclear"
    precision, f1 = row(result, "Precision of reports"), row(result, "F1 of reports")
    assert (precision.old, precision.new) == (2 / 4, 3 / 5)
    assert (f1.old, f1.new) == (4 / 8, 6 / 9)
    # wave is the 1st and 3rd clip, ok the 2nd and 4th.
    assert (row(result, "wave").old, row(result, "wave").new) == (0.5, 1.0)
    assert (row(result, "ok").old, row(result, "ok").new) == (0.5, 0.5)
    assert [d.name for d in result.classes] == ["wave", "ok"]
    assert row(result, "Recall, mean of the classes").new == 0.75
    hours = 17 / 3600  # both runs saw the first 17 s; the new one's third false alarm came later
    alarms = row(result, "False alarms per hour")
    assert alarms.old == pytest.approx(1 / hours)
    assert result.false_alarms == {"no": (1, 2)}
    delay = row(result, "Mean delay, where both are right")
    assert (delay.old, delay.new, delay.count) == (pytest.approx(0.5), pytest.approx(0.8), 1)


def test_the_interval_agrees_with_an_independent_bootstrap() -> None:
    rng = np.random.default_rng(5)
    before = "".join(rng.choice(list("rwm"), 120, p=[0.6, 0.2, 0.2]))
    after = "".join("r" if rng.random() < 0.25 else letter for letter in before)
    old, new = evaluation(recording("bag", before)), evaluation(recording("bag", after))
    result = compare(old, new, resamples=20_000)
    changes = np.array([(b == "r") * 1.0 - (a == "r") for a, b in zip(before, after, strict=True)])
    picks = rng.integers(0, len(changes), (20_000, len(changes)))
    low, high = np.quantile(changes[picks].mean(axis=1), (0.025, 0.975))
    accuracy = row(result, "Recall of reports")
    assert accuracy.low == pytest.approx(low, abs=0.009) and low > 0  # 1 of 120 clips is 0.0083
    assert accuracy.high == pytest.approx(high, abs=0.009)
    assert accuracy.verdict == "better"
    # F1 is a ratio; resampled independently with plain loops over indices.
    tables = [
        np.array([[a == "r", a != "m"] for a in letters], float) for letters in (before, after)
    ]
    f1 = [2 * t[picks, 0].sum(1) / (len(t) + t[picks, 1].sum(1)) for t in tables]
    low, high = np.quantile(f1[1] - f1[0], (0.025, 0.975))
    ours = row(result, "F1 of reports")
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.006)


def test_the_p_value_is_that_of_the_exact_binomial_test() -> None:
    old = evaluation(recording("bag", "rwrm" * 15))
    new = evaluation(recording("bag", "mrrm" * 5 + "rrrr" * 10))
    found = row(compare(old, new), "Recall of reports")
    changed = found.gained + found.lost
    tail = sum(math.comb(changed, k) for k in range(min(found.gained, found.lost) + 1))
    assert found.lost > 0
    assert found.p_value == pytest.approx(min(1.0, 2 * tail / 2**changed))


def test_recordings_resampled_as_a_whole_give_wider_intervals() -> None:
    # All clips of a recording change together: clips are no independent witnesses.
    old = evaluation(*(recording(f"bag {k}", "m" * 20) for k in range(10)))
    new = evaluation(*(recording(f"bag {k}", ("r" if k % 2 else "m") * 20) for k in range(10)))
    clips = row(compare(old, new), "Recall of reports")
    whole = row(compare(old, new, over="recordings"), "Recall of reports")
    assert (clips.old, clips.new) == (whole.old, whole.new) == (0.0, 0.5)
    assert whole.high - whole.low > 3 * (clips.high - clips.low)
    draws = np.random.default_rng(0).binomial(10, 0.5, 50_000) / 10
    assert (whole.low, whole.high) == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))))


@pytest.mark.parametrize(
    ("count", "verdicts"), [(1, {"unclear"}), (9, {"unclear"}), (10, {"better"})]
)
def test_few_recordings_are_no_proof_however_many_clips_they_hold(
    count: int, verdicts: set[str]
) -> None:
    old, new = (
        evaluation(*(recording(f"bag {k}", answers * 5) for k in range(count)))
        for answers in ("rrmw", "rrrr")
    )
    result = compare(old, new, over="recordings")
    names = ("Recall of reports", "Recall, mean of the classes", "Precision of reports")
    assert row(result, names[0]).low > 0.0  # the interval alone would be sure
    assert {row(result, name).verdict for name in names} == verdicts


def test_same_seed_same_answer_and_nothing_changed_is_said() -> None:
    old = evaluation(recording("bag", "rrwmrrm" * 9, alarms=2))
    new = evaluation(recording("bag", "rmrrrrr" * 9, alarms=1))
    first, again = compare(old, new, seed=3).as_data(), compare(old, new, seed=3).as_data()
    assert first == again
    others = [compare(old, new, seed=seed).as_data()["overall"] for seed in range(4, 9)]
    assert any(other != first["overall"] for other in others)
    same = compare(old, old)
    assert {d.verdict for d in (*same.overall, *same.classes)} == {"same"}
    assert {d.change for d in same.overall} == {0.0}
    assert same.gained == same.lost == ()


def test_few_clips_are_no_proof() -> None:
    result = compare(evaluation(recording("bag", "mmmm")), evaluation(recording("bag", "rrrr")))
    accuracy = row(result, "Recall of reports")
    assert (accuracy.low, accuracy.high) == (1.0, 1.0)  # the interval alone would be sure
    assert accuracy.p_value == pytest.approx(2 / 2**4)
    assert {d.verdict for d in (*result.overall, *result.classes)} <= {"unclear", "none", "same"}
    more = compare(evaluation(recording("bag", "m" * 8)), evaluation(recording("bag", "r" * 8)))
    assert row(more, "Recall of reports").verdict == "better"
    assert row(compare(evaluation(recording("b", "r" * 8)), evaluation(recording("b", "m" * 8))),
               "Recall of reports").verdict == "worse"  # fmt: skip


def test_clips_are_matched_by_recording_label_and_time_not_by_order_or_person() -> None:
    one = recording("a", "rm", person=1)
    moved = replace(
        one,
        truth=tuple(replace(e, person_id=7, start_ns=e.start_ns + SECOND // 4) for e in one.truth),
        recognised=tuple(replace(e, person_id=7) for e in one.recognised),
    )
    old = evaluation(one, recording("b", "rr"))
    new = evaluation(recording("b", "rw"), moved, recording("c", "r"))
    result = compare(old, new)
    right = [(c.recording, c.old.reported_right, c.new.reported_right) for c in result.clips]
    assert right == [
        ("b", True, True), ("b", True, False), ("a", True, True), ("a", False, False),
    ]  # fmt: skip
    assert any("Only in the new run" in problem and "c" in problem for problem in result.problems)


def test_two_people_at_the_same_time_are_not_mixed_up() -> None:
    both = [recording("a", "r", person=1), recording("a", "m", person=2)]
    together = replace(
        both[0],
        truth=both[0].truth + both[1].truth, recognised=both[0].recognised + both[1].recognised,
    )  # fmt: skip
    turned = replace(together, truth=together.truth[::-1])
    result = compare(evaluation(together), evaluation(turned))
    assert result.gained == result.lost == () and len(result.clips) == 2


def test_what_only_one_run_saw_does_not_count() -> None:
    whole = recording("bag", "rrrr", alarms=2)
    half = replace(whole, end_ns=8 * SECOND, recognised=whole.recognised[:2], complete=False)
    result = compare(evaluation(half), evaluation(whole))
    assert len(result.clips) == 2 and result.false_alarms == {}
    assert row(result, "Recall of reports").new == 1.0
    other = replace(whole, truth=whole.truth[:3])
    result = compare(evaluation(whole), evaluation(other))
    assert len(result.clips) == 3
    assert any("1 clips are only in the old" in problem for problem in result.problems)


def test_runs_without_anything_in_common_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no recording in common.* a, .* b\."):
        compare(evaluation(recording("a", "r")), evaluation(recording("b", "r")))
    for options in ({"resamples": 0}, {"confidence": 1.0}, {"over": "people"}):
        with pytest.raises(ConfigurationError):
            compare(evaluation(recording("a", "r")), evaluation(recording("a", "r")), **options)


def test_recordings_without_clips_still_compare_false_alarms() -> None:
    restless, quiet = recording("idle", "", alarms=40), recording("idle", "", alarms=10)
    quiet = replace(quiet, end_ns=restless.end_ns)
    result = compare(evaluation(restless), evaluation(quiet))
    assert row(result, "Recall of reports").verdict == "none"
    assert math.isnan(row(result, "Recall of reports").old)
    assert row(result, "False alarms per hour").change < 0
    json.dumps(result.as_data(), allow_nan=False)


def test_the_terminal_text_says_what_got_better_and_worse() -> None:
    old = evaluation(recording("bag", "rm" * 10))
    new = evaluation(recording("bag\x1b[2J", "mr" * 10))
    new = replace(new, recordings=(replace(new.recordings[0], name="bag"),))
    text = format_comparison(compare(old, new))
    assert "20 clips" in text and "WORSE" in text and "better" in text
    assert "10 clips are reported rightly only now, 10 only before" in text
    assert "\x1b" not in format_comparison(compare(
        evaluation(recording("\x1b[2J", "r")), evaluation(recording("\x1b[2J", "m"))))  # fmt: skip
    assert len(text.splitlines()) < 30 and max(map(len, text.splitlines())) <= 120


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_a_probability_and_symmetric(gained: int, lost: int) -> None:
    p = mcnemar_p(gained, lost)
    assert 0.0 < p <= 1.0 and p == mcnemar_p(lost, gained)
    draws = sum(math.comb(gained + lost, k) for k in range(gained + lost + 1)
                if abs(2 * k - gained - lost) >= abs(gained - lost))  # fmt: skip
    assert p == pytest.approx(draws / 2 ** (gained + lost))


def test_mcnemar_of_more_clips_than_a_float_can_count() -> None:
    assert mcnemar_p(3000, 3000) == 1.0
    assert mcnemar_p(3000, 3200) == pytest.approx(math.erfc(199 / math.sqrt(2 * 6200)), rel=0.01)


def test_sums_keep_the_number_of_rows_and_pair_the_columns() -> None:
    rows = np.array([[1.0, 3.0], [1.0, 3.0], [1.0, -1.0]])
    sums = Bootstrap(resamples=400).sums(rows)
    assert sums.shape == (400, 2) and (sums[:, 0] == 3).all()
    assert set(np.unique(sums[:, 1])) == {9.0, 5.0, 1.0, -3.0}
    assert sums[:, 1].mean() == pytest.approx(5.0, abs=0.6)
    assert not np.array_equal(sums, Bootstrap(resamples=400).sums(rows, stream=1))
