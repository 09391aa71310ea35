"""Windows between two states: several answers are right, and only together they must be likely."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.describing.transitions import acceptable, is_transition, partial_loss, transition_of
from training.losses import ensemble_loss
from training.models import ExpertOutput

BACKGROUND, UNKNOWN = 0, 3


def _output(logits: torch.Tensor) -> ExpertOutput:
    ones = torch.ones(len(logits))
    return ExpertOutput(logits, torch.zeros_like(logits), ones, ones)


def test_what_is_right_by_hand():
    labels = torch.tensor([2, transition_of(1), 0])
    assert is_transition(labels.numpy()).tolist() == [False, True, False]
    right = acceptable(labels, 4, BACKGROUND, UNKNOWN)
    assert right.tolist() == [
        [False, False, True, False], [True, True, False, True], [True, False, False, False]
    ]  # fmt: skip


def test_a_transition_costs_what_its_wrong_answers_take():
    p = torch.tensor([[0.1, 0.2, 0.6, 0.1]])
    losses = partial_loss(
        _output(p.log()), torch.tensor([transition_of(1)]), BACKGROUND, UNKNOWN, 0.3
    )
    assert float(losses.body) == pytest.approx(-np.log(0.4), abs=1e-6)
    assert float(losses.complementary) == pytest.approx(-np.log(0.4), abs=1e-6)
    assert float(losses.hand) == pytest.approx(-np.log(0.75), abs=1e-6)
    assert float(losses.total) == pytest.approx(
        float(losses.body + losses.hand + losses.complementary), abs=1e-6
    )


def test_it_does_not_matter_which_right_answer_is_given():
    sure = torch.full((3, 4), -20.0)
    sure[torch.arange(3), torch.tensor([BACKGROUND, 1, UNKNOWN])] = 20.0
    losses = partial_loss(
        _output(sure), torch.full((3,), transition_of(1)), BACKGROUND, UNKNOWN
    )
    assert float(losses.body) == pytest.approx(0.0, abs=1e-6)


def test_without_transitions_it_is_the_ensemble_loss():
    torch.manual_seed(0)
    output = ExpertOutput(
        torch.randn(8, 4), torch.randn(8, 4), torch.tensor([1.0] * 5 + [0.0] * 3),
        torch.tensor([0.0] * 2 + [1.0] * 6),
    )  # fmt: skip
    labels = torch.arange(8) % 4
    ours = partial_loss(output, labels, BACKGROUND, UNKNOWN, 0.1, (1.0, 0.5, 2.0))
    theirs = ensemble_loss(output, labels, 0.1, (1.0, 0.5, 2.0))
    for one, other in zip(ours, theirs, strict=False):
        assert float(one) == pytest.approx(float(other), abs=1e-5)
