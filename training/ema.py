"""A running average of a network's weights, which judges better than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average of parameters and of batch-norm statistics.

    The decay starts low and grows to `decay`, so that the average forgets the random start:
    min(decay, (1 + n) / (10 + n)) after n updates, as in TensorFlow's moving averages.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.network.requires_grad_(False)
        self._decay = decay
        self._updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average a little towards `network`."""
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        source = network.state_dict()
        for name, average in self.network.state_dict().items():
            if average.is_floating_point():
                average.lerp_(source[name], 1.0 - decay)
            else:
                average.copy_(source[name])
