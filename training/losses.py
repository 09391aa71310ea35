"""The ensemble loss of BHaRNet: each expert by itself, and their sum."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.models import ExpertOutput


class Losses(NamedTuple):
    """Scalars: L_B, L_H, L_cpl and their weighted sum."""

    body: Tensor
    hand: Tensor
    complementary: Tensor
    total: Tensor


def ensemble_loss(
    output: ExpertOutput,
    labels: Tensor,
    label_smoothing: float = 0.1,
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Losses:
    """Cross-entropies with label smoothing; labels: (N,) class numbers.

    L_B judges the body logits, L_H the hand logits of those windows whose hands are usable,
    L_cpl the sum of both logits (the body's alone where hands are not usable). Every loss is a
    mean over the windows it judges; L_H is 0 if there are none.
    """
    body = cross_entropy(output.body, labels, label_smoothing=label_smoothing)
    each = cross_entropy(output.hand, labels, label_smoothing=label_smoothing, reduction="none")
    hand = (each * output.usable).sum() / output.usable.sum().clamp(min=1.0)
    complementary = cross_entropy(output.fused, labels, label_smoothing=label_smoothing)
    total = weights[0] * body + weights[1] * hand + weights[2] * complementary
    return Losses(body, hand, complementary, torch.as_tensor(total))
