"""Spatial-temporal graph convolution blocks, registered by name.

Every block maps (N, C, T, V) to (N, C', T / stride, V). Graph aggregation is a matrix product
(`x @ A`): ONNX Runtime runs that about three times faster than the same thing as `einsum`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from training.model_config import POSE_BLOCK

BlockFactory = Callable[..., nn.Module]
_BLOCKS: dict[str, BlockFactory] = {}


def register_block(name: str) -> Callable[[type[nn.Module]], type[nn.Module]]:
    """Class decorator: `create_block(name, ...)` builds this class from now on."""

    def add(block: type[nn.Module]) -> type[nn.Module]:
        _BLOCKS[name] = block
        return block

    return add


def available_blocks() -> tuple[str, ...]:
    """Names that `create_block` takes: those over a graph, so all but POSE_BLOCK."""
    return tuple(sorted(_BLOCKS))


def create_block(
    name: str,
    in_channels: int,
    out_channels: int,
    adjacency: Tensor,
    stride: int = 1,
    first: bool = False,
) -> nn.Module:
    """A block by name. adjacency: (S, V, V). `ConfigurationError` for an unknown name.

    first: it is the first of its network, which in some papers differs from the others.
    """
    if name not in _BLOCKS:
        known = ", ".join((*available_blocks(), POSE_BLOCK))
        raise ConfigurationError(f"Block '{name}' is not known; use one of {known}.")
    return _BLOCKS[name](in_channels, out_channels, adjacency, stride, first)


class LearnedTopology(nn.Module):
    """Graph convolution with a learned adjacency that starts at the skeleton's own.

    As in ST-GCN++ (PYSKL, Duan et al. 2022): one adjacency per partition, trained freely,
    shared by all channels. Aggregates first and mixes channels afterwards, which costs less
    than the reverse when a block widens.
    """

    def __init__(self, in_channels: int, out_channels: int, adjacency: Tensor) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(adjacency.clone())
        self.mix = nn.Conv2d(len(adjacency) * in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = [x @ self.adjacency[s] for s in range(self.adjacency.shape[0])]
        mixed: Tensor = self.mix(torch.cat(parts, dim=1))
        return mixed


class ChannelTopology(nn.Module):
    """Channel-wise topology refinement (CTR-GCN, Chen et al., ICCV 2021).

    Each partition's shared adjacency gets a per-channel, per-sample correction from the
    differences of time-averaged joint features; its gate starts at zero.
    """

    def __init__(self, in_channels: int, out_channels: int, adjacency: Tensor) -> None:
        super().__init__()
        partitions = len(adjacency)
        width = max(8, in_channels // 8)
        self.adjacency = nn.Parameter(adjacency.clone())
        self.gate = nn.Parameter(torch.zeros(1))
        self.query = nn.ModuleList(nn.Conv1d(in_channels, width, 1) for _ in range(partitions))
        self.key = nn.ModuleList(nn.Conv1d(in_channels, width, 1) for _ in range(partitions))
        self.lift = nn.ModuleList(nn.Conv2d(width, out_channels, 1) for _ in range(partitions))
        self.value = nn.ModuleList(
            nn.Conv2d(in_channels, out_channels, 1) for _ in range(partitions)
        )

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(dim=2)
        total: Tensor | None = None
        for s, (query, key) in enumerate(zip(self.query, self.key, strict=True)):
            difference = torch.tanh(query(mean).unsqueeze(-1) - key(mean).unsqueeze(-2))
            refined = self.lift[s](difference) * self.gate + self.adjacency[s]
            part = self.value[s](x) @ refined
            total = part if total is None else total + part
        if total is None:
            raise ConfigurationError("A graph block needs an adjacency of at least one partition.")
        return total


class EveryNth(nn.Module):
    """(N, C, T, V) -> (N, C, T / stride, V): steps `first`, `first` + stride and so on."""

    def __init__(self, stride: int, first: int = 0) -> None:
        super().__init__()
        self.stride, self.first = stride, first

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, self.first :: self.stride]


class TemporalBranches(nn.Module):
    """Four temporal branches side by side: kernel 3 dilated by 1 and by 2, max pool, pointwise.

    The multi-scale temporal module of MS-G3D as CTR-GCN and ST-GCN++ use it, with kernel 3,
    because a window here has 32 steps and not 64.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        quarter = channels // 4
        first = channels - 3 * quarter
        self.widths = (first, quarter, quarter, quarter)
        self.enter = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.near = nn.Conv2d(first, first, (3, 1), (stride, 1), (1, 0))
        self.far = nn.Conv2d(quarter, quarter, (3, 1), (stride, 1), (2, 0), (2, 1))
        self.pool = nn.MaxPool2d((3, 1), (stride, 1), (1, 0))
        self.point: nn.Module = EveryNth(stride)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        near, far, pool, point = self.enter(x).split(self.widths, dim=1)
        branches = [self.near(near), self.far(far), self.pool(pool), self.point(point)]
        normed: Tensor = self.norm(torch.cat(branches, dim=1))
        return normed


class _Residual(nn.Module):
    """The shortcut around a block: identity where shapes allow, else a strided projection."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.project: nn.Module = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.project = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, (stride, 1), bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.project(x)
        return projected


class GraphBlock(nn.Module):
    """Graph convolution, temporal branches, a shortcut around both."""

    def __init__(self, spatial: nn.Module, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.spatial = spatial
        self.norm: nn.Module = nn.BatchNorm2d(channels)
        self.temporal = TemporalBranches(channels, stride)
        self.residual = _Residual(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm(self.spatial(x)))
        return torch.relu(self.temporal(y) + self.residual(x))


@register_block("stgcnpp")
class StgcnPlusPlusBlock(GraphBlock):
    """ST-GCN++ style, light: learned topology, multi-branch temporal convolution, residual.

    Meant for short windows and few channels, and so not the paper's block (`stgcnpp_paper`):
    aggregates before mixing channels, has no shortcut around the graph part, four temporal
    branches instead of six and no mix after them; the first block has a shortcut like the
    others.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: Tensor,
        stride: int = 1,
        first: bool = False,
    ) -> None:
        spatial = LearnedTopology(in_channels, out_channels, adjacency)
        super().__init__(spatial, in_channels, out_channels, stride)


@register_block("ctrgcn")
class CtrGcnBlock(GraphBlock):
    """CTR-GCN style, light: channel-wise topology, multi-branch temporal convolution, residual.

    Differs from the paper's block (`ctrgcn_paper`) in temporal kernels of 3 instead of 5, one
    batch norm after joining the branches instead of one each, no shortcut around the graph part,
    an activation on the pointwise branch, and a first block with a shortcut like the others.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: Tensor,
        stride: int = 1,
        first: bool = False,
    ) -> None:
        spatial = ChannelTopology(in_channels, out_channels, adjacency)
        super().__init__(spatial, in_channels, out_channels, stride)
