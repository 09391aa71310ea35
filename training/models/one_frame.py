"""Blocks turned, in place, into what they are on one new frame.

Layers over time get a past (`Following`), strides become interleaved sequences (see `Memory`),
shortcuts wait for branches that look ahead, and graph convolutions become one matrix product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from training.models.blocks import GraphBlock, LearnedTopology, TemporalBranches
from training.models.causal import CausalConv, CausalMaxPool, reach
from training.models.memory import Following, Place, delayed
from training.models.paper_blocks import PaperBlock
from training.models.temporal import BorderedConv
from training.models.topology import AggregatedFirst, PartitionTopology, with_one

REMEDY = (
    "use a block with a fixed topology (stgcnpp or stgcnpp_paper) with causal: true and "
    "time_offset: false (expert_preset 'stgcnpp_causal'), and train again"
)


def follow(block: nn.Module, at: Place) -> int:
    """Give a folded block its past; returns how many steps it looks ahead.

    Raises ConfigurationError for a block of which nothing is known here.
    """
    if isinstance(block, GraphBlock) and isinstance(block.spatial, LearnedTopology):
        return _follow_light(block, block.spatial, at)
    fixed = PartitionTopology | AggregatedFirst
    if isinstance(block, PaperBlock) and isinstance(block.spatial, fixed):
        return _follow_paper(block, block.spatial, at._replace(axis=3))
    raise ConfigurationError(
        f"{type(block).__name__} has no form that runs frame by frame; {REMEDY}."
    )


def _follow_light(block: GraphBlock, spatial: LearnedTopology, at: Place) -> int:
    branches: TemporalBranches = block.temporal
    layers = {name: getattr(branches, name) for name in ("near", "far", "pool")}
    ahead = max(_looks_ahead(layer) for layer in layers.values())
    for (name, layer), width in zip(layers.items(), branches.widths, strict=False):
        setattr(branches, name, _following(layer, width, ahead, at))
    branches.point = delayed(branches.widths[3], ahead, at)
    channels = spatial.mix.in_channels // len(spatial.adjacency)
    block.residual.project = _shortcut(block.residual.project, channels, ahead, at)
    block.spatial = OneFrameLearned(spatial)
    return ahead


def _follow_paper(
    block: PaperBlock, spatial: PartitionTopology | AggregatedFirst, at: Place
) -> int:
    branches = block.temporal
    cores = [_first_layer(core) for core in branches.cores]
    ahead = max(_looks_ahead(core) for core in cores)
    for index, (core, width) in enumerate(zip(cores, branches.widths, strict=True)):
        following = _following(core, width, ahead, at)
        _replace_first(branches.cores, str(index), following)
    point = _first_layer(branches.point)
    _replace_first(branches, "point", _shortcut(point, spatial.out_channels, ahead, at))
    if block.outer is not None:
        block.outer = _shortcut(block.outer, spatial.in_channels, ahead, at)
    if isinstance(spatial, PartitionTopology):
        block.spatial = OneFramePartitions(spatial)
    else:
        block.spatial = OneFrameAggregated(spatial)
    return ahead


class OneFrameLearned(nn.Module):
    """`LearnedTopology` on one frame: all partitions in one product. (N, C, 1, V)."""

    @torch.no_grad()
    def __init__(self, source: LearnedTopology) -> None:
        super().__init__()
        partitions = len(source.adjacency)
        # Columns: partition, joint; so that a reshape puts partitions beside the channels.
        self.adjacency = nn.Parameter(torch.cat(list(source.adjacency), dim=1))
        old = source.mix
        self.mix = nn.Conv2d(old.in_channels, old.out_channels, 1, bias=old.bias is not None)
        weight = old.weight.reshape(old.out_channels, partitions, -1).transpose(1, 2)
        self.mix.weight.copy_(weight.reshape(old.weight.shape))
        if self.mix.bias is not None and old.bias is not None:
            self.mix.bias.copy_(old.bias)

    def forward(self, x: Tensor) -> Tensor:
        gathered = (x @ self.adjacency).reshape(-1, self.mix.in_channels, 1, x.shape[3])
        mixed: Tensor = self.mix(gathered)
        return mixed


class OneFramePartitions(nn.Module):
    """`PartitionTopology` on one frame. (N, C, V, 1)."""

    @torch.no_grad()
    def __init__(self, source: PartitionTopology) -> None:
        super().__init__()
        joints = source.adjacency.shape[2]
        self.value = source.value
        self.adjacency = nn.Parameter(source.adjacency.reshape(-1, joints).clone())

    def forward(self, x: Tensor) -> Tensor:
        value = self.value(x)
        rows = len(self.adjacency)
        channels = self.value.out_channels * x.shape[2] // rows
        result: Tensor = value.reshape(-1, channels, rows) @ self.adjacency
        return result.unsqueeze(3)


class OneFrameAggregated(nn.Module):
    """`AggregatedFirst` on one frame. (N, C, V, 1)."""

    @torch.no_grad()
    def __init__(self, source: AggregatedFirst) -> None:
        super().__init__()
        self.aggregate = nn.Parameter(source.aggregate.t().clone())
        self.mix = source.mix

    def forward(self, x: Tensor) -> Tensor:
        aggregated = with_one(x).squeeze(3) @ self.aggregate
        result: Tensor = self.mix(aggregated.reshape(-1, self.mix.in_channels, x.shape[2], 1))
        return result


def _looks_ahead(layer: nn.Module) -> int:
    """Steps between an output's own step and the last that it sees."""
    if isinstance(layer, CausalConv | CausalMaxPool):
        return 0
    if isinstance(layer, BorderedConv) or not isinstance(layer, nn.Conv2d | nn.MaxPool2d):
        raise ConfigurationError(
            f"{type(layer).__name__} over time has no form that runs frame by frame; {REMEDY}."
        )
    return reach(layer) // 2


