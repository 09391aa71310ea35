"""Untrained networks that behave like trained ones: for measurements and tests."""

from __future__ import annotations

import torch
from torch import nn

from training.model_config import ExpertConfig

TINY = ExpertConfig(
    channels=(8, 12), strides=(1, 2), dropout=0.0, time_offset=False, causal=True
)  # fmt: skip
"""An expert that runs frame by frame."""


def as_if_trained(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights and batch norm statistics, so that no layer is an identity by accident."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.get_buffer("running_mean").normal_(0.0, 0.2)
                module.get_buffer("running_var").uniform_(0.5, 1.5)
    return network.eval()
