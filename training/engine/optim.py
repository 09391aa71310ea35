"""Optimisers and learning rates, as the papers have them and for small data."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection

import torch
from torch import nn

from training.decay import adamw
from training.engine.config import StoreFit


def make_optimiser(
    network: nn.Module, config: StoreFit, taken: Collection[str] = (), rate: float = 1.0
) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum decays everything, as in CTR-GCN; AdamW neither biases nor norms
    nor the learned graphs. The parameters named in `taken` learn at `rate` times the learning
    rate (discriminative fine-tuning: Howard and Ruder, ACL 2018)."""
    optimiser: torch.optim.Optimizer
    if config.optimiser == "sgd":
        optimiser = torch.optim.SGD(
            network.parameters(), lr=config.learning_rate, momentum=config.momentum,
            weight_decay=config.weight_decay, nesterov=config.momentum > 0.0,
        )  # fmt: skip
    else:
        optimiser = adamw(network, config.learning_rate, config.weight_decay)
    if rate != 1.0:
        known = {id(value) for name, value in network.named_parameters() if name in set(taken)}
        _set_apart(optimiser, known, rate)
    return optimiser


def _set_apart(optimiser: torch.optim.Optimizer, known: Collection[int], rate: float) -> None:
    """Move the parameters with those ids into groups with `rate` times the learning rate."""
    for group in list(optimiser.param_groups):
        apart = [value for value in group["params"] if id(value) in known]
        if apart:
            group["params"] = [value for value in group["params"] if id(value) not in known]
            same = {name: value for name, value in group.items() if name != "params"}
            optimiser.add_param_group({**same, "params": apart, "lr": group["lr"] * rate})


def learning_rate_factor(config: StoreFit, epoch: float) -> float:
    """What the learning rate is multiplied by; epoch: passed so far, with fractions."""
    if epoch < config.warmup_epochs:
        return max(epoch, 1e-3) / config.warmup_epochs
    if config.schedule == "step":
        return float(config.decay ** bisect_right(config.milestones, epoch))
    rest = max(config.epochs - config.warmup_epochs, 1e-9)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (epoch - config.warmup_epochs) / rest)))
