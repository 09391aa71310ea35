"""Temporal modules of the paper backbones: parallel branches, some with learned sampling offsets.

Everything here works on (N, C, V, T), time last: a convolution over time then reads memory in
order, and so do the matrix products of `topology`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, one_hot, pad

from bharnet_ros.errors import ConfigurationError

TemporalCore = Callable[[int, int], nn.Module]
"""(channels, stride) -> a module (N, C, V, T) -> (N, C, V, T / stride)."""
SAMPLES = 4
KERNEL = 5


class BorderedConv(nn.Conv2d):
    """Convolution over time in which the first and last step stand for what lies beyond them.

    taps: (low, high), first and last tap relative to the output's own step, low <= 0 <= high.
    """

    def __init__(self, channels: tuple[int, int], taps: tuple[int, int], stride: int) -> None:
        self.taps = taps
        width = taps[1] - taps[0] + 1
        super().__init__(channels[0], channels[1], (1, width), (1, stride))

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(repeat_borders(input, *self.taps))


def repeat_borders(x: Tensor, low: int, high: int) -> Tensor:
    """(N, C, V, T) -> (N, C, V, -low + T + high): first and last step repeated."""
    return pad(x, (-low, high, 0, 0), mode="replicate")


class DeformableTemporal(nn.Module):
    """Temporal convolution whose sampling points are learned (DeGCN, Myung et al., TIP 2024).

    (N, C, V, T) -> (N, C', V, T / stride). Each of `samples` points has an offset in steps, the
    same for all inputs; between steps values are interpolated linearly, beyond the borders the
    first and last step are repeated. The offsets start evenly spread over the reach of a kernel
    of 5 at the given dilation.

    Because the offsets do not depend on the input, this is a convolution whose integer taps
    carry the interpolated weights. It is computed as such, which trains two to four times faster
    than sampling; `sample` is the definition, used where `sampled` is set (an export that is
    not folded) and to test the other.
    """

    def __init__(
        self, channels: int, stride: int = 1, dilation: int = 1, samples: int = SAMPLES
    ) -> None:
        super().__init__()
        reach = float(dilation * (KERNEL - 1) // 2)
        self.offsets = nn.Parameter(torch.linspace(-reach, reach, samples))
        self.weight = nn.Parameter(torch.empty(channels, channels, samples))
        self.bias = nn.Parameter(torch.zeros(channels))
        nn.init.kaiming_normal_(self.weight, a=0.1, mode="fan_out")
        self.stride = stride
        self.sampled = False

    def forward(self, x: Tensor) -> Tensor:
        if self.sampled:
            return self.sample(x)
        kernel, (low, high) = self.kernel()
        padded = repeat_borders(x, low, high)
        return conv2d(padded, kernel.unsqueeze(2), self.bias, (1, self.stride))

    def kernel(self) -> tuple[Tensor, tuple[int, int]]:
        """The weights (C', C, K) of the integer taps low..high, and (low, high)."""
        below = self.offsets.detach().floor()
        part = (self.offsets - below).unsqueeze(1)
        first = below.long()
        low, high = min(0, int(first.min())), max(0, int(first.max()) + 1)
        width = high - low + 1
        # The tap below an offset gets 1 - part of it, the one above the rest.
        spread = one_hot(first - low, width) * (1.0 - part) + one_hot(first - low + 1, width) * part
        return self.weight @ spread, (low, high)

    def sample(self, x: Tensor) -> Tensor:
        """The same by its definition: interpolated samples, then one product over them."""
        n, c, v, steps = x.shape
        start = torch.arange(0, steps, self.stride, dtype=x.dtype, device=x.device)
        position = start + self.offsets.unsqueeze(1)  # (S, T')
        below = position.detach().floor()
        part = (position - below).reshape(-1)
        first = below.clamp(0, steps - 1).long().reshape(-1)
        second = (below + 1.0).clamp(0, steps - 1).long().reshape(-1)
        found = x.index_select(3, first) * (1.0 - part) + x.index_select(3, second) * part
        found = found.reshape(n, c, v, len(self.offsets), -1).transpose(2, 3)
        found = found.reshape(n, c * len(self.offsets), v, -1)
        return conv2d(found, self.weight.reshape(len(self.weight), -1, 1, 1), self.bias)

    @torch.no_grad()
    def folded(self) -> nn.Module:
        """The same as an ordinary convolution, taps without weight cut off."""
        kernel, (low, high) = self.kernel()
        while high > 0 and not kernel[..., -1].any():
            kernel, high = kernel[..., :-1], high - 1
        while low < 0 and not kernel[..., 0].any():
            kernel, low = kernel[..., 1:], low + 1
        plain = BorderedConv((kernel.shape[1], kernel.shape[0]), (low, high), self.stride)
        plain.weight.copy_(kernel.unsqueeze(2))
        if plain.bias is not None:
            plain.bias.copy_(self.bias)
        return plain


def deformable(dilation: int) -> TemporalCore:
    """A core that samples at learned offsets."""
    return lambda channels, stride: DeformableTemporal(channels, stride, dilation)


def dilated(kernel: int, dilation: int) -> TemporalCore:
    """A core that is an ordinary dilated convolution; zeros lie beyond the borders."""
    reach = dilation * (kernel - 1) // 2
    return lambda channels, stride: nn.Conv2d(
        channels, channels, (1, kernel), (1, stride), (0, reach), (1, dilation)
    )


def pooled(channels: int, stride: int) -> nn.Module:
    """A core that takes the largest of three steps."""
    return nn.MaxPool2d((1, 3), (1, stride), (0, 1))


class ParallelBranches(nn.Module):
    """Temporal cores side by side, and one pointwise branch. (N, C, V, T) -> (N, C, V, T / stride).

    Each core has a share of the channels and its own way in: a pointwise convolution with batch
    norm and activation, all of them computed as one convolution. The first core takes the
    channels that do not divide evenly.

    branch_norm: a batch norm after each branch (CTR-GCN, DeGCN).
    transform: norm, activation, pointwise convolution and norm after joining (ST-GCN++).
    Raises ConfigurationError for fewer channels than branches.
    """

    def __init__(
        self,
        channels: int,
        stride: int,
        cores: Sequence[TemporalCore],
        activation: nn.Module,
        branch_norm: bool = True,
        transform: bool = False,
    ) -> None:
        super().__init__()
        share = channels // (len(cores) + 1)
        if share < 1:
            raise ConfigurationError(
                f"A block of {channels} channels cannot be shared by {len(cores) + 1} temporal "
                f"branches; give it at least {len(cores) + 1}."
            )
        widths = [channels - share * len(cores)] + [share] * (len(cores) - 1)
        self.widths = tuple(widths)
        entering = sum(widths)
        self.enter = nn.Sequential(
            nn.Conv2d(channels, entering, 1), nn.BatchNorm2d(entering), activation
        )
        self.cores = nn.ModuleList(
            _normed(core(width, stride), width, branch_norm)
            for core, width in zip(cores, widths, strict=True)
        )
        point = nn.Conv2d(channels, share, 1, (1, stride))
        self.point = _normed(point, share, branch_norm)
        self.transform = nn.Sequential()
        if transform:
            self.transform = nn.Sequential(
                nn.BatchNorm2d(channels),
                activation,
                nn.Conv2d(channels, channels, 1),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        entered = self.enter(x).split(self.widths, dim=1)
        parts = [core(part) for core, part in zip(self.cores, entered, strict=True)]
        joined: Tensor = self.transform(torch.cat([*parts, self.point(x)], dim=1))
        return joined


def _normed(module: nn.Module, channels: int, norm: bool) -> nn.Module:
    return nn.Sequential(module, nn.BatchNorm2d(channels)) if norm else module
