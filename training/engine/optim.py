"""Optimisers and learning rates, as the papers have them and for small data."""

from __future__ import annotations

import math
from bisect import bisect_right

import torch
from torch import nn

from training.decay import adamw
from training.engine.config import StoreFit


def make_optimiser(network: nn.Module, config: StoreFit) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum decays everything, as in CTR-GCN; AdamW neither biases nor norms
    nor the learned graphs."""
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            network.parameters(), lr=config.learning_rate, momentum=config.momentum,
            weight_decay=config.weight_decay, nesterov=config.momentum > 0.0,
        )  # fmt: skip
    return adamw(network, config.learning_rate, config.weight_decay)


def learning_rate_factor(config: StoreFit, epoch: float) -> float:
    """What the learning rate is multiplied by; epoch: passed so far, with fractions."""
    if epoch < config.warmup_epochs:
        return max(epoch, 1e-3) / config.warmup_epochs
    if config.schedule == "step":
        return float(config.decay ** bisect_right(config.milestones, epoch))
    rest = max(config.epochs - config.warmup_epochs, 1e-9)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (epoch - config.warmup_epochs) / rest)))
