"""Cross-attention between the body's and the hands' features (BHaRNet, P.A.M.)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.models.expert import Volume

HEADS = 4
_HIDDEN = -1e4  # a score that no softmax gives weight; finite, so that no row is all -inf


class Tokens(NamedTuple):
    """values: (N, L, C). seen: (N, L) 1 where a token stands for something observed, else 0."""

    values: Tensor
    seen: Tensor


def axis_tokens(volume: Volume) -> tuple[Tokens, Tokens, Tokens]:
    """A sequence along time, one along joints, one along instances.

    Each averages over the other two axes, over what was seen only.
    """
    weight = volume.weight  # (N, I, T)
    per_step = volume.values.mean(dim=4) * weight.unsqueeze(2)  # (N, I, C, T)
    time_count, instance_count = weight.sum(dim=1), weight.sum(dim=2)
    count = instance_count.sum(dim=1)
    time = per_step.sum(dim=1).transpose(1, 2) / time_count.clamp(min=1.0).unsqueeze(2)
    instance = per_step.sum(dim=3) / instance_count.clamp(min=1.0).unsqueeze(2)
    weighted = volume.values * weight.unsqueeze(2).unsqueeze(4)
    joint = weighted.sum(dim=(1, 3)).transpose(1, 2) / count.clamp(min=1.0)[:, None, None]
    some = (count > 0).to(weight.dtype).unsqueeze(1)
    return (
        Tokens(time, (time_count > 0).to(weight.dtype)),
        Tokens(joint, some * torch.ones_like(joint[:, :, 0])),
        Tokens(instance, (instance_count > 0).to(weight.dtype)),
    )


class CrossAttention(nn.Module):
    """Own queries, the other stream's keys and values, added behind a gate that starts at zero.

    (N, L, C) and (N, M, C') -> (N, L, C). Where the other stream shows nothing, tokens stay as
    they are.
    """

    def __init__(self, channels: int, other_channels: int, heads: int = HEADS) -> None:
        super().__init__()
        self.head_width = max(1, channels // 4 // heads)
        self.heads = heads
        width = self.head_width * heads
        self.own_norm = nn.LayerNorm(channels)
        self.other_norm = nn.LayerNorm(other_channels)
        self.query = nn.Linear(channels, width)
        self.key = nn.Linear(other_channels, width)
        self.value = nn.Linear(other_channels, width)
        self.back = nn.Linear(width, channels)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, own: Tokens, other: Tokens) -> Tensor:
        source = self.other_norm(other.values)
        query = self._split(self.query(self.own_norm(own.values)))
        key, value = self._split(self.key(source)), self._split(self.value(source))
        score = query @ key.transpose(2, 3) * self.head_width**-0.5  # (N, H, L, M)
        score = score + (1.0 - other.seen[:, None, None, :]) * _HIDDEN
        found = (torch.softmax(score, dim=3) @ value).transpose(1, 2).flatten(2)
        some = other.seen.amax(dim=1)[:, None, None]
        result: Tensor = own.values + self.gate * some * self.back(found)
        return result

    def _split(self, x: Tensor) -> Tensor:
        """(N, L, H W) -> (N, H, L, W)."""
        n, length, _ = x.shape
        return x.reshape(n, length, self.heads, self.head_width).transpose(1, 2)


class PoolingAttention(nn.Module):
    """P.A.M.: pools a stream's volume to (N, C), looking at the other stream's.

    Three paths, along time, joints and instances: each sequence of tokens attends to the other
    stream's of the same axis, is pooled by learned weights (which start equal), and the three
    vectors are added. So neither a few moving fingers nor one of two hands is averaged away.
    That attention is a residual behind a gate, and that tokens are pooled by a learned softmax
    rather than a mean, are choices of this package; the figure of the paper leaves them open.
    """

    def __init__(self, channels: int, other_channels: int) -> None:
        super().__init__()
        self.attend = nn.ModuleList(CrossAttention(channels, other_channels) for _ in range(3))
        self.interest = nn.ParameterList(torch.zeros(channels) for _ in range(3))

    def forward(self, own: Volume, other: Volume) -> Tensor:
        vectors: list[Tensor] = []
        for path, (mine, theirs) in enumerate(
            zip(axis_tokens(own), axis_tokens(other), strict=True)
        ):
            values = self.attend[path](mine, theirs)
            score = (values * self.interest[path]).sum(dim=2) + (1.0 - mine.seen) * _HIDDEN
            vectors.append((torch.softmax(score, dim=1).unsqueeze(2) * values).sum(dim=1))
        return vectors[0] + vectors[1] + vectors[2]
