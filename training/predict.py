"""What a trained network says about many windows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from bharnet_ros.types import FloatArray
from training.windowing import ExpertInputs


class ExpertLogits(NamedTuple):
    """body, hand, fused: (N, C); usable: (N,) 1 where hands could be judged."""

    body: FloatArray
    hand: FloatArray
    fused: FloatArray
    usable: FloatArray


@torch.no_grad()
def predict(network: nn.Module, inputs: ExpertInputs, batch: int = 256) -> ExpertLogits:
    """Logits of every window, in evaluation mode."""
    was_training = network.training
    network.eval()
    parts: list[list[FloatArray]] = []
    for begin in range(0, len(inputs.label), batch):
        part = slice(begin, begin + batch)
        output = network(torch.from_numpy(inputs.body[part]), torch.from_numpy(inputs.hand[part]))
        parts.append([v.numpy() for v in (output.body, output.hand, output.fused, output.usable)])
    network.train(was_training)
    return ExpertLogits(*(np.concatenate(column) for column in zip(*parts, strict=True)))
