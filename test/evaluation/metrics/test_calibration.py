from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bharnet_ros.evaluation.metrics import calibration, measure


def test_by_hand() -> None:
    figures = calibration([0.95, 0.85, 0.85, 0.3], [True, True, False, False], 10)
    assert figures["ece"] == pytest.approx((0.05 * 1 + 0.35 * 2 + 0.3 * 1) / 4)
    assert figures["mce"] == pytest.approx(0.35)
    assert (figures["count"], figures["accuracy"]) == (4, 0.5)
    assert figures["mean_confidence"] == pytest.approx(0.7375)
    assert [b["count"] for b in figures["bins"]] == [0, 0, 1, 0, 0, 0, 0, 0, 2, 1]
    assert figures["bins"][8]["accuracy"] == 0.5


def test_bins_hold_their_upper_edge_and_the_first_also_zero() -> None:
    figures = calibration([0.0, 0.5, 0.5000001, 1.0], [True] * 4, 2)
    assert [b["count"] for b in figures["bins"]] == [2, 2]


def test_nothing_to_judge() -> None:
    figures = calibration([], [])
    assert figures["count"] == 0 and np.isnan(figures["ece"]) and len(figures["bins"]) == 15


@given(
    confidences=arrays(np.float32, st.integers(1, 60), elements=st.floats(0, 1, width=32)),
    data=st.data(),
)
def test_it_is_a_share_and_no_more_than_the_widest_gap(
    confidences: np.ndarray, data: st.DataObject
) -> None:
    right = data.draw(arrays(np.bool_, len(confidences)))
    figures = calibration(confidences, right)
    assert 0.0 <= figures["ece"] <= figures["mce"] + 1e-12 <= 1.0 + 2e-12
    assert sum(b["count"] for b in figures["bins"]) == len(confidences)
    gap = abs(figures["mean_confidence"] - figures["accuracy"])
    assert gap <= figures["ece"] + 1e-9  # bins can only hide gaps, never add any


def test_like_torchmetrics(judged, episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = pytest.importorskip("torchmetrics.functional.classification")
        torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    names = ("idle", "wave", "ok", "stop", "other")
    logits = rng.normal(size=(3000, 5)) * 2.0
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    true = np.repeat(rng.integers(0, 5, 300), 10)  # one second each
    ids = probabilities.argmax(1)
    truth = [episode(1, names[c], i, i + 0.95) for i, c in enumerate(true[::10]) if c]
    person = judged(1, ids, probabilities.max(1))
    found = measure(evaluation(recording(truth, (), [person], 300.0)))["overall"]["calibration"]
    expected = metrics.multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(true), 5, n_bins=15, norm="l1"
    )
    assert found["judgements"]["count"] == 3000
    assert found["judgements"]["ece"] == pytest.approx(float(expected), abs=1e-6)
    widest = metrics.multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(true), 5, n_bins=15, norm="max"
    )
    assert found["judgements"]["mce"] == pytest.approx(float(widest), abs=1e-5)


def test_what_is_judged(judged, episode, recording, evaluation) -> None:  # type: ignore[no-untyped-def]
    truth = [episode(1, "wave", 1.0, 1.95), episode(1, "other", 2.0, 2.95)]
    ids = [0] * 10 + [1] * 5 + [-1] * 5 + [4] * 10
    people = [judged(1, ids, 0.8), judged(-1, [1] * 30)]
    whole = recording(truth, [episode(1, "wave", 1.5, 2, 0.9), episode(-1, "ok", 1, 2, 0.6)],
                      people)  # fmt: skip
    figures = measure(evaluation(whole))["overall"]["calibration"]
    # Every judgement of person 1 is right; nobody knows about the others.
    assert figures["judgements"]["count"] == 25
    assert figures["judgements"]["ece"] == pytest.approx(0.2, abs=1e-6)
    assert figures["events"]["count"] == 2
    assert figures["events"]["ece"] == pytest.approx((0.1 + 0.6) / 2)
    # Without a class for nothing, only time with a label can be judged.
    bare = measure(evaluation(whole, names=("wave", "ok", "stop", "x", "other"), background=""))
    assert bare["overall"]["calibration"]["judgements"]["count"] == 15
