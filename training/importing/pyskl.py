"""Rebuilds an ST-GCN or ST-GCN++ from the tensors that pyskl's training saved.

Everything that can be told from names and shapes is: joints, channels, blocks, partitions, the
kind of graph and of temporal convolution, residuals. Two things are not in a checkpoint and
follow pyskl's published configurations: a block whose shortcut is projected halves the time (the
first block has no shortcut), and the four dilated branches have dilations 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.importing.checkpoint import Tensors
from training.importing.stgcn import (
    Block,
    GraphConvolution,
    Scale,
    Stgcn,
    TemporalBranches,
    convolution,
)

_DILATIONS = (1, 2, 3, 4)
_POOL, _POINT = len(_DILATIONS), len(_DILATIONS) + 1
EXPECTED = "an ST-GCN or ST-GCN++ of pyskl"

# Names that only another architecture of the same code base, or of its neighbours, has.
_OTHERS = (
    ("backbone.gcn.0.gcn.convs", "CTR-GCN"),
    ("backbone.net.0.gcn1.convs", "CTR-GCN"),
    ("backbone.gcn.0.gcn.conv_d", "AAGCN"),
    ("backbone.gcn.0.gcn.pre", "DG-STGCN"),
    ("backbone.gcn.0.tcn.add_coeff", "DG-STGCN"),
    ("backbone.sgcn1", "MS-G3D"),
    ("backbone.joint_embed", "SGN"),
    ("backbone.conv1", "PoseC3D or another convolution on images"),
    ("backbone.layer1", "PoseC3D or another convolution on images"),
)


@dataclass(frozen=True)
class Description:
    """What the tensors tell about a network.

    kind: "ST-GCN" or "ST-GCN++"; num_joints V; channels of the input (2: x, y; 3: with score or
    depth); widths, strides: channels and stride of every block; num_classes: outputs; persons:
    people that the input normalisation tells apart, 1 if it does not.
    """

    kind: str
    num_joints: int
    channels: int
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    num_classes: int
    persons: int


def build_stgcn(tensors: dict[str, Tensor], where: str) -> tuple[Stgcn, Description]:
    """The network, ready for inference, and what it is.

    where: the file, for messages. Raises ConfigurationError if the tensors are those of another
    architecture, if one is missing or of a wrong shape, or if one would go unused.
    """
    store = Tensors(tensors, where, EXPECTED)
    for prefix, name in _OTHERS:
        if store.has(prefix):
            raise store.refusal(f"its tensors '{prefix}…' are those of {name}")
    count = 0
    while store.has(f"backbone.gcn.{count}"):
        count += 1
    if count == 0:
        raise store.refusal("it has no tensor 'backbone.gcn.0.gcn.conv.weight'")
    num_joints = store.shape("backbone.gcn.0.gcn.A")[-1]
    plain = store.has("backbone.gcn.0.tcn.conv")

    channels = _input_channels(store, "backbone.gcn.0.gcn")
    enter, persons = _input_norms(store, channels, num_joints)
    # Residuals inside graph convolutions leave a trace only where they widen.
    inner = any(store.has(f"backbone.gcn.{i}.gcn.down") for i in range(count))
    width = channels
    blocks, widths, strides = [], [], []
    for index in range(count):
        block, width, stride = _block(store, f"backbone.gcn.{index}", width, num_joints, inner)
        blocks.append(block)
        widths.append(width)
        strides.append(stride)
    classify = _linear(store, "cls_head.fc_cls", width)
    store.check_all_used()
    network = Stgcn(enter, blocks, classify).eval()
    kind = "ST-GCN" if plain else "ST-GCN++"
    return network, Description(
        kind, num_joints, channels, tuple(widths), tuple(strides), classify.out_features, persons
    )


def _input_channels(store: Tensors, prefix: str) -> int:
    """Convolutions before aggregation keep the input's channels, those after it repeat them."""
    out_channels, in_channels = store.shape(f"{prefix}.conv.weight")[:2]
    before = out_channels != store.shape(f"{prefix}.bn.weight")[0]
    return in_channels if before else in_channels // store.shape(f"{prefix}.A")[0]


