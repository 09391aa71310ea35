"""Convolutions over time that look back only, and how far a network looks back.

A block is built as ever and then turned: every layer with a kernel or a stride over time gets its
padding on the side of the past. A strided layer keeps the last step of each group, so that the
last step of every layer belongs to the newest frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from bharnet_ros.errors import ConfigurationError
from training.models.blocks import EveryNth


class CausalConv(nn.Conv2d):
    """A convolution whose output at a step depends on that step and earlier ones.

    Kernel and stride are over one of the two last axes, which is time. Zeros lie before the first
    step. A stride s gives steps s - 1, 2 s - 1 and so on.
    """

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(pad(input, past_padding(self)))


class CausalMaxPool(nn.MaxPool2d):
    """The same for a maximum. For inputs that are never below zero (after an activation)."""

    def forward(self, input: Tensor) -> Tensor:
        largest: Tensor = super().forward(pad(input, past_padding(self)))
        return largest


def reach(layer: nn.Conv2d | nn.MaxPool2d) -> int:
    """How many steps of its input lie between the first and the last that an output sees."""
    return max(
        d * (k - 1) for k, d in zip(_pair(layer.kernel_size), _pair(layer.dilation), strict=True)
    )


def time_stride(layer: nn.Conv2d | nn.MaxPool2d) -> int:
    """Its stride over time."""
    return max(_pair(layer.stride))


def past_padding(layer: nn.Conv2d | nn.MaxPool2d) -> list[int]:
    """For `torch.nn.functional.pad`: steps before the first one (below 0: steps cut off)."""
    kernel, stride = _pair(layer.kernel_size), _pair(layer.stride)
    before = reach(layer) - (time_stride(layer) - 1)
    last_axis = kernel[1] > 1 or stride[1] > 1
    return [before, 0, 0, 0] if last_axis else [0, 0, before, 0]


def over_time(module: nn.Module) -> bool:
    """Whether it is a layer with a kernel or a stride over time."""
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d):
        return False
    return max(*_pair(module.kernel_size), *_pair(module.stride)) > 1


def make_causal(block: nn.Module) -> None:
    """Turn a block in place. Its parameters stay the same in number, name and meaning."""
    for name, child in list(block.named_children()):
        if isinstance(child, EveryNth):
            child.first = child.stride - 1
        elif over_time(child):
            setattr(block, name, _causal(child))
        else:
            make_causal(child)


def block_reach(block: nn.Module) -> int:
    """Steps of its input before its newest one that the block's newest output depends on."""
    layers = [m for m in block.modules() if isinstance(m, nn.Conv2d | nn.MaxPool2d)]
    return max((reach(layer) for layer in layers), default=0)


def receptive_field(blocks: Sequence[nn.Module], strides: Sequence[int], motion: bool) -> int:
    """Frames that the newest output of a stack of causal blocks depends on.

    motion: the input holds differences to the frame before.
    """
    frames, level = 1 + int(motion), 1
    for block, stride in zip(blocks, strides, strict=True):
        frames += block_reach(block) * level
        level *= stride
    return frames


def pooled_steps(num_steps: int, field: int, reduction: int) -> Tensor:
    """(T',) 1 for the steps of the last volume that see only frames of the window, else 0.

    field: the receptive field in frames; reduction: frames a step. Raises ConfigurationError if
    there is none.
    """
    newest = torch.arange(reduction - 1, num_steps, reduction)
    inside = (newest >= field - 1).float()
    if not inside.any():
        raise ConfigurationError(
            f"A causal expert that sees {field} frames back cannot judge windows of {num_steps} "
            f"steps; give the windows at least {-(-field // reduction) * reduction} steps, or the "
            "expert fewer blocks or strides that come later."
        )
    return inside


def _causal(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.MaxPool2d):
        return CausalMaxPool(layer.kernel_size, layer.stride, 0, layer.dilation)
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"{type(layer).__name__} is no layer over time.")
    result = CausalConv(
        layer.in_channels,
        layer.out_channels,
        _pair(layer.kernel_size),
        _pair(layer.stride),
        0,
        _pair(layer.dilation),
        layer.groups,
        layer.bias is not None,
    )
    result.weight, result.bias = layer.weight, layer.bias
    return result


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
