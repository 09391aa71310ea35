"""What weight decay is for: matrices, not biases, norms or learned graphs."""

from __future__ import annotations

import torch
from torch import nn

_KEPT = ("adjacency", "when")
"""Parameters by the end of their name that start somewhere meaningful and must not shrink."""


def adamw(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW that decays weights but neither biases nor norms nor the learned graphs."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        plain = parameter.ndim < 2 or name.endswith(_KEPT)
        (free if plain else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate)
