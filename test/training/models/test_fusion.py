"""Noisy-OR against numbers computed by hand, and at the ends of what floats can hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.models.fusion import (
    ABSENT,
    Reliability,
    log_add,
    log_complement,
    mean_score,
    noisy_or,
)

LOG3 = math.log(3.0)
SURE = torch.zeros(1)
GONE = torch.full((1,), ABSENT)
# Softmax 3/4, 1/4 and 1/2, 1/2.
BODY, HAND = torch.tensor([[LOG3, 0.0]]), torch.tensor([[0.0, 0.0]])


def _p(fused):
    return torch.exp(fused.log_there)[0].tolist()


def test_softmax_by_hand():
    fused = noisy_or(BODY, HAND, (SURE, SURE))
    assert _p(fused) == pytest.approx([1 - 1 / 4 * 1 / 2, 1 - 3 / 4 * 1 / 2], abs=1e-6)
    assert torch.exp(fused.log_absent)[0].tolist() == pytest.approx([1 / 8, 3 / 8], abs=1e-6)


def test_reliabilities_by_hand():
    half = torch.log(torch.tensor([0.5]))
    fused = noisy_or(BODY, HAND, (half, SURE))
    assert _p(fused) == pytest.approx([1 - 5 / 8 * 1 / 2, 1 - 7 / 8 * 1 / 2], abs=1e-6)


def test_sigmoids_by_hand():
    # Sigmoid of ln 3 is 3/4, of 0 is 1/2, of -ln 3 is 1/4.
    hand = torch.tensor([[-LOG3, LOG3]])
    fused = noisy_or(BODY, hand, (SURE, SURE), sigmoid=True)
    assert _p(fused) == pytest.approx([1 - 1 / 4 * 3 / 4, 1 - 1 / 2 * 1 / 4], abs=1e-6)
    assert torch.exp(fused.log_absent)[0].tolist() == pytest.approx([3 / 16, 1 / 8], abs=1e-6)


@pytest.mark.parametrize("sigmoid", [False, True])
def test_an_absent_stream_leaves_the_other_alone(sigmoid):
    alone = torch.sigmoid(BODY) if sigmoid else torch.softmax(BODY, 1)
    for streams, reliability in (((BODY, HAND), (SURE, GONE)), ((HAND, BODY), (GONE, SURE))):
        fused = noisy_or(*streams, reliability, sigmoid)
        assert _p(fused) == pytest.approx(alone[0].tolist(), abs=1e-6)


@pytest.mark.parametrize("sigmoid", [False, True])
def test_two_absent_streams_prefer_nothing(sigmoid):
    nothing = torch.zeros(1, 3)
    fused = noisy_or(nothing, nothing, (GONE, GONE), sigmoid)
    assert torch.softmax(fused.log_there, 1)[0].tolist() == pytest.approx([1 / 3] * 3, abs=1e-6)
    assert fused.log_absent[0].tolist() == [0.0] * 3


def test_rare_classes_keep_their_digits():
    """1 - (1 - b)(1 - h) would be exactly 0 in single precision for all but the first class."""
    body, hand = torch.tensor([[0.0, -30.0, -40.0]]), torch.tensor([[0.0, -31.0, -50.0]])
    found = noisy_or(body, hand, (SURE, SURE)).log_there[0]
    for c in (1, 2):
        expected = math.log(math.exp(body[0, c]) + math.exp(hand[0, c]))
        assert found[c].item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("sigmoid", [False, True])
@pytest.mark.parametrize("size", [0.0, 20.0, 1e3])
def test_gradients_are_finite(sigmoid, size):
    body = torch.tensor([[size, -size, 0.0]], requires_grad=True)
    hand = torch.tensor([[size, size, -size]], requires_grad=True)
    for reliability in ((SURE, SURE), (SURE, GONE), (GONE, GONE)):
        fused = noisy_or(body, hand, reliability, sigmoid)
        (fused.log_there.sum() + fused.log_absent.sum()).backward()
        assert torch.isfinite(body.grad).all() and torch.isfinite(hand.grad).all()


def test_sure_and_wrong_still_learns():
    body = torch.tensor([[30.0, 0.0]], requires_grad=True)
    noisy_or(body, HAND, (SURE, SURE), sigmoid=True).log_absent[0, 0].backward()
    assert body.grad[0, 0].item() == pytest.approx(-1.0, abs=1e-4)


@given(
    st.lists(st.floats(-8.0, 8.0, width=32), min_size=6, max_size=6),
    st.tuples(st.floats(0.05, 1.0), st.floats(0.05, 1.0)),
)
def test_logarithms_agree_with_the_formula(logits, reliability):
    body, hand = torch.tensor([logits[:3]]), torch.tensor([logits[3:]])
    r_body, r_hand = reliability
    log_r = (torch.tensor([math.log(r_body)]), torch.tensor([math.log(r_hand)]))
    b, h = (torch.softmax(x.double(), 1).numpy()[0] for x in (body, hand))
    expected = 1 - (1 - r_body * b) * (1 - r_hand * h)
    np.testing.assert_allclose(_p(noisy_or(body, hand, log_r)), expected, atol=3e-6)


def test_helpers():
    assert log_complement(torch.tensor(math.log(0.25))).item() == pytest.approx(math.log(0.75))
    a, b = torch.tensor(-5000.0), torch.tensor(-5001.0)
    assert log_add(a, b).item() == pytest.approx(-5000.0 + math.log1p(math.exp(-1.0)), abs=1e-3)


def test_reliability_starts_trusting_and_lies_between_0_and_1():
    torch.manual_seed(0)
    layer = Reliability(8)
    facts = torch.randn(4, 8), torch.rand(4), torch.rand(4)
    started = torch.exp(layer(*facts))
    torch.testing.assert_close(started, torch.full((4,), 1 / (1 + math.exp(-2.0))))
    layer.leave.weight.data.normal_()
    moved = torch.exp(layer(*facts))
    assert ((moved > 0) & (moved < 1)).all() and moved.std() > 0


def test_mean_score_counts_what_was_observed():
    x = torch.zeros(2, 3, 2, 2, 2)
    x[0, 2, 0, 0, 0], x[0, 2, 1, 1, 1] = 0.8, 0.4
    assert mean_score(x).tolist() == pytest.approx([0.6, 0.0])
