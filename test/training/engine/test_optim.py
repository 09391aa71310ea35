from __future__ import annotations

import pytest
import torch
from torch import nn

from training.engine.config import StoreFit
from training.engine.optim import learning_rate_factor, make_optimiser


def test_the_published_step_schedule() -> None:
    fit = StoreFit(schedule="step", milestones=(35, 55), warmup_epochs=5, epochs=65)
    factors = [learning_rate_factor(fit, epoch) for epoch in (1, 2.5, 5, 34.9, 35, 54.9, 55, 64)]
    assert factors == pytest.approx([0.2, 0.5, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01])


def test_cosine_rises_falls_and_ends_at_zero() -> None:
    fit = StoreFit(schedule="cosine", warmup_epochs=2, epochs=10)
    factors = [learning_rate_factor(fit, epoch) for epoch in (1, 2, 6, 10, 11)]
    assert factors == pytest.approx([0.5, 1.0, 0.5, 0.0, 0.0])


def test_what_decays() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    network.register_parameter("adjacency", nn.Parameter(torch.zeros(3, 5, 5)))
    adamw = make_optimiser(network, StoreFit(weight_decay=0.1))
    decayed, free = adamw.param_groups
    assert decayed["weight_decay"] == 0.1 and len(decayed["params"]) == 1
    assert free["weight_decay"] == 0.0 and len(free["params"]) == 4
    sgd = make_optimiser(network, StoreFit(optimiser="sgd", weight_decay=0.1, momentum=0.9))
    assert isinstance(sgd, torch.optim.SGD)
    (group,) = sgd.param_groups
    assert group["nesterov"] and group["weight_decay"] == 0.1 and len(group["params"]) == 5
