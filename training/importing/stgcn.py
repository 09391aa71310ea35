"""ST-GCN and ST-GCN++ for inference, with every batch norm already part of its neighbours.

ST-GCN: Yan et al., AAAI 2018. ST-GCN++: Duan et al., PYSKL, 2022. Modules are made from the
weights of a trained network (see `pyskl`), so they hold what is left after folding: aggregation
over the graph and mixing of channels commute, hence each block first gathers all partitions and
then mixes them with one convolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def convolution(weight: Tensor, bias: Tensor, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A convolution over time (out, in, K, 1) that keeps the number of steps, but for stride."""
    out_channels, in_channels, kernel, _ = weight.shape
    layer = nn.Conv2d(
        in_channels,
        out_channels,
        (kernel, 1),
        (stride, 1),
        (dilation * (kernel - 1) // 2, 0),
        (dilation, 1),
    )
    layer.weight = nn.Parameter(weight.clone())
    layer.bias = nn.Parameter(bias.clone())
    return layer


class Scale(nn.Module):
    """y = x * scale + shift. Both broadcast against (N, C, T, V)."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(scale.clone())
        self.shift = nn.Parameter(shift.clone())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


class GraphConvolution(nn.Module):
    """Sum over partitions of channel mixing and neighbours, a residual, ReLU.

    adjacency: (K, V, V), columns are the targets; weight: (out, K in) in the order of the
    partitions; offset: (out, V); residual: what is added before the ReLU, or None.
    """

    def __init__(
        self, adjacency: Tensor, weight: Tensor, offset: Tensor, residual: nn.Module | None
    ) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(adjacency.clone())
        self.mix = nn.Conv2d(weight.shape[1], weight.shape[0], 1, bias=False)
        self.mix.weight = nn.Parameter(weight[:, :, None, None].clone())
        self.offset = nn.Parameter(offset[None, :, None, :].clone())
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        parts = [x @ self.adjacency[k] for k in range(self.adjacency.shape[0])]
        y = self.mix(torch.cat(parts, dim=1)) + self.offset
        if self.residual is not None:
            y = y + self.residual(x)
        return torch.relu(y)


class TemporalBranches(nn.Module):
    """ST-GCN++'s branches over time: dilated convolutions, a max pool, a pointwise one.

    enter: the first pointwise convolution of all branches but the last, side by side; widths:
    their channels; dilated: one convolution a branch; pooled: scale after the max pool; point:
    the last branch; leave: after the common ReLU. stride: of every branch.
    """

    def __init__(
        self,
        enter: nn.Conv2d,
        widths: Sequence[int],
        dilated: Sequence[nn.Conv2d],
        pooled: Scale,
        point: nn.Conv2d,
        leave: nn.Conv2d,
        stride: int,
    ) -> None:
        super().__init__()
        self.enter, self.point, self.leave, self.pooled = enter, point, leave, pooled
        self.dilated = nn.ModuleList(dilated)
        self.pool = nn.MaxPool2d((3, 1), (stride, 1), (1, 0))
        self.widths = list(widths)

    def forward(self, x: Tensor) -> Tensor:
        *convolved, pooled = torch.split(torch.relu(self.enter(x)), self.widths, dim=1)
        branches = [layer(part) for layer, part in zip(self.dilated, convolved, strict=True)]
        branches += [self.pooled(self.pool(pooled)), self.point(x)]
        left: Tensor = self.leave(torch.relu(torch.cat(branches, dim=1)))
        return left


class Block(nn.Module):
    """Graph convolution, then convolution over time, then the shortcut, ReLU.

    shortcut: None in a first block, else identity or a strided projection.
    """

    def __init__(self, spatial: nn.Module, temporal: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.spatial, self.temporal, self.shortcut = spatial, temporal, shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.temporal(self.spatial(x))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return torch.relu(y)


class Stgcn(nn.Module):
    """The whole network: (N, C, T, V) of one person or hand -> (N, classes) logits.

    enter: the input normalisation. It saw `persons` people a clip in training, of whom those
    missing were zeros; here each is judged alone, and the features of the absent others, which
    are constant, are added by `with_absent`.
    """

    def __init__(
        self, enter: Sequence[nn.Module], blocks: Sequence[nn.Module], classify: nn.Linear
    ) -> None:
        super().__init__()
        self.enter = nn.ModuleList(enter)
        self.blocks = nn.ModuleList(blocks)
        self.classify = classify
        self.absent: Tensor
        self.register_buffer("absent", torch.zeros(0, classify.in_features))

    @property
    def persons(self) -> int:
        """Of how many people a clip's features are the mean."""
        return 1 + len(self.absent)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.features(x)
        if len(self.absent):
            pooled = (pooled + self.absent.sum(dim=0)) / self.persons
        logits: Tensor = self.classify(pooled)
        return logits

    def features(self, x: Tensor, person: int = 0) -> Tensor:
        """(N, C, T, V) -> (N, features), the mean over time and joints of the last block."""
        x = self.enter[min(person, len(self.enter) - 1)](x)
        for block in self.blocks:
            x = block(x)
        return x.mean(dim=(2, 3))

    @torch.no_grad()
    def with_absent(self, persons: int, channels: int, num_steps: int, num_joints: int) -> None:
        """Judge from now on as if `persons` - 1 others were missing from the clip."""
        nobody = torch.zeros(1, channels, num_steps, num_joints)
        features = [self.features(nobody, person) for person in range(1, persons)]
        if features:
            self.absent = torch.cat(features)
