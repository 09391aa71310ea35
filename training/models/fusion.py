"""Fusions of two streams' logits: their sum, and Noisy-OR with and without reliabilities.

A class is there if the body says so *or* the hands do (Reliability-Aware Body-Hand Modality
Expertized Networks, arXiv 2601.00369): p = 1 - (1 - r_b b)(1 - r_h h). All of it is computed from
logarithms, because 1 - (1 - b)(1 - h) has no correct digit left for a rare class. Which
probabilities b and h are, the source leaves open:

    noisy_or              softmax of each stream, r = 1; normalised over classes
    noisy_or_sigmoid      sigmoid of each class, r = 1; binary cross-entropy
    noisy_or_reliability  softmax, r learned (`Reliability`); normalised over classes

In each of them r = 0 for a stream that saw nothing usable, so the other judges alone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, logsigmoid

ABSENT = -1e4
"""Logarithm of a reliability of 0; finite, so that gradients are."""
_SURE = -1e-6  # log of the largest probability: beyond it 1 - p has no digits


class Fused(NamedTuple):
    """(N, C) each. log_there: log p of each class; log_absent: log (1 - p)."""

    log_there: Tensor
    log_absent: Tensor


def noisy_or(
    body: Tensor, hand: Tensor, log_reliability: tuple[Tensor, Tensor], sigmoid: bool = False
) -> Fused:
    """body, hand: (N, C) logits. log_reliability: (N,) of each, at most 0; `ABSENT` for 0.

    sigmoid: classes are judged one by one, and reliabilities must be 0 or 1; else the classes
    share a probability of 1 in each stream.
    """
    make = _sigmoids if sigmoid else _softmax
    first, second = make(body, log_reliability[0]), make(hand, log_reliability[1])
    # p = b + h (1 - b): a sum of small numbers instead of a difference of large ones.
    there = log_add(first.log_there, second.log_there + first.log_absent)
    return Fused(there, first.log_absent + second.log_absent)


def _softmax(logits: Tensor, log_r: Tensor) -> Fused:
    log_p = log_softmax(logits.float(), dim=1) + log_r.float().unsqueeze(1)
    log_p = log_p.clamp(max=_SURE)
    return Fused(log_p, log_complement(log_p))


def _sigmoids(logits: Tensor, log_r: Tensor) -> Fused:
    logits, log_r = logits.float(), log_r.float().unsqueeze(1)
    absent = torch.where(log_r > ABSENT / 2.0, logsigmoid(-logits), 0.0)
    return Fused(logsigmoid(logits) + log_r, absent)


def log_complement(log_p: Tensor) -> Tensor:
    """log(1 - p) of log p < 0."""
    return torch.log(-torch.expm1(log_p))


def log_add(a: Tensor, b: Tensor) -> Tensor:
    """log(exp a + exp b), also where both are far below what exp can hold."""
    return torch.maximum(a, b) + torch.log1p(torch.exp(-(a - b).abs()))


class Reliability(nn.Module):
    """How far a stream is to be trusted in one window: (N,) logarithm of r, 0 < r < 1.

    Reads the stream's own pooled features (N, C), the mean score of its observed joints and the
    share of steps at which it was seen (both (N,)). Has no target of its own: the fused loss
    alone trains it. Starts at r = 0.88 for everything.
    """

    def __init__(self, channels: int, hidden: int = 16) -> None:
        super().__init__()
        self.enter = nn.Linear(channels + 2, hidden)
        self.leave = nn.Linear(hidden, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.constant_(self.leave.bias, 2.0)

    def forward(self, vector: Tensor, score: Tensor, observed: Tensor) -> Tensor:
        facts = torch.cat([vector, score.unsqueeze(1), observed.unsqueeze(1)], dim=1)
        return logsigmoid(self.leave(torch.relu(self.enter(facts))).squeeze(1).float())


def mean_score(x: Tensor) -> Tensor:
    """(N, 3, T, V, I) with channels x, y, score -> (N,) mean score of what was observed."""
    score = x[:, 2]
    seen = (score > 0).to(score.dtype)
    return score.sum(dim=(1, 2, 3)) / seen.sum(dim=(1, 2, 3)).clamp(min=1.0)
