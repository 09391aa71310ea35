"""Windows that end while a gesture begins or ends: more than one answer is right there.

While the hand is on its way, and for a moment after it has left, both "nothing" and the gesture
are right, and so is "something else"; any other gesture is wrong. Such windows carry a label of
their own, and training asks no more than that the three together are likely. Without them the
network would be free to say anything in those moments, and would report gestures on the way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from training.losses import Losses
from training.models import ExpertOutput

IntArray = npt.NDArray[np.int64]

FIRST = 1000
"""Label of a transition to or from class 0; that of class c is FIRST + c."""


def transition_of(class_id: int) -> int:
    """The label of windows that end while class `class_id` begins or ends."""
    return FIRST + class_id


def is_transition(labels: IntArray) -> npt.NDArray[np.bool_]:
    """(N,) which labels are transitions."""
    return labels >= FIRST


def acceptable(labels: Tensor, num_classes: int, background: int, unknown: int) -> Tensor:
    """(N,) labels -> (N, C) which answers are right."""
    passing = labels >= FIRST
    own = torch.where(passing, labels - FIRST, labels)
    right = torch.zeros(len(labels), num_classes, dtype=torch.bool)
    right[torch.arange(len(labels)), own] = True
    right[passing, background] = True
    right[passing, unknown] = True
    return right


def partial_loss(
    output: ExpertOutput,
    labels: Tensor,
    background: int,
    unknown: int,
    label_smoothing: float = 0.05,
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Losses:
    """The ensemble loss where several answers may be right.

    labels: (N,) class numbers or transitions. Of each stream, the mean over its usable windows of
    -log of the probability of all right answers together; where one answer is right that is the
    cross-entropy, with label smoothing. (Learning from partial labels: Cour et al., JMLR 2011.)
    """
    right = acceptable(labels, output.body.shape[1], background, unknown)
    smoothing = torch.where(labels >= FIRST, 0.0, label_smoothing)
    body = _stream(output.body, output.body_usable, right, smoothing)
    hand = _stream(output.hand, output.usable, right, smoothing)
    fused = _stream(output.fused, torch.ones_like(output.usable), right, smoothing)
    total = weights[0] * body + weights[1] * hand + weights[2] * fused
    return Losses(body, hand, fused, torch.as_tensor(total))


def _stream(logits: Tensor, usable: Tensor, right: Tensor, smoothing: Tensor) -> Tensor:
    log_probability = log_softmax(logits, dim=1)
    named = -torch.logsumexp(log_probability.masked_fill(~right, float("-inf")), dim=1)
    uniform = -log_probability.mean(dim=1)
    loss = (1.0 - smoothing) * named + smoothing * uniform
    return (loss * usable).sum() / usable.sum().clamp(min=1.0)
