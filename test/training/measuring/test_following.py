"""Taped judgements give the same events as the recogniser itself."""

from __future__ import annotations

import pytest

from bharnet_ros.rules import RecognizerConfig, rules_for
from training.measuring.following import judgements, starts, starts_on_tape

from .conftest import S


def test_a_raised_arm_starts_once(judge, raising):
    found = starts(raising, judge)
    assert [start.class_name for start in found] == ["stop"]
    assert 3 * S < found[0].stamp_ns < 5 * S


@pytest.mark.parametrize("rate_hz", [5.0, 15.0, 30.0])
def test_the_tape_repeats_the_recogniser(judge, raising, rate_hz):
    config = RecognizerConfig(rate_hz=rate_hz)
    tape = judgements(raising, judge, config)
    rules = rules_for(judge.bundle.manifest, config)
    names = judge.bundle.manifest.class_names
    assert starts_on_tape(tape, rules, names) == starts(raising, judge, config)


def test_somebody_gone_is_not_judged(judge, raising):
    scores = raising.scores.copy()
    scores[75:] = 0.0
    gone = type(raising)(
        raising.layout, raising.stamps_ns, raising.keypoints, scores, raising.truth,
        raising.spans, raising.info,
    )  # fmt: skip
    tape = judgements(gone, judge)
    assert any(tick.probabilities is not None for tick in tape)
    assert all(tick.probabilities is None for tick in tape if tick.stamp_ns > 6 * S)
    assert [s.class_name for s in starts(gone, judge)] == ["stop"]
