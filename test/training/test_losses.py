"""The ensemble loss against numbers computed by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.labels import OTHER
from training.losses import ensemble_loss
from training.models import ExpertOutput
from training.models.fusion import noisy_or


def _output(body, hand, usable):
    seen = torch.ones(len(usable))
    return ExpertOutput(torch.tensor(body), torch.tensor(hand), torch.tensor(usable), seen)


def test_three_terms_by_hand():
    # Two classes; logits (ln 3, 0) mean probabilities 3/4, 1/4.
    log3 = math.log(3.0)
    output = _output([[log3, 0.0]], [[0.0, log3]], [1.0])
    losses = ensemble_loss(output, torch.tensor([0]), label_smoothing=0.0)
    assert losses.body.item() == pytest.approx(-math.log(0.75), abs=1e-6)
    assert losses.hand.item() == pytest.approx(-math.log(0.25), abs=1e-6)
    assert losses.complementary.item() == pytest.approx(math.log(2.0), abs=1e-6)
    assert losses.total.item() == pytest.approx(
        -math.log(0.75) - math.log(0.25) + math.log(2.0), abs=1e-5
    )


def test_label_smoothing_by_hand():
    # Smoothing 0.2 over two classes: target 0.9 / 0.1.
    log3 = math.log(3.0)
    output = _output([[log3, 0.0]], [[0.0, 0.0]], [1.0])
    losses = ensemble_loss(output, torch.tensor([0]), label_smoothing=0.2)
    expected = -(0.9 * math.log(0.75) + 0.1 * math.log(0.25))
    assert losses.body.item() == pytest.approx(expected, abs=1e-6)


def test_hand_loss_is_a_mean_over_usable_hands_only():
    log3 = math.log(3.0)
    output = _output([[0.0, 0.0], [0.0, 0.0]], [[log3, 0.0], [0.0, 0.0]], [1.0, 0.0])
    losses = ensemble_loss(output, torch.tensor([0, 1]), label_smoothing=0.0)
    assert losses.hand.item() == pytest.approx(-math.log(0.75), abs=1e-6)


def test_no_usable_hand_gives_zero_and_no_nan():
    output = _output([[1.0, 0.0]], [[0.0, 0.0]], [0.0])
    losses = ensemble_loss(output, torch.tensor([0]))
    assert losses.hand.item() == 0.0
    assert losses.complementary.item() == pytest.approx(losses.body.item())


def test_weights_scale_their_terms():
    output = _output([[2.0, 0.0]], [[0.0, 1.0]], [1.0])
    each = ensemble_loss(output, torch.tensor([0]))
    weighted = ensemble_loss(output, torch.tensor([0]), weights=(0.5, 2.0, 3.0))
    expected = 0.5 * each.body + 2.0 * each.hand + 3.0 * each.complementary
    assert weighted.total.item() == pytest.approx(expected.item(), rel=1e-6)


def test_an_outsider_is_drawn_towards_the_uniform_distribution_by_hand():
    # Logits (ln 3, 0): log-probabilities ln 3/4 and ln 1/4; against (1/2, 1/2) the cross-entropy
    # is their mean. The known window costs -ln 3/4, the outsider counts half, in every stream
    # that judges it; its hands are not usable, so the hand stream does not.
    log3 = math.log(3.0)
    logits, hand = [[log3, 0.0], [log3, 0.0]], [[0.0, log3], [0.0, 0.0]]
    losses = ensemble_loss(
        _output(logits, hand, [1.0, 0.0]), torch.tensor([0, OTHER]), 0.0, outsider_weight=0.5
    )
    known, uniform = -math.log(0.75), -0.5 * (math.log(0.75) + math.log(0.25))
    assert losses.body.item() == pytest.approx(known + 0.5 * uniform, abs=1e-6)
    assert losses.hand.item() == pytest.approx(-math.log(0.25), abs=1e-6)
    assert losses.complementary.item() == pytest.approx(math.log(2.0) + 0.5 * uniform, abs=1e-6)


def test_a_body_that_is_not_seen_is_not_judged():
    log3 = math.log(3.0)
    output = ExpertOutput(
        torch.tensor([[log3, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [log3, 0.0]]),
        torch.ones(2), torch.tensor([1.0, 0.0]),
    )  # fmt: skip
    losses = ensemble_loss(output, torch.tensor([0, 0]), label_smoothing=0.0)
    assert losses.body.item() == pytest.approx(-math.log(0.75), abs=1e-6)
    assert losses.hand.item() == pytest.approx(0.5 * (math.log(2.0) - math.log(0.75)), abs=1e-6)


def test_no_opinion_is_the_best_one_of_an_outsider():
    logits = torch.zeros(1, 3, requires_grad=True)
    output = ExpertOutput(logits, torch.zeros(1, 3), torch.ones(1), torch.ones(1))
    losses = ensemble_loss(output, torch.tensor([OTHER]), outsider_weight=1.0)
    assert losses.body.item() == pytest.approx(math.log(3.0), abs=1e-6)
    losses.total.backward()
    assert logits.grad is not None and logits.grad.abs().max() < 1e-7


def test_a_weight_of_zero_switches_a_term_off():
    output = _output([[2.0, 0.0]], [[0.0, 1.0]], [1.0])
    each = ensemble_loss(output, torch.tensor([0]))
    for number, name in enumerate(("body", "hand", "complementary")):
        weights = [1.0, 1.0, 1.0]
        weights[number] = 0.0
        found = ensemble_loss(output, torch.tensor([0]), weights=tuple(weights))
        expected = each.body + each.hand + each.complementary - getattr(each, name)
        assert found.total.item() == pytest.approx(expected.item(), abs=1e-6)
        assert getattr(found, name).item() == pytest.approx(getattr(each, name).item())


def test_interactive_branches_are_judged_and_all_four_are_added():
    # Interactive: 3/4 and 1/2 for the class; with the expertized ones, logits 2 ln 3 and 0.
    log3 = math.log(3.0)
    output = ExpertOutput(
        torch.tensor([[2 * log3, 0.0]]), torch.tensor([[0.0, 0.0]]), torch.ones(1), torch.ones(1),
        body_judged=torch.tensor([[log3, 0.0]]), hand_judged=torch.tensor([[0.0, 0.0]]),
    )  # fmt: skip
    losses = ensemble_loss(output, torch.tensor([0]), label_smoothing=0.0)
    assert losses.body.item() == pytest.approx(-math.log(0.75), abs=1e-6)
    assert losses.hand.item() == pytest.approx(math.log(2.0), abs=1e-6)
    assert losses.complementary.item() == pytest.approx(-math.log(0.9), abs=1e-6)


def _fused(body, hand, sigmoid):
    sure = torch.zeros(len(body))
    fused = noisy_or(torch.tensor(body), torch.tensor(hand), (sure, sure), sigmoid)
    return ExpertOutput(
        torch.tensor(body), torch.tensor(hand), torch.ones(len(body)), torch.ones(len(body)),
        log_there=fused.log_there, log_absent=fused.log_absent, sigmoid=sigmoid,
    )  # fmt: skip


def test_noisy_or_is_normalised_over_classes_by_hand():
    # p = 7/8 and 5/8: the class has 7 of 12.
    log3 = math.log(3.0)
    losses = ensemble_loss(_fused([[log3, 0.0]], [[0.0, 0.0]], False), torch.tensor([0]), 0.0)
    assert losses.body.item() == pytest.approx(-math.log(0.75), abs=1e-6)
    assert losses.complementary.item() == pytest.approx(-math.log(7 / 12), abs=1e-5)


def test_sigmoids_have_binary_cross_entropy_by_hand():
    # Body 3/4, 1/2; hands 1/2, 1/4; together 7/8 and 5/8. The first class is there.
    log3 = math.log(3.0)
    output = _fused([[log3, 0.0]], [[0.0, -log3]], True)
    losses = ensemble_loss(output, torch.tensor([0]), 0.0)
    assert losses.body.item() == pytest.approx(-math.log(3 / 4) - math.log(1 / 2), abs=1e-6)
    assert losses.hand.item() == pytest.approx(-math.log(1 / 2) - math.log(3 / 4), abs=1e-6)
    assert losses.complementary.item() == pytest.approx(
        -math.log(7 / 8) - math.log(3 / 8), abs=1e-5
    )
    outside = ensemble_loss(output, torch.tensor([OTHER]), 0.0, outsider_weight=0.5)
    assert outside.complementary.item() == pytest.approx(
        0.5 * (-math.log(1 / 8) - math.log(3 / 8)), abs=1e-5
    )


def test_smoothed_binary_targets_by_hand():
    # Smoothing 0.2 over two classes: targets 0.9 and 0.1.
    log3 = math.log(3.0)
    losses = ensemble_loss(_fused([[log3, 0.0]], [[0.0, 0.0]], True), torch.tensor([0]), 0.2)
    expected = -(0.9 * math.log(3 / 4) + 0.1 * math.log(1 / 4)) + math.log(2.0)
    assert losses.body.item() == pytest.approx(expected, abs=1e-6)
