"""Graph convolutions of the paper backbones, on (N, C, V, T), aggregated by matrix products.

The partitions of a skeleton's adjacency lie beside the channels (channel first, partition
second), so all partitions of a channel are one matrix of (S V, T) without copying, and one
product does what would otherwise be S products and their sum.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from training.models.blocks import ChannelTopology


class PartitionTopology(nn.Module):
    """Learned adjacency per partition, shared by all channels; starts at the skeleton's own.

    As in ST-GCN++ (Duan et al., PYSKL, ACM MM 2022) and in DeGCN's first block: channels are
    mixed first, then each partition is aggregated and all are added. adjacency: (S, V, V),
    `y = x @ A`.
    """

    def __init__(self, in_channels: int, out_channels: int, adjacency: Tensor) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.adjacency = nn.Parameter(adjacency.clone())
        self.value = nn.Conv2d(in_channels, out_channels * len(adjacency), 1)
        nn.init.kaiming_normal_(self.value.weight, mode="fan_out")
        nn.init.zeros_(_bias(self.value))

    def forward(self, x: Tensor) -> Tensor:
        n, _, v, t = x.shape
        value = self.value(x).reshape(n, -1, len(self.adjacency) * v, t)
        result: Tensor = self.adjacency.reshape(-1, v).t() @ value
        return result

    @torch.no_grad()
    def scale(self, factor: Tensor) -> None:
        """Multiply each output channel, in place. factor: (C',)."""
        _scale_value(self.value, factor, len(self.adjacency))

    def folded(self) -> nn.Module:
        """For inference: what is narrower, input or output, is aggregated."""
        return AggregatedFirst(self) if self.in_channels < self.out_channels else self


class AggregatedFirst(nn.Module):
    """What `PartitionTopology` computes, partitions aggregated before channels are mixed.

    Both are linear, so the order is free; a first block turns a few features into many channels,
    and aggregating the few is less work on less memory.
    """

    @torch.no_grad()
    def __init__(self, source: PartitionTopology) -> None:
        super().__init__()
        partitions, v, _ = source.adjacency.shape
        self.in_channels, self.out_channels = source.in_channels, source.out_channels
        self.aggregate = nn.Parameter(source.adjacency.transpose(1, 2).reshape(-1, v).clone())
        # The bias, which the joints pass on too, is the weight of one more feature that is one.
        weight = torch.cat([source.value.weight.flatten(1), _bias(source.value)[:, None]], dim=1)
        mixed = weight.reshape(self.out_channels, partitions, -1).transpose(1, 2).flatten(1)
        self.mix = nn.Conv2d(mixed.shape[1], self.out_channels, 1, bias=False)
        self.mix.weight.copy_(mixed[:, :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        n, _, v, t = x.shape
        aggregated = self.aggregate @ with_one(x)
        result: Tensor = self.mix(aggregated.reshape(n, -1, v, t))
        return result


class RefinedTopology(nn.Module):
    """Channel-wise topology refinement (CTR-GCN, Chen et al., ICCV 2021).

    The learned adjacency of each partition, plus a correction for each output channel and each
    sample: tanh of the differences between joints' time-averaged features, lifted to the output
    channels, times a gate that starts at zero. groups: of channels that do not mix here (1 in
    CTR-GCN, 4 in DeGCN).
    """

    def __init__(
        self, in_channels: int, out_channels: int, adjacency: Tensor, groups: int = 1
    ) -> None:
        super().__init__()
        partitions = len(adjacency)
        width = max(8, in_channels // 8)
        width += -width % groups
        self.groups = groups
        self.adjacency = nn.Parameter(adjacency.clone())
        self.gate = nn.Parameter(torch.zeros(1))
        # The difference is between means over time, and a pointwise convolution of a mean is the
        # mean of the convolution: (N, C, V) is enough to work on.
        self.query = nn.Conv1d(in_channels, width * partitions, 1, groups=groups)
        self.key = nn.Conv1d(in_channels, width * partitions, 1, groups=groups)
        self.lift = nn.Conv2d(
            width * partitions, out_channels * partitions, 1, groups=groups * partitions
        )
        self.value = nn.Conv2d(in_channels, out_channels * partitions, 1, groups=groups)
        for layer in (self.query, self.key, self.lift, self.value):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            nn.init.zeros_(_bias(layer))

    def forward(self, x: Tensor) -> Tensor:
        n, _, v, t = x.shape
        partitions = len(self.adjacency)
        mean = x.mean(dim=3)
        # [source joint, target joint], as the adjacency.
        difference = torch.tanh(self.query(mean).unsqueeze(2) - self.key(mean).unsqueeze(3))
        # The gate is on the weights, which are far fewer than what they make.
        weight, bias = self.lift.weight * self.gate, _bias(self.lift) * self.gate
        lifted = conv2d(difference, weight, bias, groups=self.lift.groups)
        # Channels: group, partition, channel of the group.
        lifted = lifted.reshape(n, self.groups, partitions, -1, v, v).transpose(2, 3)
        refined = lifted.reshape(n, -1, partitions, v, v) + self.adjacency
        value = self.value(x).reshape(n, -1, partitions * v, t)
        result: Tensor = refined.reshape(n, -1, partitions * v, v).transpose(2, 3) @ value
        return result

    @torch.no_grad()
    def scale(self, factor: Tensor) -> None:
        """Multiply each output channel, in place. factor: (C',)."""
        _scale_value(self.value, factor, len(self.adjacency))

    def folded(self) -> nn.Module:
        """For inference: gate inside the lift, query and key in one convolution."""
        return FoldedRefinement(self)


class FoldedRefinement(nn.Module):
    """What `RefinedTopology` computes, with fewer and larger operations."""

    @torch.no_grad()
    def __init__(self, source: RefinedTopology) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(source.adjacency.clone())
        self.value = source.value
        query, key, lift = source.query, source.key, source.lift
        # Each group has a difference more, of which query and key are 1 and 0 everywhere: it
        # carries the bias of the lift, which costs less than to add that to every adjacency.
        groups, partitions = source.groups, len(source.adjacency)
        weight = [_with_row(_dense(layer), groups, 0.0) for layer in (query, key)]
        bias = _with_row(_bias(query), groups, 1.0), _with_row(_bias(key), groups, 0.0)
        self.relate = nn.Conv1d(query.in_channels, 2 * len(bias[0]), 1)
        self.relate.weight.copy_(torch.cat(weight).unsqueeze(2))
        _bias(self.relate).copy_(torch.cat(bias))
        # Rows from (group, partition, channel) to (group, channel, partition), so that the
        # result needs no copy before the product; partitions of a group then share a product.
        order = torch.arange(lift.out_channels).reshape(groups, partitions, -1)
        order = order.transpose(1, 2).reshape(-1)
        rows = (_dense(lift) * source.gate)[order]
        rows = rows.reshape(groups, -1, groups, lift.in_channels // groups)
        offset = (_bias(lift) * source.gate)[order].reshape(groups, -1)
        lifts = torch.stack([rows[g, :, g] for g in range(groups)])
        carried = offset.unsqueeze(2) / math.tanh(1.0)
        self.lift = nn.Parameter(torch.cat([lifts, carried], dim=2))

    def forward(self, x: Tensor) -> Tensor:
        n, _, v, t = x.shape
        partitions, groups = self.adjacency.shape[0], self.lift.shape[0]
        query, key = self.relate(x.mean(dim=3)).chunk(2, dim=1)
        difference = torch.tanh(query.unsqueeze(2) - key.unsqueeze(3))
        lifted = self.lift @ difference.reshape(n, groups, -1, v * v)
        refined = lifted.reshape(n, -1, partitions, v, v) + self.adjacency
        value = self.value(x).reshape(n, -1, partitions * v, t)
        result: Tensor = refined.reshape(n, -1, partitions * v, v).transpose(2, 3) @ value
        return result


def with_one(x: Tensor) -> Tensor:
    """(N, C, V, T) -> (N, C + 1, V, T): a feature more, which is one everywhere."""
    return pad(x, (0, 0, 0, 0, 0, 1), value=1.0)


def _dense(layer: nn.Conv1d | nn.Conv2d) -> Tensor:
    """The weight (C', C) of a pointwise convolution, zeros between its groups."""
    weight = layer.weight.flatten(1)
    parts = weight.chunk(layer.groups)
    dense = weight.new_zeros(len(weight), layer.in_channels)
    rows, columns = len(weight) // layer.groups, weight.shape[1]
    for g, part in enumerate(parts):
        dense[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns] = part
    return dense


def _with_row(rows: Tensor, groups: int, value: float) -> Tensor:
    """(G R, ...) -> (G (R + 1), ...): each group with one row more, which is `value`."""
    parts = rows.reshape(groups, -1, *rows.shape[1:])
    row = parts.new_full((groups, 1, *rows.shape[1:]), value)
    return torch.cat([parts, row], dim=1).flatten(0, 1)


def _scale_value(value: nn.Conv2d, factor: Tensor, partitions: int) -> None:
    rows = factor.repeat_interleave(partitions)
    value.weight.mul_(rows[:, None, None, None])
    _bias(value).mul_(rows)


def _bias(layer: nn.Conv1d | nn.Conv2d) -> Tensor:
    if layer.bias is None:
        raise ValueError("The layer has no bias.")
    return layer.bias


class FoldedChannelTopology(nn.Module):
    """What the light `ChannelTopology` computes, its pointwise convolutions merged into two.

    (N, C, T, V) -> (N, C', T, V). factor: (C',) multiplies the output channels.
    """

    @torch.no_grad()
    def __init__(self, source: ChannelTopology, factor: Tensor) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(source.adjacency.clone())
        self.relate = _merged([*source.query, *source.key], nn.Conv1d)
        self.value = _merged(list(source.value), nn.Conv2d)
        rows = factor.repeat(len(source.adjacency))
        self.value.weight.mul_(rows.reshape(-1, 1, 1, 1))
        _bias(self.value).mul_(rows)
        lifts = [layer for layer in source.lift if isinstance(layer, nn.Conv2d)]
        weight = torch.stack([layer.weight.flatten(1) for layer in lifts]) * source.gate
        self.lift = nn.Parameter(weight)  # (S, C', W)
        offset = torch.stack([_bias(layer) for layer in lifts]) * source.gate
        self.offset = nn.Parameter(offset[:, :, None, None].clone())

    def forward(self, x: Tensor) -> Tensor:
        n, _, t, v = x.shape
        partitions = self.adjacency.shape[0]
        query, key = self.relate(x.mean(dim=2)).chunk(2, dim=1)
        difference = torch.tanh(query.unsqueeze(3) - key.unsqueeze(2))
        lifted = self.lift @ difference.reshape(n, partitions, -1, v * v)
        refined = lifted.reshape(n, partitions, -1, v, v) + self.offset
        refined = refined + self.adjacency.unsqueeze(1)
        result: Tensor = self.value(x).reshape(n, partitions, -1, t, v) @ refined
        return result.sum(dim=1)


def _merged(layers: list[nn.Module], kind: type[nn.Conv1d] | type[nn.Conv2d]) -> Any:
    """One pointwise convolution that gives what `layers` give, one after the other."""
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv1d | nn.Conv2d)]
    weight = torch.cat([layer.weight for layer in convolutions])
    merged = kind(weight.shape[1], len(weight), 1)
    merged.weight.copy_(weight)
    _bias(merged).copy_(torch.cat([_bias(layer) for layer in convolutions]))
    return merged