def _input_norms(store: Tensors, channels: int, num_joints: int) -> tuple[list[nn.Module], int]:
    """One normalisation per person that is told apart; none at all is allowed."""
    if not store.has("backbone.data_bn"):
        return [nn.Identity()], 1
    size = store.shape("backbone.data_bn.weight")[0]
    persons, rest = divmod(size, channels * num_joints)
    if rest or persons < 1:
        raise store.refusal(
            f"the input normalisation has {size} values, which {num_joints} joints of {channels} "
            "channels do not divide"
        )
    pair = store.batch_norm("backbone.data_bn", size)
    # Joint by joint, the channels side by side.
    scales, shifts = (v.reshape(persons, num_joints, channels).transpose(1, 2) for v in pair)
    return [
        Scale(scale[None, :, None, :], shift[None, :, None, :])
        for scale, shift in zip(scales, shifts, strict=True)
    ], persons


def _block(
    store: Tensors, prefix: str, in_channels: int, num_joints: int, inner: bool
) -> tuple[Block, int, int]:
    """A block, its width and its stride."""
    width = store.shape(f"{prefix}.gcn.bn.weight")[0]
    projected = store.has(f"{prefix}.residual")
    stride = 2 if projected else 1
    shortcut: nn.Module | None = None
    if projected:
        scale, shift = store.batch_norm(f"{prefix}.residual.bn", width)
        shortcut = _convolution(
            store, f"{prefix}.residual.conv", width, in_channels, 1, scale, shift, stride
        )
    elif in_channels == width:
        shortcut = nn.Identity()
    elif not prefix.endswith(".0"):
        raise store.refusal(f"'{prefix}' widens {in_channels} to {width} channels without shortcut")
    spatial = _graph_convolution(store, f"{prefix}.gcn", in_channels, width, num_joints, inner)
    if store.has(f"{prefix}.tcn.branches"):
        temporal: nn.Module = _branches(store, f"{prefix}.tcn", width, stride)
    else:
        kernel = store.shape(f"{prefix}.tcn.conv.weight")[2]
        scale, shift = store.batch_norm(f"{prefix}.tcn.bn", width)
        temporal = _convolution(
            store, f"{prefix}.tcn.conv", width, width, kernel, scale, shift, stride
        )
    return Block(spatial, temporal, shortcut), width, stride


def _graph_convolution(
    store: Tensors, prefix: str, in_channels: int, width: int, num_joints: int, inner: bool
) -> GraphConvolution:
    parts = store.shape(f"{prefix}.A")[0]
    adjacency = store.take(f"{prefix}.A", parts, num_joints, num_joints)
    if store.has(f"{prefix}.PA"):
        learned = store.take(f"{prefix}.PA", parts, num_joints, num_joints)
        adjacency = _combined(adjacency, learned)
    scale, shift = store.batch_norm(f"{prefix}.bn", width)
    if store.shape(f"{prefix}.conv.weight")[0] == width * parts and parts > 1:
        weight = store.take(f"{prefix}.conv.weight", parts * width, in_channels, 1, 1)
        bias = store.take(f"{prefix}.conv.bias", parts * width).reshape(parts, width)
        mix = weight.reshape(parts, width, in_channels).transpose(0, 1).reshape(width, -1)
        offset = bias.T @ adjacency.sum(dim=1)  # a constant spreads over the graph, too
    else:
        mix = store.take(f"{prefix}.conv.weight", width, parts * in_channels, 1, 1)[:, :, 0, 0]
        offset = store.take(f"{prefix}.conv.bias", width)[:, None].expand(width, num_joints)
    residual: nn.Module | None = None
    if store.has(f"{prefix}.down"):
        residual = _convolution(
            store, f"{prefix}.down.0", width, in_channels, 1,
            *store.batch_norm(f"{prefix}.down.1", width),
        )  # fmt: skip
    elif inner:
        if in_channels != width:
            raise store.refusal(f"it has no tensor '{prefix}.down.0.weight'")
        residual = nn.Identity()
    return GraphConvolution(
        adjacency, mix * scale[:, None], offset * scale[:, None] + shift[:, None], residual
    )