def _following(layer: nn.Module, channels: int, ahead: int, at: Place) -> Following:
    if not isinstance(layer, nn.Conv2d | nn.MaxPool2d):
        raise TypeError(f"{type(layer).__name__} is no layer over time.")
    return Following(_bare(layer), channels, ahead - _looks_ahead(layer), at)


def _bare(layer: nn.Conv2d | nn.MaxPool2d) -> nn.Conv2d | nn.MaxPool2d:
    """The layer without padding and stride."""
    if isinstance(layer, nn.MaxPool2d):
        return nn.MaxPool2d(layer.kernel_size, 1, 0, layer.dilation)
    size, dilation = layer.kernel_size, layer.dilation
    result = nn.Conv2d(
        layer.in_channels, layer.out_channels, (size[0], size[1]), 1, 0,
        (dilation[0], dilation[1]), layer.groups, layer.bias is not None,
    )  # fmt: skip
    result.weight, result.bias = layer.weight, layer.bias
    return result


def _shortcut(module: nn.Module, channels: int, ahead: int, at: Place) -> nn.Module:
    """What goes around the layers over time: waits for them, and has no stride."""
    if isinstance(module, nn.Conv2d):
        module = _bare(module)
    elif isinstance(module, nn.Sequential):
        module = nn.Sequential(*(_bare(m) if isinstance(m, nn.Conv2d) else m for m in module))
    wait = delayed(channels, ahead, at)
    return nn.Sequential(wait, module)


def _first_layer(module: nn.Module) -> nn.Module:
    """The layer itself, or the first of a sequence (then comes its batch norm)."""
    return module[0] if isinstance(module, nn.Sequential) else module


def _replace_first(parent: nn.Module, name: str, layer: nn.Module) -> None:
    module = getattr(parent, name)
    if isinstance(module, nn.Sequential):
        module[0] = layer
    else:
        setattr(parent, name, layer)
