"""A trained network rewritten for inference: the same numbers from fewer operations.

Learned sampling offsets become taps of ordinary convolutions, batch norms go into the convolution
before them, parallel pointwise convolutions over the same features become one.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.models.blocks import ChannelTopology, LearnedTopology
from training.models.paper_blocks import Shift, affine
from training.models.temporal import DeformableTemporal
from training.models.topology import FoldedChannelTopology


@torch.no_grad()
def fold(network: nn.Module) -> nn.Module:
    """A copy for inference. Its parameters are no longer those of training."""
    result = copy.deepcopy(network).eval()
    _replace(result)
    return fold_batch_norms(result)


@torch.no_grad()
def fold_batch_norms(network: nn.Module) -> nn.Module:
    """A copy in which every batch norm right after its convolution is part of it."""
    result = copy.deepcopy(network).eval()
    for module in result.modules():
        if isinstance(module, nn.Sequential):
            _fold_sequence(module)
    for block in result.modules():
        spatial, norm = getattr(block, "spatial", None), getattr(block, "norm", None)
        if isinstance(spatial, LearnedTopology) and isinstance(norm, nn.BatchNorm2d):
            spatial.mix = fuse_conv_bn_eval(spatial.mix, norm)
            block.norm = nn.Identity()
    return result


def exportable(network: nn.Module) -> nn.Module:
    """A copy that is not folded, but can be exported: learned offsets are sampled."""
    result = copy.deepcopy(network).eval()
    for module in result.modules():
        if isinstance(module, DeformableTemporal):
            module.sampled = True
    return result


def _replace(module: nn.Module) -> None:
    """Put what modules make of themselves for inference in their places."""
    spatial, norm = getattr(module, "spatial", None), getattr(module, "norm", None)
    if isinstance(spatial, ChannelTopology) and isinstance(norm, nn.BatchNorm2d):
        factor, shift = affine(norm)
        module.spatial = FoldedChannelTopology(spatial, factor)
        module.norm = Shift(shift)
    for name, child in list(module.named_children()):
        folded = getattr(child, "folded", None)
        ready: nn.Module = folded() if folded is not None else child
        setattr(module, name, ready)
        _replace(ready)


def _fold_sequence(sequence: nn.Sequential) -> None:
    for index in range(len(sequence) - 1):
        first, second = sequence[index], sequence[index + 1]
        if isinstance(first, nn.Conv1d | nn.Conv2d) and isinstance(second, _BatchNorm):
            sequence[index] = fuse_conv_bn_eval(first, second)
            sequence[index + 1] = nn.Identity()