def _combined(adjacency: Tensor, learned: Tensor) -> Tensor:
    """A learned matrix beside the graph's own is either a factor or a summand.

    A factor gets no gradient where the graph has no edge, so there all its values are alike.
    """
    elsewhere = learned[adjacency == 0]
    factor = elsewhere.numel() == 0 or bool((elsewhere == elsewhere[0]).all())
    return adjacency * learned if factor else adjacency + learned


def _branches(store: Tensors, prefix: str, width: int, stride: int) -> TemporalBranches:
    found = {i for i in range(32) if store.has(f"{prefix}.branches.{i}")}
    if found != set(range(_POINT + 1)):
        raise store.refusal(f"'{prefix}' has {len(found)} branches and not {_POINT + 1}")
    heads = [f"{prefix}.branches.{i}.0" for i in range(_POOL + 1)]
    widths = [store.shape(f"{head}.weight")[0] for head in heads]
    widths.append(store.shape(f"{prefix}.branches.{_POINT}.weight")[0])
    total = sum(widths)
    weights, biases = [], []
    for i, head in enumerate(heads):
        scale, shift = store.batch_norm(f"{prefix}.branches.{i}.1", widths[i])
        layer = _convolution(store, head, widths[i], width, 1, scale, shift)
        weights.append(layer.weight)
        biases.append(layer.bias)
    enter = convolution(torch.cat(weights), torch.cat([b for b in biases if b is not None]))

    # The normalisation after all branches goes into the last layer of each.
    scales, shifts = (
        torch.split(v, widths) for v in store.batch_norm(f"{prefix}.transform.0", total)
    )
    dilated = [
        _convolution(
            store, f"{prefix}.branches.{i}.3.conv", widths[i], widths[i], 3, scales[i], shifts[i],
            stride, dilation,
        )
        for i, dilation in enumerate(_DILATIONS)
    ]  # fmt: skip
    pooled = Scale(scales[_POOL][None, :, None, None], shifts[_POOL][None, :, None, None])
    point = _convolution(
        store, f"{prefix}.branches.{_POINT}", widths[_POINT], width, 1, scales[_POINT],
        shifts[_POINT], stride,
    )  # fmt: skip
    leave = _convolution(
        store, f"{prefix}.transform.2", width, total, 1, *store.batch_norm(f"{prefix}.bn", width)
    )
    return TemporalBranches(enter, widths[:-1], dilated, pooled, point, leave, stride)


def _convolution(
    store: Tensors,
    prefix: str,
    out_channels: int,
    in_channels: int,
    kernel: int,
    scale: Tensor,
    shift: Tensor,
    stride: int = 1,
    dilation: int = 1,
) -> nn.Conv2d:
    """A convolution over time with what follows it, y * scale + shift, folded in."""
    weight = store.take(f"{prefix}.weight", out_channels, in_channels, kernel, 1)
    bias = store.take(f"{prefix}.bias", out_channels)
    return convolution(weight * scale[:, None, None, None], bias * scale + shift, stride, dilation)


def _linear(store: Tensors, prefix: str, width: int) -> nn.Linear:
    classes = store.shape(f"{prefix}.weight")[0]
    layer = nn.Linear(width, classes)
    layer.weight = nn.Parameter(store.take(f"{prefix}.weight", classes, width).clone())
    layer.bias = nn.Parameter(store.take(f"{prefix}.bias", classes).clone())
    return layer
