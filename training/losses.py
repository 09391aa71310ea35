"""The ensemble loss of BHaRNet: each expert by itself, and their sum."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss

from training.labels import OTHER
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
    outsider_weight: float = 0.5,
) -> Losses:
    """Cross-entropies; labels: (N,) class numbers, or `OTHER` for what is none of them.

    L_B judges the body logits of those windows whose body is usable, L_H the hand logits of
    those whose hands are,
    L_cpl the sum of both logits (the body's alone where hands are not usable). Each is the mean,
    over the windows of a class that it judges, of the cross-entropy with label smoothing, plus
    outsider_weight times the mean, over the `OTHER` windows that it judges, of the cross-entropy
    with the uniform distribution (outlier exposure: Hendrycks et al., ICLR 2019). A mean over no
    windows is 0.
    """
    seen = torch.ones_like(output.usable)
    settings = (labels, label_smoothing, outsider_weight)
    body = _stream_loss(output.body, output.body_usable, *settings)
    hand = _stream_loss(output.hand, output.usable, *settings)
    complementary = _stream_loss(output.fused, seen, *settings)
    total = weights[0] * body + weights[1] * hand + weights[2] * complementary
    return Losses(body, hand, complementary, torch.as_tensor(total))


def _stream_loss(
    logits: Tensor, judged: Tensor, labels: Tensor, label_smoothing: float, outsider_weight: float
) -> Tensor:
    """One stream's loss; judged: (N,) 1 for the windows that count, else 0."""
    log_probability = log_softmax(logits, dim=1)
    uniform = -log_probability.mean(dim=1)
    outside = labels == OTHER
    named = nll_loss(log_probability, labels.clamp(min=0), reduction="none")
    smooth = (1.0 - label_smoothing) * named + label_smoothing * uniform
    known = _mean(smooth, judged * ~outside)
    return known + outsider_weight * _mean(uniform, judged * outside)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen values (chosen: 1 or 0 each); 0 if there are none."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1.0)
