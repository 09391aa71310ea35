"""The blocks of DeGCN, CTR-GCN and ST-GCN++ as their papers have them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from training.models.blocks import register_block
from training.models.temporal import ParallelBranches, deformable, dilated, pooled
from training.models.topology import PartitionTopology, RefinedTopology

GROUPS = 4
LEAKINESS = 0.1


class PaperBlock(nn.Module):
    """Graph convolution with a shortcut, temporal branches with a shortcut around both.

    (N, C, T, V) -> (N, C', T / stride, V). Inside, time is the last axis; the two transpositions
    are views that cancel between blocks. first: the first block of these networks has no
    shortcut around the whole.
    """

    def __init__(
        self,
        spatial: PartitionTopology | RefinedTopology,
        temporal: ParallelBranches,
        widths: tuple[int, int],
        stride: int,
        activation: nn.Module,
        groups: int,
        first: bool,
    ) -> None:
        super().__init__()
        self.spatial: nn.Module = spatial
        self.norm: nn.Module = nn.BatchNorm2d(widths[1])
        self.inner = _shortcut(widths, 1, groups)
        self.temporal = temporal
        self.outer = None if first else _shortcut(widths, stride, groups)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(2, 3)
        y = self.activation(self.norm(self.spatial(x)) + self.inner(x))
        y = self.temporal(y)
        if self.outer is not None:
            y = y + self.outer(x)
        result: Tensor = self.activation(y).transpose(2, 3)
        return result

    @torch.no_grad()
    def folded(self) -> nn.Module:
        """A copy for inference whose graph convolution carries the scale of its batch norm."""
        result = copy.deepcopy(self)
        norm, spatial = result.norm, result.spatial
        if isinstance(norm, nn.BatchNorm2d) and isinstance(
            spatial, PartitionTopology | RefinedTopology
        ):
            factor, shift = affine(norm)
            spatial.scale(factor)
            result.norm = Shift(shift)
            added = result.inner[-1] if isinstance(result.inner, nn.Sequential) else None
            if isinstance(added, nn.BatchNorm2d):  # which has a summand already
                added.bias.add_(shift)
                result.norm = nn.Identity()
        return result


class Shift(nn.Module):
    """Adds a number to each channel of (N, C, V, T): what is left of a folded batch norm."""

    def __init__(self, shift: Tensor) -> None:
        super().__init__()
        self.shift = nn.Parameter(shift.reshape(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Factor and summand (C,) of a batch norm in evaluation."""
    if norm.running_var is None or norm.running_mean is None:
        raise ValueError("Only a batch norm with running statistics can be folded.")
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return factor, norm.bias - norm.running_mean * factor


def _shortcut(widths: tuple[int, int], stride: int, groups: int) -> nn.Module:
    if widths[0] == widths[1] and stride == 1:
        return nn.Identity()
    projection = nn.Conv2d(widths[0], widths[1], 1, (1, stride), groups=groups)
    nn.init.kaiming_normal_(projection.weight, mode="fan_out")
    return nn.Sequential(projection, nn.BatchNorm2d(widths[1]))


@register_block("degcn")
class DeGcnBlock(PaperBlock):
    """DeGCN (Myung et al., TIP 2024; public code WoominM/DeGCN_pytorch), the paper's backbone.

    Graph part: channel-topology refinement in 4 channel groups, in the first block a plain
    learned adjacency. The paper's deformable *spatial* module was never published; its public
    code has the same graph part as this. Temporal part: two branches with 4 learned sampling
    offsets, reaching as far as a kernel of 5 dilated by 1 and by 2, a max pool and a pointwise
    branch. LeakyReLU 0.1. Groups are left out where 4 does not divide the channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: Tensor,
        stride: int = 1,
        first: bool = False,
    ) -> None:
        groups = 1 if in_channels % GROUPS or out_channels % GROUPS else GROUPS
        activation = nn.LeakyReLU(LEAKINESS)
        spatial = (
            PartitionTopology(in_channels, out_channels, adjacency)
            if first
            else RefinedTopology(in_channels, out_channels, adjacency, groups)
        )
        cores = (deformable(1), deformable(2), pooled)
        temporal = ParallelBranches(out_channels, stride, cores, activation)
        widths = (in_channels, out_channels)
        super().__init__(
            spatial, temporal, widths, stride, activation, 1 if first else groups, first
        )


@register_block("ctrgcn_paper")
class CtrGcnPaperBlock(PaperBlock):
    """CTR-GCN (Chen et al., ICCV 2021) as published: temporal kernels of 5 dilated by 1 and 2.

    The scale of the graph part's batch norm starts at 1e-6, so that a block begins as its
    shortcut.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: Tensor,
        stride: int = 1,
        first: bool = False,
    ) -> None:
        activation = nn.ReLU()
        cores = (dilated(5, 1), dilated(5, 2), pooled)
        super().__init__(
            RefinedTopology(in_channels, out_channels, adjacency),
            ParallelBranches(out_channels, stride, cores, activation),
            (in_channels, out_channels), stride, activation, 1, first,
        )  # fmt: skip
        if isinstance(self.norm, nn.BatchNorm2d):
            nn.init.constant_(self.norm.weight, 1e-6)


@register_block("stgcnpp_paper")
class StgcnPlusPlusPaperBlock(PaperBlock):
    """ST-GCN++ (Duan et al., PYSKL, ACM MM 2022) as published.

    Learned adjacency, channels mixed before aggregation, a shortcut around the graph part; six
    temporal branches: kernel 3 dilated by 1 to 4, max pool, pointwise, then a pointwise mix.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        adjacency: Tensor,
        stride: int = 1,
        first: bool = False,
    ) -> None:
        activation = nn.ReLU()
        cores = (*(dilated(3, d) for d in (1, 2, 3, 4)), pooled)
        super().__init__(
            PartitionTopology(in_channels, out_channels, adjacency),
            ParallelBranches(
                out_channels, stride, cores, activation, branch_norm=False, transform=True
            ),
            (in_channels, out_channels), stride, activation, 1, first,
        )  # fmt: skip
