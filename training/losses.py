"""The ensemble loss of BHaRNet: each expert by itself, and both together."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, logsigmoid, nll_loss, one_hot

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
    those whose hands are (with expertized branches, the logits of the interactive branches
    alone), L_cpl what the model makes of all logits: their sum or a Noisy-OR, the body's alone
    where hands are not usable. Each is the mean, over the windows of a class that it judges, of
    the cross-entropy with label smoothing, plus outsider_weight times the mean, over the `OTHER`
    windows that it judges, of the cross-entropy with the uniform distribution (outlier exposure:
    Hendrycks et al., ICLR 2019). A mean over no windows is 0.

    Where the model judges classes one by one (Noisy-OR of sigmoids), each cross-entropy is
    binary, added over classes; an `OTHER` window is of no class then.

    weights: of L_B, L_H and L_cpl in the total; a term of weight 0 is left out of it.
    """
    seen = torch.ones_like(output.usable)
    about = (labels, label_smoothing)
    body_logits = output.body if output.body_judged is None else output.body_judged
    hand_logits = output.hand if output.hand_judged is None else output.hand_judged
    judge = _binary_terms if output.sigmoid else _shared_terms
    body = _stream_loss(judge(body_logits, *about), output.body_usable, labels, outsider_weight)
    hand = _stream_loss(judge(hand_logits, *about), output.usable, labels, outsider_weight)
    if output.sigmoid and output.log_there is not None and output.log_absent is not None:
        terms = _binary(output.log_there, output.log_absent, *about)
    else:
        terms = _shared_terms(output.fused, *about)
    complementary = _stream_loss(terms, seen, labels, outsider_weight)
    total = torch.zeros_like(body)
    for weight, term in zip(weights, (body, hand, complementary), strict=True):
        if weight != 0.0:
            total = total + weight * term
    return Losses(body, hand, complementary, total)


class _Terms(NamedTuple):
    """(N,) each: loss of a window if it is of its class, and if it is of none."""

    known: Tensor
    outside: Tensor


def _shared_terms(logits: Tensor, labels: Tensor, label_smoothing: float) -> _Terms:
    log_probability = log_softmax(logits.float(), dim=1)
    uniform = -log_probability.mean(dim=1)
    named = nll_loss(log_probability, labels.clamp(min=0), reduction="none")
    return _Terms((1.0 - label_smoothing) * named + label_smoothing * uniform, uniform)


def _binary_terms(logits: Tensor, labels: Tensor, label_smoothing: float) -> _Terms:
    logits = logits.float()
    return _binary(logsigmoid(logits), logsigmoid(-logits), labels, label_smoothing)


def _binary(
    log_there: Tensor, log_absent: Tensor, labels: Tensor, label_smoothing: float
) -> _Terms:
    classes = log_there.shape[1]
    target = one_hot(labels.clamp(min=0), classes).to(log_there.dtype)
    target = (1.0 - label_smoothing) * target + label_smoothing / classes
    known = -(target * log_there + (1.0 - target) * log_absent).sum(dim=1)
    return _Terms(known, -log_absent.sum(dim=1))


def _stream_loss(terms: _Terms, judged: Tensor, labels: Tensor, outsider_weight: float) -> Tensor:
    """One stream's loss; judged: (N,) 1 for the windows that count, else 0."""
    outside = labels == OTHER
    known = _mean(terms.known, judged * ~outside)
    return known + outsider_weight * _mean(terms.outside, judged * outside)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen values (chosen: 1 or 0 each); 0 if there are none."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1.0)
